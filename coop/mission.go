package coop

import (
	"fmt"
	"strings"

	"github.com/sustainy/coop/commerce"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/fold"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/missions"
	"github.com/sustainy/coop/tokens"
)

// What stands between the room of missions, the ledger that pays them and the hall that knows people and
// draws juries.

// missionRules are the rules of missions.
func missionRules() []fold.Rule[State] {
	return []fold.Rule[State]{
		fold.On(missions.KindList, mission((*missions.State).List)),
		fold.On(missions.KindPledge, mission((*missions.State).Pledge)),
		fold.On(missions.KindCancel, mission((*missions.State).Cancel)),

		fold.On(missions.KindSubmit, mission((*missions.State).Submit)),
		fold.On(missions.KindReveal, mission((*missions.State).Reveal)),
		fold.On(missions.KindConsent, mission((*missions.State).Consent)),
		fold.On(missions.KindWithdraw, mission((*missions.State).Withdraw)),
		fold.On(missions.KindJudge, mission((*missions.State).Judge)),
		fold.On(missions.KindAppeal, mission((*missions.State).Appeal)),
		fold.On(missions.KindProve, mission((*missions.State).Prove)),
		fold.On(missions.KindAccept, mission((*missions.State).Accept)),

		fold.On(missions.KindForecast, mission((*missions.State).Forecast)),
		fold.On(missions.KindFlag, mission((*missions.State).Flag)),
		fold.On(missions.KindCall, mission((*missions.State).Call)),
		fold.On(missions.KindTerms, mission((*missions.State).SetTerms)),
	}
}

// house is what missions may use of the other rooms.
func (s *State) house() missions.House {
	r := register{&s.Hall}
	return missions.House{Ledger: &s.Ledger, People: r, Juries: r, Shop: counter{s}}
}

// counter is where missions bring their work to be sold.
type counter struct{ s *State }

// Offer makes an element of it.
func (c counter) Offer(w missions.Work) {
	act := commerce.Act{Act: tokens.Act{ID: w.Event, By: tokens.Treasury, Time: w.Time, People: register{&c.s.Hall}}, Ledger: &c.s.Ledger}
	err := c.s.Shop.AddElement(act, commerce.Element{Title: w.Title, Asset: w.Asset, Mission: w.Mission, Price: commerce.Price{Amount: w.Price, Open: w.AtLeast}})
	if err != nil {
		panic("coop: invariant: what a mission has brought about can be sold: " + err.Error())
	}
	c.s.Surplus.Made(w.Asset, &c.s.Ledger)
}

// Voter tells whether somebody has a vote and has been a member since that coop time or longer.
func (r register) Voter(key identity.PublicKey, since event.Time) bool {
	m, _ := r.hall.Members.Get(key)
	return m.Status == governance.StatusMember && m.Since <= since && r.hall.Charter.MayVote(m.Classes)
}

// Empanel calls a jury of those who vote, with as many reserves as seats.
func (r register) Empanel(by event.ID, name string, seats uint64, parties []identity.PublicKey) error {
	return r.hall.Empanel(governance.Panel{By: by, Name: name}, governance.JuryTerms{Seats: seats, Reserves: seats, Parties: parties})
}

// Juror tells whether somebody sits on a jury.
func (r register) Juror(by event.ID, name string, key identity.PublicKey) bool {
	j, _ := r.hall.Juries.Get(governance.Panel{By: by, Name: name})
	for _, x := range j.Jurors {
		if x.Member == key {
			return true
		}
	}
	return false
}

// Adjourn ends a jury.
func (r register) Adjourn(by event.ID, name string, at event.Time) {
	r.hall.Adjourn(governance.Panel{By: by, Name: name}, at)
}

// mission makes a rule of missions a rule of the cooperative.
func mission[B any](rule func(*missions.State, missions.Act, B) error) func(*State, fold.Env, B) error {
	return func(s *State, env fold.Env, body B) error {
		act := missions.Act{ID: env.ID, By: env.Key, Time: env.Time, House: s.house()}
		if env.Key != identity.Assembly {
			key, err := s.Hall.Speaker(env)
			if err != nil {
				return err
			}
			act.By = key
		}
		return rule(&s.Missions, act, body)
	}
}

