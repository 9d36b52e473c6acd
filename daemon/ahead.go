package daemon

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/sustainy/coop/archive"
	"github.com/sustainy/coop/content"
	"github.com/sustainy/coop/coop"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/finality"
	"github.com/sustainy/coop/home"
	"github.com/sustainy/coop/node"
	"github.com/sustainy/coop/p2p"
)

// When a home looks ahead: it shows the state that a quorum certified while it fetches the history that led there,
// if it lacks more events than this, some 5 MB. Less is there sooner than one could read the answer. How many it lacks
// the proof says, for which it asks if it lacks some commits: under load one commit has hundreds of events.
const (
	aheadCommits = 4
	aheadEvents  = 10_000
)

const (
	aheadEvery  = 250 * time.Millisecond // how often it is looked how far the history is
	aheadPause  = 2 * time.Second        // before peers are asked once more for what they did not have whole
	aheadAgain  = 10 * time.Second       // before they are asked once more for a proof
	proofsAsked = 4                      // peers whose proofs are compared: the newest counts
)

// ahead is a certified state that this home has not come to by itself.
type ahead struct {
	cert   *finality.Certificate
	of     int       // stewards of its epoch
	began  time.Time // when this home began to fetch the history up to there
	events uint64    // that it had then

	mu    sync.Mutex
	state *coop.State // nil until it is here
}

// copy is a copy of the state; nil if it is not here.
func (a *ahead) copy() *coop.State {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.state == nil {
		return nil
	}
	s := a.state.Copy()
	return &s
}

// Ahead tells of the certified state that is shown in place of a history that is not here yet.
type Ahead struct {
	Shown   bool       `json:"shown"`   // else it is being fetched
	Commits uint64     `json:"commits"` // up to it
	Events  uint64     `json:"events"`
	Time    event.Time `json:"time"`
	Signed  int        `json:"signed"` // stewards
	Of      int        `json:"of"`
	Checked uint64     `json:"checked"` // events of the history that are here
	Left    int64      `json:"left_ms"` // estimated; 0: not known yet
	Says    string     `json:"says"`
}

// about tells how far the history is.
func (a *ahead) about(s *node.Status, now time.Time) *Ahead {
	p := &a.cert.Checkpoint
	v := &Ahead{Shown: a.copy() != nil, Commits: p.Index + 1, Events: p.Events, Time: p.Time, Signed: len(a.cert.Signatures), Of: a.of, Checked: min(s.Events, p.Events)}
	left := ""
	if took := now.Sub(a.began); v.Checked > a.events && took > time.Second {
		rest := time.Duration(float64(took) / float64(v.Checked-a.events) * float64(p.Events-v.Checked))
		v.Left = rest.Milliseconds()
		if rest > time.Second {
			left = ", about " + rest.Round(max(time.Second, rest.Round(time.Minute)/10)).String() + " more"
		}
	}
	what := "the state that %d of %d stewards certified at commit %d is being fetched"
	if v.Shown {
		what = "shown as certified by %d of %d stewards at commit %d"
	}
	v.Says = fmt.Sprintf(what+"; your peer is still checking the history: %d %%%s. It signs nothing until then", v.Signed, v.Of, v.Commits, v.Checked*100/max(p.Events, 1), left)
	return v
}

// lookAhead shows certified states whenever this home lacks a long history, until ctx ends.
func (r *room) lookAhead(ctx context.Context, n *node.Node) {
	if r.shelf == nil {
		return
	}
	proof, looked := r.shelf.kept(), time.Time{}
	if proof == nil {
		r.shelf.clear(content.ID{}) // what was handed out before the last stop
	}
	for {
		s, err := n.Status(ctx)
		if err != nil {
			return
		}
		if proof != nil || s.Known >= s.Commits+aheadCommits && time.Since(looked) > aheadAgain {
			err := r.leap(ctx, n, &s, proof)
			r.ahead.Store(nil)
			if ctx.Err() != nil {
				return // and what has come is of use at the next start
			}
			if err != nil {
				r.log.Info("no certified state is shown", "why", err)
			}
			r.shelf.clear(content.ID{})
			proof, looked = nil, time.Now()
		}
		if !pause(ctx, aheadEvery) {
			return
		}
	}
}

