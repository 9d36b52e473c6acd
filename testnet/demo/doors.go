package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/sync/errgroup"

	"github.com/sustainy/coop/daemon"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/pabulib"
	"github.com/sustainy/coop/testnet"
)

// stage is where a demo plays: real peers, and the doors by which people who have no peer of their own
// come in.
type stage struct {
	Options
	net *testnet.Net
}

// exportName is the file in the demo's directory that everything is exported to.
const exportName = "demo.car"

// errUnverified is an export that does not hold.
var errUnverified = errors.New("the export does not verify")

// patience is how long the peers may take to agree on something.
const patience = 5 * time.Minute

func seal(key identity.Key, slot event.Slot, kind event.Kind, body any) (*event.Event, error) {
	d, err := event.NewDraft(kind, body)
	if err != nil {
		return nil, fmt.Errorf("cannot write %s: %w", kind, err)
	}
	return event.Seal(key, slot, d)
}

// more ends a name that was cut.
const more = "…"

// optionName is a project as voters see it, its id first, within what a name may have. A name that is
// cut shows it; the id never is.
func optionName(p pabulib.Project) string {
	name := strings.Join(strings.Fields(strings.ToValidUTF8(p.ID+" "+p.Name, "")), " ")
	if len(name) <= governance.MaxName {
		return name
	}
	for len(name) > governance.MaxName-len(more) {
		_, size := utf8.DecodeLastRuneInString(name)
		name = strings.TrimSpace(name[:len(name)-size])
	}
	return name + more
}

// submit lets a peer's own member say something.
func (r *stage) submit(ctx context.Context, node *testnet.Node, kind event.Kind, body any) (event.ID, error) {
	d, err := event.NewDraft(kind, body)
	if err != nil {
		return event.ID{}, fmt.Errorf("cannot write %s: %w", kind, err)
	}
	var s daemon.Submitted
	err = node.Client().Post(ctx, daemon.Path("coops", r.net.Coop.String(), "submit"), daemon.Submission{Kind: d.Kind, Body: d.Body}, &s)
	return s.ID, err
}

// final waits until an event is final at a peer, and tells if it was refused.
func (r *stage) final(ctx context.Context, node *testnet.Node, id event.ID) error {
	var o daemon.Outcome
	path := daemon.Path("coops", r.net.Coop.String(), "wait", id.String()) + "?timeout=" + url.QueryEscape(patience.String())
	if err := node.Client().Get(ctx, path, &o); err != nil {
		return err
	}
	if o.Refusal != "" {
		return fmt.Errorf("%s refused it: %s", node.Name, o.Refusal)
	}
	return nil
}

// send brings events to their doors, all doors at once, leaving one out.
func (r *stage) send(ctx context.Context, doors [][]*event.Event, but *testnet.Node) error {
	group, ctx := errgroup.WithContext(ctx)
	for i := range doors {
		if node := &r.net.Nodes[i]; node != but {
			group.Go(func() error { return r.sendTo(ctx, node, doors[i]) })
		}
	}
	return group.Wait()
}

// sendAndSettle sends, and lets the peers but one make final what they have, as far as they can in a
// short time: the poll goes on.
func (r *stage) sendAndSettle(ctx context.Context, doors [][]*event.Event, notTo, butFor *testnet.Node) error {
	if err := r.send(ctx, doors, notTo); err != nil {
		return err
	}
	end := time.Now().Add(pause)
	for i := range r.net.Nodes {
		for node := &r.net.Nodes[i]; node != butFor && time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
			s, err := r.net.Status(ctx, node)
			if err != nil {
				return fmt.Errorf("%s: %w", node.Name, err)
			}
			if s.Pending == 0 {
				break
			}
		}
	}
	return nil
}

func (r *stage) sendTo(ctx context.Context, node *testnet.Node, events []*event.Event) error {
	path := daemon.Path("coops", r.net.Coop.String(), "take")
	for len(events) > 0 {
		n := min(batch, len(events))
		raws := make([][]byte, n)
		for i, e := range events[:n] {
			raws[i] = e.Raw
		}
		body, err := event.Marshal(raws)
		if err != nil {
			return fmt.Errorf("cannot write the request: %w", err)
		}
		var t daemon.Taken
		if err := node.Client().Send(ctx, path, "application/cbor", bytes.NewReader(body), &t); err != nil {
			return fmt.Errorf("%s: %w", node.Name, err)
		}
		for i, verdict := range t.Verdicts {
			if verdict != "" {
				return fmt.Errorf("%s does not take %s: %s", node.Name, events[i].ID, verdict)
			}
		}
		events = events[n:]
	}
	return nil
}

// waitFor waits until every peer's status is as wished.
func (r *stage) waitFor(ctx context.Context, good func(daemon.CoopStatus) bool) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for i := range r.net.Nodes {
		for {
			s, err := r.net.Status(ctx, &r.net.Nodes[i])
			if err != nil {
				return fmt.Errorf("%s: %w", r.net.Nodes[i].Name, err)
			}
			if s.Problem == nil && !s.Opening && s.Halted == "" && good(s) {
				break
			}
			select {
			case <-ctx.Done():
				return fmt.Errorf("%s has %d members, %d events not final, %d proposals under way: %w", r.net.Nodes[i].Name, s.Members, s.Pending, s.UnderWay, ctx.Err())
			case <-time.After(50 * time.Millisecond):
			}
		}
	}
	return nil
}

// export writes everything to one file and verifies it in a clean home.
func (r *stage) export(ctx context.Context) error {
	file := filepath.Join(r.Dir, exportName)
	began := time.Now()
	out, err := os.Create(file)
	if err != nil {
		return fmt.Errorf("cannot write the export: %w", err)
	}
	err = r.net.Nodes[0].Client().Stream(ctx, daemon.Path("coops", r.net.Coop.String(), "export"), out)
	if err := errors.Join(err, out.Close()); err != nil {
		return fmt.Errorf("cannot write the export: %w", err)
	}
	info, err := os.Stat(file)
	if err != nil {
		return fmt.Errorf("cannot find the export: %w", err)
	}
	if err := r.Verify(ctx, file, filepath.Join(r.Dir, "clean")); err != nil {
		return fmt.Errorf("%w: %w", errUnverified, err)
	}
	r.Say("exported to %s (%d KiB) and verified in a clean home (%s)", filepath.Base(file), info.Size()>>10, since(began))
	return nil
}
