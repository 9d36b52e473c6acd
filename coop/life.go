package coop

import (
	"github.com/sustainy/coop/governance"
)

// ChamberView is one chamber of a vote with its count.
type ChamberView struct {
	Class string `json:"class"`
	governance.ChamberResult
}

// chambers are the chambers of a vote, in the order of the track.
func chambers(p *governance.Proposal, r *governance.Result) (views []ChamberView) {
	for i, c := range r.Chambers {
		views = append(views, ChamberView{p.Rules.Track.Chambers[i].Class, c})
	}
	return views
}