// topic tells which mission, and maybe which submission to it, a kind of event is about.
type topic struct {
	kind  event.Kind
	entry func(event.Draft) missions.Entry
}

func onMission[B any](kind event.Kind, mission func(B) event.ID) topic {
	return onWork(kind, func(b B) missions.Entry { return missions.Entry{Mission: mission(b)} })
}

func onWork[B any](kind event.Kind, entry func(B) missions.Entry) topic {
	return topic{kind, func(d event.Draft) missions.Entry {
		b, _ := read[B](d)
		return entry(b)
	}}
}

var topics = []topic{
	onMission(missions.KindPledge, func(b missions.MakePledge) event.ID { return b.Mission }),
	onMission(missions.KindCancel, func(b missions.Cancel) event.ID { return b.Mission }),
	onMission(missions.KindSubmit, func(b missions.Submit) event.ID { return b.Mission }),
	onWork(missions.KindReveal, func(b missions.Reveal) missions.Entry { return b.Submission }),
	onWork(missions.KindConsent, func(b missions.Consent) missions.Entry { return b.Submission }),
	onWork(missions.KindWithdraw, func(b missions.Withdraw) missions.Entry { return b.Submission }),
	onMission(missions.KindJudge, func(b missions.Judge) event.ID { return b.Mission }),
	onMission(missions.KindAppeal, func(b missions.Appeal) event.ID { return b.Mission }),
	onMission(missions.KindProve, func(b missions.Prove) event.ID { return b.Mission }),
	onMission(missions.KindAccept, func(b missions.Accept) event.ID { return b.Mission }),
	onMission(missions.KindForecast, func(b missions.Foresee) event.ID { return b.Mission }),
	onMission(missions.KindFlag, func(b missions.Flag) event.ID { return b.Mission }),
	onMission(missions.KindCall, func(b missions.Call) event.ID { return b.Mission }),
}

// topicOf finds the mission and the submission that a draft is about.
func topicOf(d event.Draft) (missions.Entry, bool) {
	for _, t := range topics {
		if t.kind == d.Kind {
			return t.entry(d), true
		}
	}
	return missions.Entry{}, false
}

// missionDeps are the events that a draft about a mission is about: the submission, or its listing.
func (s *State) missionDeps(d event.Draft) []event.ID {
	entry, ok := topicOf(d)
	switch {
	case !ok:
		return nil
	case !entry.ID.IsZero():
		return about(entry.ID)
	}
	return s.listing(entry.Mission)
}

func (s *State) listing(id event.ID) []event.ID {
	m, _ := s.Missions.Missions.Get(id)
	return about(m.Event)
}

// missionTitle is how a mission is called.
func (s *State) missionTitle(id event.ID) string {
	m, ok := s.Missions.Missions.Get(id)
	if !ok {
		return "an unknown mission"
	}
	return fmt.Sprintf("%q", m.Listing.Title)
}

// missionInWords says what an action about missions would do.
func missionInWords(s *State, d event.Draft) (words string, ok bool) {
	switch d.Kind {
	case missions.KindList:
		if b, ok := read[missions.Listing](d); ok {
			return ListingInWords(s.Hall.Currency, &b), true
		}
	case missions.KindPledge:
		if b, ok := read[missions.MakePledge](d); ok {
			return fmt.Sprintf("pledge %s from the treasury to the mission %s", s.Hall.Currency.Format(b.Amount), s.missionTitle(b.Mission)), true
		}
	case missions.KindCancel:
		if b, ok := read[missions.Cancel](d); ok {
			return "cancel the mission " + s.missionTitle(b.Mission), true
		}
	case missions.KindTerms:
		if b, ok := read[missions.Terms](d); ok {
			return fmt.Sprintf("ask members for a deposit of %s to list a mission, which goes to who flagged it if %d or more flag it and most members then call it spam within %d h",
				s.Hall.Currency.Format(b.Deposit), b.Flags, b.Trial/hourOfTime), true
		}
	}
	return "", false
}

