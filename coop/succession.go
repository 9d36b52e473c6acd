package coop

import "github.com/sustainy/coop/finality"

// Succession is how one epoch followed another: by a hand-over that a quorum of its stewards certified, or by a
// re-founding of the members (governance.Refounding), in its raw form. With the latter the hand-over is empty.
type Succession struct {
	finality.Handover
	Refounding []byte
}

// Successions are hand-overs alone.
func Successions(steps []finality.Handover) []Succession {
	all := make([]Succession, len(steps))
	for i, h := range steps {
		all[i].Handover = h
	}
	return all
}
