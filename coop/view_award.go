package coop

import (
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/missions"
	"github.com/sustainy/coop/table"
	"github.com/sustainy/coop/tokens"
)

// AwardView is one prize that was awarded. Amounts are minor units of the currency.
type AwardView struct {
	Mission      event.ID            `json:"mission"`
	Title        string              `json:"title"` // of the mission
	Phase        missions.Phase      `json:"phase"`
	Place        int                 `json:"place"` // from 1
	Submission   event.ID            `json:"submission"`
	Work         string              `json:"work"` // its title
	Prize        uint64              `json:"prize"`
	Paid         uint64              `json:"paid"`            // of that; less while there are milestones ahead
	Token        string              `json:"token,omitempty"` // the achievement token that came of it, of the first place
	Asset        tokens.Asset        `json:"asset,omitzero"`
	Contributors []ContributorView   `json:"contributors"` // who count
	Currency     governance.Currency `json:"currency"`
}

// Awards are all prizes that were awarded, by mission and place. An award that can still be appealed against
// is none yet.
func Awards(s *State) []AwardView {
	views := []AwardView{}
	for id, m := range table.All(&s.Missions.Missions) {
		under := m.Phase == missions.PhaseAwarded || m.Phase == missions.PhaseProving
		if !under && m.Paid == 0 && m.Asset == tokens.Currency {
			continue
		}
		prizes := m.Prizes()
		for rank, entry := range m.Won() {
			x, _ := s.Missions.Submissions.Get(missions.Entry{Mission: id, ID: entry})
			v := AwardView{Mission: id, Title: m.Listing.Title, Phase: m.Phase, Place: rank + 1, Submission: entry, Work: x.Content.Title,
				Prize: prizes[rank], Paid: prizes[rank], Currency: s.Hall.Currency}
			if len(m.Listing.Milestones) > 0 {
				v.Paid = m.Paid
			}
			if rank == 0 && m.Asset != tokens.Currency {
				v.Asset, v.Token = m.Asset, s.tokenName(m.Asset)
			}
			for _, c := range x.Consenting() {
				v.Contributors = append(v.Contributors, ContributorView{c, s.whom(c.Member), true})
			}
			views = append(views, v)
		}
	}
	return views
}
