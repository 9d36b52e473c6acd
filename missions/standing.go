package missions

import (
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/table"
)

// Merit is somebody's standing: earned by forecasts that come true and by serving on juries, lost by
// forecasts that do not. It can't be handed on, and fades: every FadePeriod a sixteenth goes, so half of it
// is gone after some eleven months. It never counts in a vote.
type Merit struct {
	Points int64      `cbor:"points" json:"points"`
	Since  event.Time `cbor:"since" json:"since"` // coop time up to which it has faded
}

// What standing is made of.
const (
	FadePeriod  = 30 * day
	JuryService = 500 // points, for judging on a jury
)

// At is the standing at a coop time.
func (m Merit) At(t event.Time) Merit {
	if m.Since == 0 {
		return Merit{Since: t}
	}
	for m.Points != 0 && m.Since+FadePeriod <= t {
		m.Points = m.Points/16*15 + m.Points%16*15/16
		m.Since += FadePeriod
	}
	if m.Points == 0 {
		m.Since = t
	}
	return m
}

// earn adds points, which may be below 0.
func (s *State) earn(who identity.PublicKey, points int64, t event.Time) {
	m, _ := s.Standing.Get(who)
	m = m.At(t)
	if m.Points += points; m.Points == 0 {
		s.Standing.Delete(who)
		return
	}
	s.Standing.Set(who, m)
}

// served gives the jurors of a round what they earned, if they judged.
func (s *State) served(id event.ID, m *Mission, t event.Time) {
	if m.Judges != ByJury {
		return
	}
	var judged []identity.PublicKey // at most as many as the jury ever had, with those who declined later
	for bench := range table.From(&s.Ballots, Bench{Mission: id, Round: m.Round}) {
		if bench.Mission != id || bench.Round != m.Round {
			break
		}
		judged = append(judged, bench.Member)
	}
	for _, who := range judged {
		s.earn(who, JuryService, t)
	}
}

// distrusted are those whose standing is below 0: they sit on no jury of a mission.
func (s *State) distrusted(t event.Time) (all []identity.PublicKey) {
	for who, m := range table.All(&s.Standing) {
		if m.At(t).Points < 0 {
			all = append(all, who)
		}
	}
	return all
}
