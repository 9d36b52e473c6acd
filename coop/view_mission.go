package coop

import (
	"cmp"
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/missions"
	"github.com/sustainy/coop/table"
	"github.com/sustainy/coop/tokens"
)

// MissionView is one mission. Amounts are minor units of the currency, times milliseconds since 1970.
type MissionView struct {
	ID event.ID `json:"id"`
	missions.Listing
	By          identity.PublicKey  `json:"by"`
	ByName      string              `json:"by_name"`
	Currency    governance.Currency `json:"currency"`
	Terms       string              `json:"terms"` // the listing in words
	Listed      event.Time          `json:"since"`
	Phase       missions.Phase      `json:"phase"`
	Due         event.Time          `json:"due,omitempty"`
	Next        string              `json:"next,omitempty"` // what happens then if nobody does anything
	Raised      uint64              `json:"raised"`
	Matched     uint64              `json:"matched,omitempty"`
	Pledgers    uint64              `json:"pledgers"`
	Escrow      uint64              `json:"escrow"`
	Entries     uint64              `json:"entries"`
	Round       uint64              `json:"round,omitempty"`
	Bench       missions.Judges     `json:"bench,omitempty"` // who judges in this round
	Paid        uint64              `json:"paid,omitempty"`
	Deposit     uint64              `json:"deposit,omitempty"`  // of who listed it, in escrow
	Trial       event.Time          `json:"until,omitempty"`    // until then members say whether it is spam
	FlagsNeeded uint64              `json:"flags_needed"`       // until they are asked
	Progress    *missions.Progress  `json:"progress,omitempty"` // with its milestones
	Expected    []ExpectedView      `json:"expected,omitempty"`
	Asset       tokens.Asset        `json:"asset"` // the achievement token, once there is one
	Ended       event.Time          `json:"ended,omitempty"`

	Verdict     *VerdictView     `json:"verdict,omitempty"`
	Pledges     []PledgeView     `json:"pledges,omitempty"`
	Submissions []SubmissionView `json:"submissions,omitempty"`
	Forecasts   []ForecastView   `json:"forecasts,omitempty"`
	Flags       []AppealView     `json:"flags,omitempty"`
	Spam        []MemberName     `json:"spam,omitempty"`  // members who call it spam
	Sound       []MemberName     `json:"sound,omitempty"` // members who say that it is none
	Appeals     []AppealView     `json:"appeals_made,omitempty"`
}

// PledgeView is what one has pledged.
type PledgeView struct {
	Member identity.PublicKey `json:"member"`
	Name   string             `json:"name"`
	missions.Pledge
}

// SubmissionView is one submission; before it is revealed, only who submitted it when.
type SubmissionView struct {
	ID           event.ID           `json:"id"`
	By           identity.PublicKey `json:"by"`
	ByName       string             `json:"by_name"`
	At           event.Time         `json:"at"`
	Status       string             `json:"status"`     // hidden, revealed, candidate, withdrawn, void
	Commitment   string             `json:"commitment"` // hexadecimal
	Title        string             `json:"title,omitempty"`
	Text         string             `json:"text,omitempty"`
	Files        []missions.File    `json:"files,omitempty"`
	Contributors []ContributorView  `json:"contributors,omitempty"`
	Place        int                `json:"place,omitempty"` // in the verdict, from 1; 0: behind no award
	Prize        uint64             `json:"prize,omitempty"` // minor units at what escrow had; 0: none
}

// EntryView is a submission with its mission.
type EntryView struct {
	Mission    MissionView    `json:"mission"`
	Submission SubmissionView `json:"submission"`
}

// ContributorView is one contributor with their word on it.
type ContributorView struct {
	missions.Contributor
	Name     string `json:"name"`
	Consents bool   `json:"consents"`
}

// VerdictView is what a round of judging came to.
type VerdictView struct {
	Round   uint64          `json:"round"`
	Judges  missions.Judges `json:"judges"`
	Closed  event.Time      `json:"ended"`
	Ballots uint64          `json:"ballots"`
	Votes   []OptionView    `json:"votes"` // no award first, then the candidates in the order of their ids
}

// ForecastView is one member's forecast.
type ForecastView struct {
	MemberName
	About missions.Question `json:"about"`
	missions.Forecast
}

