package governance

import "github.com/sustainy/coop/event"

// Template is a charter to begin with, for one kind of cooperative.
type Template struct {
	Name    string   `json:"name"`
	About   string   `json:"about"`
	Sources []string `json:"sources"` // practice and law that it follows; it is no legal advice
	Charter Charter  `json:"charter"`
}

// ica is what all templates follow: voluntary and open membership, democratic control, one member one
// vote in a primary cooperative, whatever anybody's share of the money.
const ica = "ICA, Statement on the Cooperative Identity (1995), principles 1 and 2"

// Templates are the charters to choose from. Each differs from DefaultCharter in what its kind of
// cooperative does otherwise.
func Templates() []Template {
	return []Template{housing(), workers(), consumers(), stakeholders()}
}

// FindTemplate finds a template by its name.
func FindTemplate(name string) (Template, bool) {
	for _, t := range Templates() {
		if t.Name == name {
			return t, true
		}
	}
	return Template{}, false
}

// track is a track of a charter that has it, to be changed in place.
func (c *Charter) track(name string) *Track {
	for i := range c.Tracks {
		if c.Tracks[i].Name == name {
			return &c.Tracks[i]
		}
	}
	panic("governance: invariant: a template has no track " + name)
}

// pace sets the periods of a track.
func (t *Track) pace(discussion, voting, grace event.Time) {
	t.Discussion, t.Voting, t.Grace = discussion, voting, grace
}

// housing: who lives there decides. A home is at stake, so expulsion needs most residents and much time;
// who waits for a flat is a member without a say in the house.
func housing() Template {
	c := DefaultCharter()
	c.Classes = []Class{
		{Name: "resident", Admission: AdmitVote, Votes: true, Invite: true},
		{Name: "waiting", Admission: AdmitSponsor, Sponsors: 1, Invite: true},
	}
	c.track("membership").Quorum.Share = Ratio{1, 2}
	c.track("membership").Threshold = Threshold{Ratio{3, 4}, false}
	c.track("membership").pace(14*day, 14*day, 14*day)
	c.track("charter").Threshold = Threshold{Ratio{3, 4}, false}
	c.track("budget").Method, c.track("budget").Completion, c.track("budget").Utility = BudgetShares, CompleteRaiseFill, UtilityCost
	c.track("budget").Threshold = Threshold{Ratio{0, 1}, false} // equal shares protect small groups: a garden for a few
	return Template{Name: "housing", About: "a housing cooperative: residents decide, who waits for a home is heard", Charter: c,
		Sources: []string{ica, "German Genossenschaftsgesetz: § 43 (3) one vote a member, § 16 (2) three quarters to amend, § 68 expulsion for reasons in the charter"}}
}

// workers: who works there decides, after a time of trial. Weeks are too long for daily work, so the
// general track is quick; the heavy ones are not.
func workers() Template {
	c := DefaultCharter()
	c.Classes = []Class{
		{Name: "worker", Admission: AdmitVote, Votes: true, Invite: true},
		{Name: "trial", Admission: AdmitSponsor, Sponsors: 2, Invite: true},
	}
	c.track("general").pace(day, 3*day, 12*hour)
	c.track("admission").Threshold = Threshold{Ratio{2, 3}, false}
	c.track("treasury").pace(2*day, 5*day, day)
	c.track("election").Method, c.track("election").Seats = STV, 4
	c.track("election").Threshold = Threshold{Ratio{1, 2}, true}
	c.Limits.Silence = 90 * day
	return Template{Name: "workers", About: "a workers' cooperative: who works there decides, after a time of trial", Charter: c,
		Sources: []string{ica, "CICOPA, World Declaration on Worker Cooperatives (2005)", "Spanish Ley 27/1999 de Cooperativas, art. 28: two thirds to amend"}}
}

// consumers: many members, most of whom seldom vote. So joining is easy, the quorum is by support, not by
// turnout, and does not wait for silent members. Staff keeps the record of who bought what, so that the
// members can ask new ones for some purchases first (class customer, patronage).
func consumers() Template {
	c := DefaultCharter()
	c.Classes = []Class{
		{Name: "customer", Admission: AdmitSponsor, Sponsors: 1, Votes: true, Invite: true},
		{Name: "staff", Admission: AdmitVote, Invite: true, Credits: true},
	}
	c.track("admission").Actions = append(c.track("admission").Actions, KindPatronageCredit)
	c.track("general").pace(3*day, 10*day, 2*day)
	c.track("treasury").Quorum.Share = Ratio{1, 10}
	c.track("membership").Quorum.Share = Ratio{1, 10}
	c.track("charter").Quorum = Quorum{QuorumForOnly, Ratio{1, 5}}
	c.track("budget").Quorum = Quorum{QuorumTurnout, Ratio{1, 20}}
	c.track("election").Method, c.track("election").Seats = STV, 7
	c.track("election").Threshold = Threshold{Ratio{1, 2}, true}
	c.Limits.Silence = 365 * day
	c.Limits.Candidates = 1000
	return Template{Name: "consumers", About: "a consumers' cooperative: many members, who buy there; staff is heard", Charter: c,
		Sources: []string{ica, "Rochdale Society of Equitable Pioneers, Laws and Objects (1844)", "Regulation (EC) 1435/2003 on the European Cooperative Society, art. 59 and 61: one vote a member, two thirds to amend"}}
}

// stakeholders: who uses it, who works for it and who supports it are members of one cooperative. To
// amend the charter takes nearly all, so that no group is outvoted for ever.
func stakeholders() Template {
	c := DefaultCharter()
	c.Classes = []Class{
		{Name: "user", Admission: AdmitSponsor, Sponsors: 2, Votes: true, Invite: true},
		{Name: "worker", Admission: AdmitVote, Votes: true, Invite: true},
		{Name: "supporter", Admission: AdmitVote, Votes: true, Invite: true},
	}
	c.track("charter").Threshold = Threshold{Ratio{3, 4}, false}
	c.track("election").Method, c.track("election").Seats = STV, 4
	c.track("election").Threshold = Threshold{Ratio{1, 2}, true}
	return Template{Name: "stakeholders", About: "a multi-stakeholder cooperative: users, workers and supporters together", Charter: c,
		Sources: []string{ica, "Québec Cooperatives Act (C-67.2), solidarity cooperatives, s. 226.1 and following", "French loi 47-1775, art. 19 quinquies and following (SCIC)"}}
}
