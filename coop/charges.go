package coop

import (
	"github.com/sustainy/coop/crdt"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/finality"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/identity"
)

// Charges are the drafts that bring before the members what this peer can prove and s does not show: for
// each device that has forked its strand, and each steward who has signed two blocks of one round, one
// event with the proof. find returns an event's envelope. Two events that do not fit into one are left
// out: the later one has no effect anyway.
func Charges(s *State, devices []crdt.Fork, stewards []finality.Fork, find func(event.ID) []byte) (drafts []event.Draft) {
	var last identity.PublicKey
	for _, f := range devices { // by key
		d, known := s.Hall.Devices.Get(f.Key)
		if !known || d.Suspended || f.Seq < d.Cleared || f.Key == last {
			continue
		}
		last = f.Key
		drafts = charge(drafts, governance.Evidence{A: find(f.A), B: find(f.B)})
	}
	for _, f := range stewards {
		if r, known := s.Hall.RoundKeys.Get(f.Key); known && !r.Forked {
			drafts = charge(drafts, governance.Evidence{A: f.A.Raw, B: f.B.Raw, Key: f.Key})
		}
	}
	return drafts
}

func charge(drafts []event.Draft, proof governance.Evidence) []event.Draft {
	d, err := event.NewDraft(governance.KindEvidence, proof)
	if err != nil {
		return drafts
	}
	return append(drafts, d)
}