func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// leap shows the newest certified state until the history up to it is here.
func (r *room) leap(ctx context.Context, n *node.Node, s *node.Status, proof []byte) error {
	for {
		a, raw, err := r.certificate(ctx, s, proof)
		if err != nil {
			return err
		}
		proof = nil
		if further, err := n.Expect(ctx, a.cert); err != nil || !further {
			return err
		}
		if err := r.shelf.keep(raw); err != nil {
			return err
		}
		r.ahead.Store(a)
		there, met := r.untilMet(ctx, n)
		err = r.fill(there, a, raw)
		if err == nil {
			<-there.Done()
		}
		here := there.Err() != nil // the history
		met()
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case here || !errors.Is(err, errAllAbsent):
			return err
		}
		if !pause(ctx, aheadPause) { // nobody has it any more: there is a newer one
			return ctx.Err()
		}
	}
}

// untilMet is a context that ends when the history up to what is expected is here, or when end is called, which
// also waits.
func (r *room) untilMet(ctx context.Context, n *node.Node) (there context.Context, end func()) {
	there, cancel := context.WithCancel(ctx)
	var watching sync.WaitGroup
	watching.Go(func() {
		defer cancel()
		for pause(there, aheadEvery) {
			if s, err := n.Status(there); err != nil || s.Expected == 0 {
				return
			}
		}
	})
	return there, func() { cancel(); watching.Wait() }
}

var (
	errNotWorthIt = errors.New("the history is almost here, or nobody proves a newer certified state")
	errAllAbsent  = errors.New("nobody hands out this certified state any more")
	errOtherState = errors.New("a quorum has signed the state of another cooperative, or something that is no state")
	errNotPinned  = errors.New("it does not agree with the invite, or is older")
)

// certificate is the newest certified state of which this home or one of some peers has a proof, if it is worth it.
func (r *room) certificate(ctx context.Context, s *node.Status, kept []byte) (best *ahead, proof []byte, err error) {
	consider := func(raw []byte) error {
		a, err := r.proven(raw)
		if err == nil && (best == nil || a.cert.Checkpoint.Index > best.cert.Checkpoint.Index) {
			best, proof = a, raw
		}
		return err
	}
	if kept != nil {
		_ = consider(kept) // if it does not hold, the disk is to blame
	}
	asked := 0
	for _, p := range r.peers() {
		if best != nil && kept != nil || asked == proofsAsked {
			break
		}
		raw, err := r.askProof(ctx, p)
		if errors.Is(err, content.ErrAbsent) {
			continue
		}
		if err == nil {
			err = consider(raw)
		}
		if err != nil {
			r.log.Warn("a peer gave no sound proof of a certified state", "peer", p.Short(), "why", err)
			continue
		}
		asked++
	}
	if best == nil || best.cert.Checkpoint.Index < s.Commits || kept == nil && best.cert.Checkpoint.Events < s.Events+r.d.aheadEvents {
		return nil, nil, errNotWorthIt
	}
	best.began, best.events = time.Now(), s.Events
	return best, proof, nil
}

// proven follows a proof from the founding event to the certificate of a state.
func (r *room) proven(raw []byte) (*ahead, error) {
	report, cert, err := archive.FollowLight(raw, nil)
	if err != nil {
		return nil, err
	}
	if report.Coop != r.id || cert == nil || cert.Checkpoint.Coop != r.id {
		return nil, errOtherState
	}
	if pin, err := r.pin(); err != nil || pin != nil && !agrees(report, cert, pin) {
		return nil, errors.Join(errNotPinned, err)
	}
	return &ahead{cert: cert, of: len(report.Epochs[len(report.Epochs)-1].Stewards)}, nil
}

// agrees tells whether a proof is of the history that a pin vouches for, and goes at least as far.
func agrees(report *archive.LightReport, cert *finality.Certificate, pin *node.Pin) bool {
	p, hash := &cert.Checkpoint, cert.Checkpoint.Hash()
	base := hex.EncodeToString(hash[:]) // of the epoch after it, if it ends one
	if pin.Epoch < uint64(len(report.Epochs)) {
		base = report.Epochs[pin.Epoch].Base
	}
	return pin.Epoch <= uint64(len(report.Epochs)) && base == hex.EncodeToString(pin.Base[:]) && p.Index+1 >= pin.Commits &&
		(p.Index+1 > pin.Commits || hash == pin.Hash)
}

// askProof asks a peer for the proof of the newest certified state it has.
func (r *room) askProof(ctx context.Context, p p2p.Peer) ([]byte, error) {
	from, err := r.source(ctx, p, snapshotProtocol, append(slices.Clone(r.id[:]), make([]byte, 32)...))
	if err != nil {
		return nil, err
	}
	defer func() { _ = from.s.Reset() }()
	stop := context.AfterFunc(ctx, func() { _ = from.s.Reset() })
	defer stop()
	return from.read(archive.MaxLight)
}