// ExpectedView is what the members expect: the mean of their forecasts, each as heavy as its author's standing,
// and at least 1.
type ExpectedView struct {
	About     missions.Question `json:"about"`
	Chance    uint64            `json:"chance"` // percent
	Forecasts uint64            `json:"forecasts"`
}

// StandingView is somebody's standing.
type StandingView struct {
	MemberName
	Points int64 `json:"points"`
}

// AppealView is one appeal, or one flag.
type AppealView struct {
	MemberName
	Reason string     `json:"reason"`
	At     event.Time `json:"at"`
}

// Missions are all missions, by id, without their pledges and submissions.
func Missions(s *State) []MissionView {
	views := make([]MissionView, 0, s.Missions.Missions.Len())
	for id, m := range table.All(&s.Missions.Missions) {
		views = append(views, s.mission(id, &m))
	}
	return views
}

func (s *State) mission(id event.ID, m *missions.Mission) MissionView {
	v := MissionView{ID: id, Listing: m.Listing, By: m.By, ByName: s.whom(m.By), Currency: s.Hall.Currency, Terms: ListingInWords(s.Hall.Currency, &m.Listing), Listed: m.Listed, Phase: m.Phase, Due: m.Due,
		Next: successor(s, m), Raised: m.Raised, Matched: m.Matched, Pledgers: m.Pledgers, Escrow: s.Ledger.Of(tokens.Escrow(id), tokens.Currency).Has,
		Deposit: m.Deposit, Trial: m.Trial, FlagsNeeded: m.Terms.Flags, Expected: s.expected(id), Entries: m.Entries, Round: m.Round, Bench: m.Judges, Paid: m.Paid, Asset: m.Asset, Ended: m.Ended}
	if len(m.Listing.Milestones) > 0 {
		v.Progress = &m.Progress
	}
	if m.By == identity.Assembly {
		v.ByName = "the members"
	}
	return v
}

// successor says what happens at the end of a phase if nobody does anything.
func successor(s *State, m *missions.Mission) string {
	switch m.Phase {
	case missions.PhaseFunding:
		if m.Raised < max(m.Listing.Target, 1) {
			words := fmt.Sprintf("everything goes back, as %s is missing", s.Hall.Currency.Format(max(m.Listing.Target, 1)-m.Raised))
			if m.Listing.Match.Kind != missions.MatchNone {
				words += ", unless the treasury's match makes up for it"
			}
			return words
		}
		return "submissions can be made"
	case missions.PhaseOpen:
		if m.Entries == 0 {
			return "everything goes back, as there is no submission"
		}
		return "submissions are revealed"
	case missions.PhaseRevealing:
		return "what was revealed, with somebody who consents, is judged; if nothing was, everything goes back"
	case missions.PhaseJudging:
		if m.Judges == missions.ByMembers {
			return "the ballots are counted; without any there is no award, or an earlier one stands"
		}
		return "the ballots are counted; without any the members judge"
	case missions.PhaseAwarded:
		return fmt.Sprintf("what is left goes back, unless %q is proven before", m.Listing.Milestones[m.Progress.Done].Name)
	case missions.PhaseProving:
		return fmt.Sprintf("the proof of %q counts as accepted, unless more reject it than accept it", m.Listing.Milestones[m.Progress.Done].Name)
	case missions.PhaseAppeal:
		if len(m.Won()) == 0 {
			return "everything goes back, as there is no award"
		}
		return "the prizes are paid"
	}
	return ""
}

// Mission is one mission with all that belongs to it.
func Mission(s *State, id event.ID) (MissionView, bool) {
	m, ok := s.Missions.Missions.Get(id)
	if !ok {
		return MissionView{}, false
	}
	v := s.mission(id, &m)
	for seat, p := range table.From(&s.Missions.Pledges, missions.Seat{Mission: id}) {
		if seat.Mission != id {
			break
		}
		v.Pledges = append(v.Pledges, PledgeView{seat.Member, s.whom(seat.Member), p})
	}
	for entry, x := range table.From(&s.Missions.Submissions, missions.Entry{Mission: id}) {
		if entry.Mission != id {
			break
		}
		v.Submissions = append(v.Submissions, s.submission(&m, entry.ID, &x))
	}
	s.prospects(id, &v)
	for seat, a := range table.From(&s.Missions.Appeals, missions.Seat{Mission: id}) {
		if seat.Mission != id {
			break
		}
		v.Appeals = append(v.Appeals, AppealView{MemberName{seat.Member, s.whom(seat.Member)}, a.Reason, a.At})
	}
	if m.Verdict.Round > 0 {
		r := &VerdictView{Round: m.Verdict.Round, Judges: m.Verdict.Judges, Closed: m.Verdict.Closed, Ballots: m.Verdict.Ballots}
		for i, votes := range m.Verdict.Votes {
			o := OptionView{Number: uint64(i), Name: "no award", Votes: votes}
			if i > 0 {
				x, _ := s.Missions.Submissions.Get(missions.Entry{Mission: id, ID: m.Candidates[i-1]})
				o.Name = x.Content.Title
				for _, won := range m.Won() {
					o.Selected = o.Selected || won == m.Candidates[i-1]
				}
			}
			r.Votes = append(r.Votes, o)
		}
		v.Verdict = r
	}
	return v, true
}