// ListingInWords says what listing a mission means, in words that follow "you" or "would".
func ListingInWords(c governance.Currency, l *missions.Listing) string {
	money := c.Format
	prizes := make([]string, len(l.Prizes))
	for i, prize := range l.Prizes {
		prizes[i] = money(prize)
	}
	text := fmt.Sprintf("list the mission %q: prizes %s", l.Title, strings.Join(prizes, " and "))
	if l.Funding == missions.AllOrNothing {
		text += fmt.Sprintf(" if %s are pledged, else all goes back", money(l.Target))
	} else {
		text += ", in proportion of what is pledged"
	}
	if n := len(l.Milestones); n > 0 {
		text += fmt.Sprintf(", paid in parts as %d milestones are proven", n)
	}
	switch l.Match.Kind {
	case missions.MatchLinear:
		text += fmt.Sprintf("; the treasury adds %d for each %d, up to %s", l.Match.Num, l.Match.Den, money(l.Match.Cap))
	case missions.MatchQuadratic:
		text += fmt.Sprintf("; the treasury matches quadratically, up to %s", money(l.Match.Cap))
	}
	switch l.Judges {
	case missions.ByJury:
		text += fmt.Sprintf("; judged by a jury of %d", l.Seats)
	default:
		text += "; judged by " + string(l.Judges)
	}
	text += fmt.Sprintf("; the winner gets %s of the token %s", units(l.Token.Units), l.Token.Name)
	if l.Token.Backers > 0 {
		text += fmt.Sprintf(", the backers %d", l.Token.Backers)
	}
	if l.Token.Treasury > 0 {
		text += fmt.Sprintf(", the treasury %d", l.Token.Treasury)
	}
	price := "for " + money(l.Price)
	if l.AtLeast {
		price = "for at least " + money(l.Price)
	}
	if l.Price == 0 {
		price = "for what buyers give"
	}
	text += fmt.Sprintf("; the work is sold %s then; pledges for %s, submissions for %s, revealed for %s, judged for %s", price,
		governance.Period(l.Periods.Funding), governance.Period(l.Periods.Open), governance.Period(l.Periods.Reveal), governance.Period(l.Periods.Judging))
	if l.Appeals > 0 {
		text += fmt.Sprintf(", and once more if %s asked for in %s", Plural(l.Appeals, "appeal is", "appeals are"), governance.Period(l.Periods.Appeal))
	}
	return text
}

