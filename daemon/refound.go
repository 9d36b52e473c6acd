package daemon

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"os"

	"github.com/sustainy/coop/coop"
	"github.com/sustainy/coop/crdt"
	"github.com/sustainy/coop/crdt/badgerdb"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/home"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/node"
)

// chairScheme begins in text what a member says who would be steward of a re-founding.
const chairScheme = "coop-chair:"

// RefoundAsk is what any step of a re-founding is asked with.
type RefoundAsk struct {
	Chairs []string `json:"chairs"` // to draft: offers of those who would be stewards
	Reason string   `json:"reason"` // to draft
	Copies [][]byte `json:"copies"` // of one re-founding, whose assents are put together
}

// Refounded is what came of a step.
type Refounded struct {
	Chair string         `json:"chair,omitempty"` // of an offer
	Raw   []byte         `json:"raw,omitempty"`
	View  RefoundingView `json:"view"`
}

// RefoundingView is a re-founding in words.
type RefoundingView struct {
	Digest     string   `json:"digest"` // of what is assented to
	Checkpoint string   `json:"checkpoint"`
	Epoch      uint64   `json:"epoch"` // that begins
	Stewards   []string `json:"stewards"`
	Reason     string   `json:"reason"`
	Assents    []string `json:"assents"`
	Voters     uint64   `json:"voters"`          // of whom the charter asks for a share
	Holds      bool     `json:"holds"`           // here
	Lacks      string   `json:"lacks,omitempty"` // why it does not
}

// postRefound does one step of a re-founding: offer, draft, look, assent or apply.
func (d *Daemon) postRefound(r *http.Request) (any, error) {
	var ask RefoundAsk
	if err := decode(r, &ask); err != nil {
		return nil, err
	}
	n, err := d.writer(r)
	if err != nil {
		return nil, err
	}
	ctx, step := r.Context(), r.PathValue("step")
	var object *governance.Refounding
	switch step {
	case "offer":
		chair, err := n.Chair(ctx)
		if err != nil {
			return nil, err
		}
		return Refounded{Chair: chairText(chair)}, nil
	case "draft":
		var chairs []governance.RefoundingChair
		for _, text := range ask.Chairs {
			chair, err := parseChair(text)
			if err != nil {
				return nil, err
			}
			chairs = append(chairs, chair)
		}
		object, err = n.DraftRefounding(ctx, chairs, ask.Reason)
	case "look", "assent", "apply":
		object, err = joinCopies(ask.Copies)
	default:
		return nil, usage("a re-founding has no step %q", step)
	}
	if err != nil {
		return nil, err
	}
	view, err := n.View(ctx)
	if err != nil {
		return nil, err
	}
	switch step {
	case "assent":
		err = n.AssentTo(ctx, object)
	case "apply":
		if err = n.Refound(ctx, object); err == nil {
			return Refounded{Raw: object.Raw(), View: viewRefounding(view.State, object, nil)}, nil
		}
	}
	if err != nil {
		return nil, refoundTrouble(err)
	}
	return Refounded{Raw: object.Raw(), View: viewRefounding(view.State, object, n.CheckRefounding(ctx, object))}, nil
}

// joinCopies puts the assents of several copies together.
func joinCopies(copies [][]byte) (object *governance.Refounding, err error) {
	for _, raw := range copies {
		next, err := governance.OpenRefounding(raw)
		if err != nil {
			return nil, usage("%v", err)
		}
		if object == nil {
			object = next
		} else if !object.Join(next) {
			return nil, usage("these are two different re-foundings: their texts are %.8x and %.8x", object.Text.Digest(), next.Text.Digest())
		}
	}
	if object == nil {
		return nil, usage("no re-founding was given")
	}
	return object, nil
}

func viewRefounding(s *coop.State, r *governance.Refounding, lacks error) RefoundingView {
	name := func(member identity.PublicKey) string {
		if m, ok := s.Hall.Members.Get(member); ok {
			return m.Name
		}
		return member.String()
	}
	digest := r.Text.Digest()
	v := RefoundingView{Digest: hex.EncodeToString(digest[:]), Checkpoint: hex.EncodeToString(r.Text.Checkpoint[:]), Epoch: r.Text.Epoch,
		Reason: r.Text.Reason, Voters: s.Hall.Voters(), Holds: lacks == nil, Stewards: []string{}, Assents: []string{}}
	for _, chair := range r.Text.Stewards {
		v.Stewards = append(v.Stewards, name(chair.Member))
	}
	for _, a := range r.Assents {
		v.Assents = append(v.Assents, name(a.Member))
	}
	if lacks != nil {
		v.Lacks = lacks.Error()
	}
	return v
}

// refoundTrouble adds to a refusal what a member can do.
func refoundTrouble(err error) error {
	next := "coop refound --help"
	switch {
	case errors.Is(err, governance.ErrRefoundBase):
		next = "coop status: if this computer is behind, wait until it has caught up with the others; if it knows more than they do, draft it here, or coop refound yield"
	case errors.Is(err, governance.ErrRefoundEarly):
		next = "wait; a re-founding is for stewards who never come back"
	case errors.Is(err, node.ErrNothingToRefound):
		next = "coop found"
	}
	return &home.Problem{Code: CodeRefused, What: err.Error(), Next: next, Err: err}
}

func chairText(c governance.RefoundingChair) string {
	text, err := event.Marshal(c)
	if err != nil {
		panic("daemon: invariant: an offer can be written: " + err.Error())
	}
	return sealText(chairScheme, text)
}

func parseChair(text string) (c governance.RefoundingChair, err error) {
	raw, why := openText(chairScheme, text)
	if why == "" && event.Unmarshal(raw, &c) != nil {
		why = "it was made by a program that writes offers differently"
	}
	if why != "" {
		return c, &home.Problem{Code: CodeBadLink, What: "this is no offer to be steward", Why: why, Next: "make it on the computer that is to order events, and copy all of it: coop refound offer"}
	}
	return c, nil
}

// Yield puts aside what a home calls final in a cooperative, because the members have gone on without it:
// the order comes anew from the others. The events stay; the daemon must not run.
func Yield(h *home.Home, genesis *event.Event) (aside string, err error) {
	place := h.Paths.StoreDir(genesis.ID)
	stage := place + ".yielding"
	if err := os.RemoveAll(stage); err != nil {
		return "", fmt.Errorf("cannot make room for the new store: %w", err)
	}
	err = WithStore(h, genesis.ID, func(from crdt.Store) error {
		to, err := badgerdb.Open(stage, badgerdb.Options{MinFree: leastFree, Ballast: -1})
		if err != nil {
			return err
		}
		in := &intake{store: to}
		err = from.Events(0, func(_ uint64, raw []byte) error {
			e, err := event.Open(raw)
			if err != nil {
				return err
			}
			return in.event(e)
		})
		if err == nil {
			err = in.flush()
		}
		return errors.Join(err, to.Close())
	})
	if err != nil {
		return "", errors.Join(err, os.RemoveAll(stage))
	}
	for n := 1; ; n++ {
		aside = fmt.Sprintf("%s.yielded-%d", place, n)
		if _, err := os.Lstat(aside); errors.Is(err, os.ErrNotExist) {
			break
		}
	}
	if err := os.Rename(place, aside); err != nil {
		return "", fmt.Errorf("cannot put the old store aside: %w", err)
	}
	if err := os.Rename(stage, place); err != nil {
		return "", fmt.Errorf("cannot put the new store into its place (the old one is %s): %w", aside, err)
	}
	return aside, nil
}
