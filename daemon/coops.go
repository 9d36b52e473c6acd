package daemon

import (
	"context"
	"encoding/hex"
	"net/http"
	"time"

	"github.com/sustainy/coop/coop"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/home"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/node"
)

// lookPatience is how long a founding event is looked for at most.
const lookPatience = 15 * time.Second

// Foundation asks to found a cooperative: the text, and the consent of every founder but this
// device's owner.
type Foundation struct {
	Text     governance.Founding `json:"text"`
	Consents []Consent           `json:"consents"`
}

func (d *Daemon) postFound(r *http.Request) (any, error) {
	var f Foundation
	if err := decode(r, &f); err != nil {
		return nil, err
	}
	if d.observer != nil {
		return nil, d.observer
	}
	body := governance.CoopFound{Text: f.Text}
	for _, c := range f.Consents {
		sig, err := hex.DecodeString(c.Sig)
		if err != nil || len(sig) != len(identity.Signature{}) {
			return nil, usage("the consent of %s is no signature", c.Key)
		}
		body.Consents = append(body.Consents, governance.Consent{Key: c.Key, Sig: identity.Signature(sig)})
	}
	draft, err := event.NewDraft(governance.KindCoopFound, body)
	if err != nil {
		return nil, err
	}
	genesis, err := event.Seal(d.key, event.Slot{At: d.clock.Now()}, draft)
	if err != nil {
		return nil, err
	}
	if _, err := coop.Genesis(genesis); err != nil {
		return nil, err
	}
	return d.enter(r.Context(), genesis)
}

// Look asks what an invite leads to.
type Look struct {
	Coop  event.ID `json:"coop"`
	Addrs []string `json:"addrs"`
}

// postLook finds the founding event of a cooperative, here or by asking who is at the addresses, for at
// most ?timeout=.
func (d *Daemon) postLook(r *http.Request) (any, error) {
	var l Look
	if err := decode(r, &l); err != nil {
		return nil, err
	}
	if len(l.Addrs) > MaxAddrs {
		return nil, usage("at most %d addresses", MaxAddrs)
	}
	d.mu.RLock()
	here := d.rooms[l.Coop]
	d.mu.RUnlock()
	if here != nil {
		o, err := offer(here.genesis)
		o.Here = true
		return o, err
	}
	patience, err := wait(r)
	if err != nil {
		return nil, err
	}
	if patience == 0 || patience > lookPatience {
		patience = lookPatience
	}
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	genesis, err := d.fetchGenesis(ctx, l.Coop, l.Addrs)
	if err != nil {
		return nil, err
	}
	return offer(genesis)
}

// Join asks to take part in a cooperative whose founding event is at hand.
type Join struct {
	Genesis []byte   `json:"genesis"`
	Addrs   []string `json:"addrs"`
	Pin     []byte   `json:"pin,omitempty"` // of the invite; see node.Pin
}

func (d *Daemon) postJoin(r *http.Request) (any, error) {
	var j Join
	if err := decode(r, &j); err != nil {
		return nil, err
	}
	if len(j.Addrs) > MaxAddrs {
		return nil, usage("at most %d addresses", MaxAddrs)
	}
	genesis, err := event.Open(j.Genesis)
	if err != nil {
		return nil, err
	}
	if _, err := coop.Genesis(genesis); err != nil {
		return nil, err
	}
	for _, addr := range j.Addrs {
		if err := d.meetAt(addr); err != nil {
			return nil, usage("%v", err)
		}
	}
	if len(j.Pin) > 0 {
		if _, err := node.OpenPin(j.Pin); err != nil {
			return nil, usage("%v", err)
		}
	}
	return d.enterAt(r.Context(), genesis, j.Pin)
}

// enter takes part in a cooperative from now on, and returns when it works.
func (d *Daemon) enter(ctx context.Context, genesis *event.Event) (any, error) {
	return d.enterAt(ctx, genesis, nil)
}

// enterAt enters with what the invite vouches for.
func (d *Daemon) enterAt(ctx context.Context, genesis *event.Event, pin []byte) (any, error) {
	r, err := d.admitRoom(genesis, pin)
	if err != nil {
		return nil, err
	}
	select {
	case <-r.opened:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if p := r.trouble(); p != nil {
		return nil, p
	}
	return r.status(ctx), nil
}

func (d *Daemon) admitRoom(genesis *event.Event, pin []byte) (*room, error) {
	d.changing.Lock()
	defer d.changing.Unlock()
	d.mu.RLock()
	r := d.rooms[genesis.ID]
	d.mu.RUnlock()
	if r != nil {
		return r, nil
	}
	if err := d.home.AddCoop(genesis); err != nil {
		return nil, err
	}
	if len(pin) > 0 { // of one that it takes part in already it knows better than any link
		if err := d.home.SetPin(genesis.ID, pin); err != nil {
			return nil, err
		}
	}
	r = d.startRoom(genesis)
	d.mu.Lock()
	d.rooms[genesis.ID] = r
	d.mu.Unlock()
	return r, nil
}

// Left says where a cooperative's data was put.
type Left struct {
	ID    event.ID `json:"id"`
	Aside string   `json:"aside"`
}

// postLeave stops taking part. The data is put aside, not deleted; the membership is not ended: that
// is an event, and up to the member.
func (d *Daemon) postLeave(r *http.Request) (any, error) {
	room, err := d.room(r.PathValue("coop"))
	if err != nil {
		return nil, err
	}
	d.changing.Lock()
	defer d.changing.Unlock()
	d.mu.Lock()
	delete(d.rooms, room.id)
	d.mu.Unlock()
	room.stop()
	aside, err := d.home.LeaveCoop(room.id)
	return Left{room.id, aside}, err
}

// noNetwork is how a person is told that nobody could be asked.
func noNetwork(id event.ID, tried []attempt) *home.Problem {
	why := "no address was given"
	for i, t := range tried {
		if i == 0 {
			why = ""
		}
		reason := "it was reached, but does not have this cooperative"
		if t.err != nil {
			reason = t.err.Error()
		}
		why += t.addr + ": " + reason + "; "
	}
	return &home.Problem{Code: CodeUnreachable, What: "nobody of cooperative " + id.Short() + " could be reached", Why: why,
		Next: "ask whoever invited you whether their computer is on (coop status there), then try the link again"}
}