// Plural counts things in words.
func Plural[N int | uint64](n N, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// saysOfMissions tells what an event about a mission does.
func saysOfMissions(s *State, d event.Draft) string {
	submission := func(e missions.Entry) string {
		x, _ := s.Missions.Submissions.Get(e)
		return fmt.Sprintf("%q in the mission %s", x.Content.Title, s.missionTitle(e.Mission))
	}
	switch d.Kind {
	case missions.KindList:
		return say(d, func(b missions.Listing) string {
			return strings.Replace(ListingInWords(s.Hall.Currency, &b), "list", "lists", 1)
		})
	case missions.KindPledge:
		return say(d, func(b missions.MakePledge) string {
			return fmt.Sprintf("pledges %s to the mission %s", s.Hall.Currency.Format(b.Amount), s.missionTitle(b.Mission))
		})
	case missions.KindCancel:
		return say(d, func(b missions.Cancel) string { return "cancels the mission " + s.missionTitle(b.Mission) })
	case missions.KindSubmit:
		return say(d, func(b missions.Submit) string {
			return "submits work, not yet shown, to the mission " + s.missionTitle(b.Mission)
		})
	case missions.KindReveal:
		return say(d, func(b missions.Reveal) string {
			return fmt.Sprintf("shows the submission %q to the mission %s, with %d files and %d contributors", b.Content.Title, s.missionTitle(b.Submission.Mission), len(b.Content.Files), len(b.Content.Contributors))
		})
	case missions.KindConsent:
		return say(d, func(b missions.Consent) string {
			if !b.Agree {
				return "does not take part in the submission " + submission(b.Submission)
			}
			return "takes part, as it says, in the submission " + submission(b.Submission)
		})
	case missions.KindWithdraw:
		return say(d, func(b missions.Withdraw) string {
			return "withdraws a submission to the mission " + s.missionTitle(b.Submission.Mission)
		})
	case missions.KindJudge:
		return say(d, func(b missions.Judge) string {
			return fmt.Sprintf("judges the mission %s: %s", s.missionTitle(b.Mission), s.ballotInWords(&b))
		})
	case missions.KindAppeal:
		return say(d, func(b missions.Appeal) string {
			return fmt.Sprintf("appeals against the award of the mission %s: %q", s.missionTitle(b.Mission), b.Reason)
		})
	}
	return saysOfForecasts(s, d)
}

// saysOfForecasts tells what an event about the prospects of a mission does.
func saysOfForecasts(s *State, d event.Draft) string {
	switch d.Kind {
	case missions.KindForecast:
		return say(d, func(b missions.Foresee) string {
			return fmt.Sprintf("gives the %s of the mission %s a chance of %d %%: %q", b.About, s.missionTitle(b.Mission), b.Chance, b.Comment)
		})
	case missions.KindProve:
		return say(d, func(b missions.Prove) string {
			return fmt.Sprintf("proves a milestone of the mission %s with %d files: %q", s.missionTitle(b.Mission), len(b.Files), b.Text)
		})
	case missions.KindAccept:
		return say(d, func(b missions.Accept) string {
			if b.Accept {
				return fmt.Sprintf("accepts the proof of a milestone of the mission %s", s.missionTitle(b.Mission))
			}
			return fmt.Sprintf("rejects the proof of a milestone of the mission %s", s.missionTitle(b.Mission))
		})
	case missions.KindFlag:
		return say(d, func(b missions.Flag) string {
			return fmt.Sprintf("takes the mission %s for spam: %q", s.missionTitle(b.Mission), b.Reason)
		})
	case missions.KindCall:
		return say(d, func(b missions.Call) string {
			if b.Spam {
				return fmt.Sprintf("calls the mission %s spam", s.missionTitle(b.Mission))
			}
			return fmt.Sprintf("says that the mission %s is no spam", s.missionTitle(b.Mission))
		})
	}
	return ""
}

// aboutMissions tells of an event that moves money of a mission with whom it was, and what its author said
// of it.
func (t *Teller) aboutMissions(d event.Draft) (with, memo string) {
	if b, ok := read[missions.Listing](d); ok && d.Kind == missions.KindList {
		return fmt.Sprintf("the mission %q", b.Title), ""
	}
	entry, ok := topicOf(d)
	if !ok {
		return "", ""
	}
	if b, ok := read[missions.MakePledge](d); ok && d.Kind == missions.KindPledge {
		memo = b.Comment
	}
	return "the mission " + t.state.missionTitle(entry.Mission), memo
}

// ballotInWords says what a judge wants.
func (s *State) ballotInWords(b *missions.Judge) string {
	name := func(id event.ID) string {
		if id == missions.NoAward {
			return "no award"
		}
		x, _ := s.Missions.Submissions.Get(missions.Entry{Mission: b.Mission, ID: id})
		return fmt.Sprintf("%q", x.Content.Title)
	}
	if len(b.Rank) == 0 {
		approved := make([]string, len(b.Approve))
		for i, id := range b.Approve {
			approved[i] = name(id)
		}
		if len(approved) == 0 {
			return "approves none"
		}
		return "approves " + strings.Join(approved, ", ")
	}
	places := make([]string, len(b.Rank))
	for i, place := range b.Rank {
		equals := make([]string, len(place))
		for j, id := range place {
			equals[j] = name(id)
		}
		places[i] = strings.Join(equals, " = ")
	}
	return strings.Join(places, " > ")
}