// fill fetches a certified state from whoever has it, again and again until ctx ends, and shows it.
func (r *room) fill(ctx context.Context, a *ahead, proof []byte) error {
	id := content.ID(a.cert.Checkpoint.State)
	r.shelf.clear(id)
	for {
		f, err := r.shelf.store.Get(id)
		if err != nil || !f.Whole() {
			err = r.fetchSnapshot(ctx, id)
		}
		switch {
		case err == nil:
			return r.unfold(a, id, proof)
		case errors.Is(err, errAllAbsent):
			return err
		}
		if !pause(ctx, aheadPause) {
			return ctx.Err()
		}
	}
}

// fetchSnapshot asks one peer after the other. One that sends what is not of it, or nothing in time, is left.
func (r *room) fetchSnapshot(ctx context.Context, id content.ID) error {
	part, err := r.shelf.store.Part(id)
	if err != nil {
		return err
	}
	defer part.Close()
	peers, absent := r.peers(), 0
	for _, p := range peers {
		from, err := r.source(ctx, p, snapshotProtocol, append(slices.Clone(r.id[:]), id[:]...))
		if err == nil {
			stop := context.AfterFunc(ctx, func() { _ = from.s.Reset() })
			err = r.take(from, part, func(uint64) {})
			stop()
			_ = from.s.Reset()
		}
		switch {
		case err == nil:
			_, err := part.Finish()
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, content.ErrAbsent):
			absent++
		default:
			r.log.Warn("a peer failed to hand out a certified state", "peer", p.Short(), "why", err)
		}
	}
	if len(peers) > 0 && absent == len(peers) {
		return errAllAbsent
	}
	return errNotWhole
}

var errNotWhole = errors.New("the certified state could not be fetched from anybody who is there")

// unfold reads a certified state that is here whole, and hands it on to others from now on.
func (r *room) unfold(a *ahead, id content.ID, proof []byte) error {
	in, out := io.Pipe()
	var writing sync.WaitGroup
	writing.Go(func() { out.CloseWithError(r.shelf.store.WriteTo(out, id)) })
	state, err := coop.ReadSnapshot(in)
	in.CloseWithError(err)
	writing.Wait()
	if err == nil && state.Hall.Coop != r.id {
		err = errOtherState
	}
	if err != nil {
		return errors.Join(err, r.shelf.store.Drop(id))
	}
	a.mu.Lock()
	a.state = state
	a.mu.Unlock()
	r.shelf.mu.Lock()
	r.shelf.put(id, proof)
	r.shelf.mu.Unlock()
	r.log.Info("a certified state is shown while the history comes in", "commits", a.cert.Checkpoint.Index+1)
	return nil
}

// noticeHeader tells with an answer that it is from a certified state, while the history comes in.
const noticeHeader = "X-Coop-Notice"

// noticed makes answers about a cooperative say what they are made of.
func (d *Daemon) noticed(a answer) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if id := req.PathValue("coop"); id != "" && req.Method == http.MethodGet {
			if r, err := d.room(id); err == nil {
				if v := r.looking(req.Context()); v != nil && v.Shown {
					w.Header().Set(noticeHeader, v.Says)
				}
			}
		}
		a.ServeHTTP(w, req)
	})
}

// looking tells of the certified state that is shown or fetched; nil if there is none.
func (r *room) looking(ctx context.Context) *Ahead {
	a := r.ahead.Load()
	if a == nil {
		return nil
	}
	n, err := r.ask()
	if err != nil {
		return nil
	}
	s, err := n.Status(ctx)
	if err != nil || s.Expected == 0 {
		return nil
	}
	return a.about(&s, time.Now())
}

// checked is picture for what only the history can tell.
func (d *Daemon) checked(req *http.Request) (*picture, error) {
	v, r, err := d.picture(req)
	if err == nil {
		err = r.history(req.Context())
	}
	return v, err
}

// history tells why what only the history can tell is not known yet, or nil.
func (r *room) history(ctx context.Context) error {
	if v := r.looking(ctx); v != nil {
		return &home.Problem{Code: CodeNotFinal, What: "only the history can tell this, and it is not here yet", Why: v.Says, Next: "coop status shows how far it is"}
	}
	return nil
}
