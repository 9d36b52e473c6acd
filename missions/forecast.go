package missions

import (
	"cmp"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/table"
	"github.com/sustainy/coop/text"
)

// Question is what a forecast is about.
type Question string

// The questions.
const (
	OnTarget   Question = "target"   // does an all-or-nothing mission reach its target?
	OnDelivery Question = "delivery" // is there an award in time, and is it paid?
)

// Foresee is the body of mission.forecast. The last word counts, with the weight of its time.
type Foresee struct {
	Mission event.ID `cbor:"mission" json:"mission"`
	About   Question `cbor:"about" json:"about"`
	Chance  uint64   `cbor:"chance" json:"chance"` // that it happens, in percent, from 1 to 99
	Comment string   `cbor:"comment" json:"comment"`
}

// Prediction is one member's place among the forecasts of a mission.
type Prediction struct {
	Mission event.ID           `cbor:"mission"`
	About   Question           `cbor:"about"`
	Member  identity.PublicKey `cbor:"member"`
}

// Compare orders by mission, question and member.
func (p Prediction) Compare(other Prediction) int {
	return cmp.Or(p.Mission.Compare(other.Mission), cmp.Compare(p.About, other.About), p.Member.Compare(other.Member))
}

// Forecast is one member's word.
type Forecast struct {
	Chance  uint64     `cbor:"chance" json:"chance"` // percent
	Weight  uint64     `cbor:"weight" json:"weight"` // percent: 100 at the listing, 1 at the end
	Comment string     `cbor:"comment" json:"comment"`
	At      event.Time `cbor:"at" json:"at"`
	Event   event.ID   `cbor:"event" json:"event"`
	Points  int64      `cbor:"points" json:"points"` // of standing, once it is scored
}

// loss is how far a forecast was off, squared (Brier, "Verification of Forecasts Expressed in Terms of
// Probability", Monthly Weather Review 78, 1950).
func (f *Forecast) loss(happened bool) int64 {
	miss := int64(f.Chance)
	if happened {
		miss = 100 - miss
	}
	return miss * miss
}

// score is what a forecast brings in standing: how much less it was off than those of the others on average,
// by its weight. Nobody expects more from another chance than the one they believe in, as weight and the
// others' losses do not depend on it (Lambert et al., "Self-Financed Wagering Mechanisms for Forecasting", EC
// 2008). What everybody knows brings nothing, so a mission that is bound to fail is no source of standing.
func (f *Forecast) score(of *Scoring) int64 {
	others := of.Count - 1
	if others <= 0 {
		return 0
	}
	own := f.loss(of.Happened)
	return int64(f.Weight) * (of.Sum - own - others*own) / (100 * others)
}

// Docket is a question whose forecasts are being scored.
type Docket struct {
	Mission event.ID `cbor:"mission"`
	About   Question `cbor:"about"`
}

// Compare orders by mission, then by question.
func (d Docket) Compare(other Docket) int {
	return cmp.Or(d.Mission.Compare(other.Mission), cmp.Compare(d.About, other.About))
}

// Scoring is how far that is: first all losses are added up, then everybody is scored.
type Scoring struct {
	Happened bool               `cbor:"happened"`
	Summed   bool               `cbor:"summed"`
	Sum      int64              `cbor:"sum"`   // of losses
	Count    int64              `cbor:"count"` // of forecasts
	Next     identity.PublicKey `cbor:"next"`  // whose turn it is, or the first after
}

// Forecast takes a forecast.
func (s *State) Forecast(a Act, b Foresee) error {
	if err := a.member(); err != nil {
		return err
	}
	m, ok := s.Missions.Get(b.Mission)
	if !ok {
		return ErrMission
	}
	begins, ends := m.Listed, m.Listed+m.Listing.Periods.Funding
	switch {
	case b.About == OnTarget && m.Listing.Funding == AllOrNothing && m.Phase == PhaseFunding:
	case b.About == OnDelivery && (m.Phase == PhaseFunding || m.Phase == PhaseOpen):
		ends += m.Listing.Periods.Open
	default:
		return ErrNotForeseeable
	}
	if b.Chance < 1 || b.Chance > 99 {
		return ErrChance
	}
	if !text.Prose(b.Comment, MaxReason) {
		return ErrReason
	}
	if s.benefits(b.Mission, &m, a.By) {
		return ErrBeneficiary
	}

	left := ends - min(ends, a.Time)
	weight := 1 + uint64(99*left/(ends-begins))
	s.Forecasts.Set(Prediction{b.Mission, b.About, a.By}, Forecast{Chance: b.Chance, Weight: weight, Comment: b.Comment, At: a.Time, Event: a.ID})
	return nil
}

// benefits tells whether somebody can gain from a mission, or decides about it: who listed it, who pledged,
// who submitted work, contributed or judged.
func (s *State) benefits(id event.ID, m *Mission, who identity.PublicKey) bool {
	if who == m.By || s.Pledges.Has(Seat{id, who}) || s.Entrants.Has(Seat{id, who}) {
		return true
	}
	for round := uint64(1); round <= m.Round; round++ {
		if s.Ballots.Has(Bench{id, round, who}) {
			return true
		}
	}
	for proof := uint64(1); proof <= m.Progress.Tries; proof++ {
		if s.Accepts.Has(Bench{id, proof, who}) {
			return true
		}
	}
	for _, x := range s.entries(id) {
		if x.By == who {
			return true
		}
	}
	return false
}

// settle begins to score the forecasts of a question that is answered.
func (s *State) settle(id event.ID, about Question, happened bool) {
	for p := range table.From(&s.Forecasts, Prediction{Mission: id, About: about}) {
		if p.Mission == id && p.About == about {
			s.Scoring.Set(Docket{id, about}, Scoring{Happened: happened})
		}
		return
	}
}

// scoreSome scores as many forecasts as one commit can. Who turned out to benefit gets nothing and loses
// nothing.
func (s *State) scoreSome(t event.Time) {
	for left := MaxPayouts; left > 0 && s.Scoring.Len() > 0; {
		var docket Docket
		var at Scoring
		for docket, at = range table.All(&s.Scoring) {
			break
		}
		left -= s.scoreOf(docket, at, t, left)
	}
}

func (s *State) scoreOf(docket Docket, at Scoring, t event.Time, most int) int {
	type row struct {
		who Prediction
		f   Forecast
	}
	var rows []row
	for who, f := range table.From(&s.Forecasts, Prediction{docket.Mission, docket.About, at.Next}) {
		if who.Mission != docket.Mission || who.About != docket.About || len(rows) > most {
			break
		}
		rows = append(rows, row{who, f})
	}
	done := len(rows) <= most
	if !done {
		at.Next, rows = rows[most].who.Member, rows[:most]
	}
	m, _ := s.Missions.Get(docket.Mission)
	for _, r := range rows {
		switch {
		case s.benefits(docket.Mission, &m, r.who.Member):
		case !at.Summed:
			at.Sum, at.Count = at.Sum+r.f.loss(at.Happened), at.Count+1
		default:
			r.f.Points = r.f.score(&at)
			s.Forecasts.Set(r.who, r.f)
			s.earn(r.who.Member, r.f.Points, t)
		}
	}
	switch {
	case done && at.Summed:
		s.Scoring.Delete(docket)
		return max(len(rows), 1)
	case done:
		at.Summed, at.Next = true, identity.PublicKey{}
	}
	s.Scoring.Set(docket, at)
	return max(len(rows), 1)
}