func (s *State) submission(m *missions.Mission, id event.ID, x *missions.Submission) SubmissionView {
	v := SubmissionView{ID: id, By: x.By, ByName: s.whom(x.By), At: x.At, Status: "hidden", Commitment: hex.EncodeToString(x.Commitment[:]), Title: x.Content.Title, Text: x.Content.Text, Files: x.Content.Files}
	judged := m.Round > 0 || m.Phase.Over() || m.Phase == missions.PhaseRefunding
	switch {
	case x.Withdrawn:
		v.Status = "withdrawn"
	case m.Candidate(id):
		v.Status = "candidate"
	case judged:
		v.Status = "void"
	case x.Revealed != 0:
		v.Status = "revealed"
	}
	for i, c := range x.Content.Contributors {
		v.Contributors = append(v.Contributors, ContributorView{c, s.whom(c.Member), x.Consents[i]})
	}
	for i, won := range m.Verdict.Order {
		if won != id {
			continue
		}
		v.Place = i + 1
		if prizes := m.Prizes(); i < len(prizes) {
			v.Prize = prizes[i]
		}
	}
	return v
}

// prospects adds what members think of a mission before it is judged.
func (s *State) prospects(id event.ID, v *MissionView) {
	name := func(key identity.PublicKey) MemberName { return MemberName{key, s.whom(key)} }
	for p, f := range table.From(&s.Missions.Forecasts, missions.Prediction{Mission: id}) {
		if p.Mission != id {
			break
		}
		v.Forecasts = append(v.Forecasts, ForecastView{name(p.Member), p.About, f})
	}
	for seat, f := range table.From(&s.Missions.Flags, missions.Seat{Mission: id}) {
		if seat.Mission != id {
			break
		}
		v.Flags = append(v.Flags, AppealView{name(seat.Member), f.Reason, f.At})
	}
	for seat, spam := range table.From(&s.Missions.Calls, missions.Seat{Mission: id}) {
		switch {
		case seat.Mission != id:
			return
		case spam:
			v.Spam = append(v.Spam, name(seat.Member))
		default:
			v.Sound = append(v.Sound, name(seat.Member))
		}
	}
}

// expected is what the members expect of a mission.
func (s *State) expected(id event.ID) (views []ExpectedView) {
	for _, about := range []missions.Question{missions.OnTarget, missions.OnDelivery} {
		v, sum, heavy := ExpectedView{About: about}, uint64(0), uint64(0)
		for p, f := range table.From(&s.Missions.Forecasts, missions.Prediction{Mission: id, About: about}) {
			if p.Mission != id || p.About != about {
				break
			}
			weight := uint64(max(1, s.standing(p.Member)))
			sum, heavy, v.Forecasts = sum+f.Chance*weight, heavy+weight, v.Forecasts+1
		}
		if heavy > 0 {
			v.Chance = sum / heavy
			views = append(views, v)
		}
	}
	return views
}

// standing is a member's, as it is now.
func (s *State) standing(key identity.PublicKey) int64 {
	m, _ := s.Missions.Standing.Get(key)
	return m.At(s.Hall.Time).Points
}

// Standing is that of everybody who has any, the highest first.
func Standing(s *State) []StandingView {
	views := []StandingView{}
	for key := range table.All(&s.Missions.Standing) {
		if points := s.standing(key); points != 0 {
			views = append(views, StandingView{MemberName{key, s.whom(key)}, points})
		}
	}
	slices.SortStableFunc(views, func(a, b StandingView) int { return cmp.Compare(b.Points, a.Points) })
	return views
}
