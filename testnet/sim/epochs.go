package sim

import (
	"slices"

	"github.com/sustainy/coop/finality"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/node"
)

// ring is where a peer keeps its keys for rounds, outside of its disk: a crash leaves them, and an
// earlier day of the disk too.
type ring struct {
	p    *peer
	keys map[uint64]identity.Key
}

// Make draws the key for an epoch.
func (r *ring) Make(epoch uint64) (identity.Key, error) {
	key, made := r.keys[epoch]
	if !made {
		key = keyOf(100_000*(1+int(epoch)) + r.p.index)
		r.keys[epoch] = key
		r.p.w.owner[key.Public()] = r.p
	}
	return key, nil
}

// Find looks a key up.
func (r *ring) Find(public identity.PublicKey) (identity.Key, bool) {
	for _, key := range r.keys {
		if key.Public() == public {
			return key, true
		}
	}
	return identity.Key{}, false
}

// Forget erases what has served.
func (r *ring) Forget(last uint64, needed []identity.PublicKey) error {
	for epoch, key := range r.keys {
		if epoch <= last && !slices.Contains(needed, key.Public()) {
			delete(r.keys, epoch)
		}
	}
	return nil
}

// begins sees a peer in a new epoch. All must begin the same one, and those who serve in it look for
// one another.
func (w *world) begins(p *peer, ep finality.Epoch) {
	p.epoch = ep.Number
	switch {
	case ep.Number < uint64(len(w.epochs)):
		if first := &w.epochs[ep.Number]; first.Base != ep.Base || first.Office() != ep.Office() {
			w.judge.fault(p, "begins epoch %d on another base or with other stewards than others do", ep.Number)
		}
		return
	case ep.Number > uint64(len(w.epochs)):
		w.judge.fault(p, "begins epoch %d before anybody began the one before", ep.Number)
		return
	}
	w.epochs = append(w.epochs, ep)
	w.trace.note(line{at: w.now, what: "epoch", a: p.name, n: ep.Number, m: uint64(ep.N())})
	w.judge.stats.Epochs++
	for i, key := range ep.Stewards {
		a := w.owner[key]
		for _, other := range ep.Stewards[:i] {
			if b := w.owner[other]; a != nil && b != nil && a != b && !a.mute && !b.mute && w.wired[a.index]>>b.index&1 == 0 {
				w.wired[a.index] |= 1 << b.index
				w.wired[b.index] |= 1 << a.index
				w.connect(a, b)
			}
		}
	}
}

// serves tells whether a peer is a steward in the epoch that it is in.
func (p *peer) serves() bool {
	if p.vandal != nil || p.epoch >= uint64(len(p.w.epochs)) {
		return false
	}
	return slices.ContainsFunc(p.w.epochs[p.epoch].Stewards, func(key identity.PublicKey) bool {
		owner := p.w.owner[key]
		return owner == p || owner != nil && owner.public == p.public
	})
}

// seatIn is a peer's number among the stewards of an epoch, or -1.
func (p *peer) seatIn(ep *finality.Epoch) int {
	return slices.IndexFunc(ep.Stewards, func(key identity.PublicKey) bool { return p.w.owner[key] == p })
}

// author is who signs as a steward of an epoch; nil if that is nobody here.
func (w *world) author(epoch uint64, steward int) *peer {
	if epoch >= uint64(len(w.epochs)) || steward >= w.epochs[epoch].N() {
		return nil
	}
	return w.owner[w.epochs[epoch].Stewards[steward]]
}

// reading is a frame as a peer in some epoch reads it.
type reading struct {
	bad  error
	said node.Message
}
