package governance

import (
	"slices"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/table"
)

// AntiSniping is a track's rule against deciding a vote in its last moments, when nobody can answer any
// more. What a vote would come to, whether it passes and what it selects, is its lead. If the lead
// changes when less than Window is left, the end moves by Window, at most Times times: so a vote lasts
// at most Voting + Times · Window, stalls aside.
//
//	confirm  moreover, nothing passes that has not led for the last Window of the vote
//	quiet    after the last extension the count decides
//
// The first is for who would rather stay with what is (Polkadot's confirmation period), the second for
// who wants a decision (the Internet Computer's wait-for-quiet). Each extension takes a whole Window, so
// that nobody can use all of them up in a moment by voting to and fro.
//
// The lead is counted once when the window begins and then at most once for each coop time at which
// ballots came, when that time ends: a commit costs one count for each vote in its last Window that it
// had ballots on. Before that, nothing is counted.
type AntiSniping struct {
	Rule   SnipingRule `cbor:"rule" json:"rule"`
	Window event.Time  `cbor:"window" json:"window"` // milliseconds
	Times  uint64      `cbor:"times" json:"times"`
}

// SnipingRule is one of the two rules; none is the empty one.
type SnipingRule string

// The rules.
const (
	Confirm SnipingRule = "confirm"
	Quiet   SnipingRule = "quiet"
)

// Lead is what a vote would come to.
type Lead struct {
	Watched  bool       `cbor:"watched" json:"watched"` // the window has begun
	Passes   bool       `cbor:"passes" json:"passes"`
	Selected []uint64   `cbor:"selected" json:"selected,omitempty"`
	Since    event.Time `cbor:"since" json:"since,omitempty"` // coop time of the ballots that changed it; 0: when the window began
}

func (t *Track) validateSniping(name string, report func(bool, string, ...any)) {
	a := t.AntiSniping
	switch a.Rule {
	case "":
		report(a == AntiSniping{}, "track %s has a window against sniping without a rule: confirm or quiet", name)
	case Confirm, Quiet:
		report(a.Window >= 1 && a.Window <= t.Voting, "track %s has a window against sniping that is not 1 ms to its voting period", name)
		report(a.Times >= 1 && a.Times <= MaxTimes, "track %s extends a vote %d times, not 1 to %d", name, a.Times, MaxTimes)
	default:
		report(false, "track %s has the unknown rule %s against sniping", name, shown(a.Rule))
	}
	report(!t.Early || !t.Revisable, "track %s decides early, so its ballots are final: take back one of the two", name)
	report(!t.Early || a.Rule != Confirm, "track %s decides early, and what it decides must hold until the end: take back one of the two", name)
}

// guarded tells whether the vote has a rule against sniping.
func (p *Proposal) guarded() bool { return p.Rules.Track.AntiSniping.Rule != "" }

// windowStart is when the vote begins to be watched.
func (p *Proposal) windowStart() event.Time {
	return max(p.Voting.Start, p.Voting.End-p.Rules.Track.AntiSniping.Window)
}

// startVoting begins the vote at coop time t. Nobody has voted yet, so nothing leads.
func (p *Proposal) startVoting(t event.Time) {
	p.Phase = Voting
	p.Lead.Watched = p.guarded() && t >= p.windowStart()
}

// watch begins to look at what leads.
func (s *State) watch(id event.ID, p Proposal) {
	p.Lead = s.recount(id, &p).leads()
	s.put(id, p, p.next())
}

// leads is what the count comes to, as if nothing had to be confirmed.
func (c *count) leads() Lead {
	return Lead{Watched: true, Passes: c.Outcome() == Grace, Selected: c.Selected}
}

// stir notes that something has come that a watched vote depends on.
func (s *State) stir(id event.ID, p *Proposal) {
	if !p.Lead.Watched && !p.Rules.Track.Early {
		return
	}
	if place, found := slices.BinarySearchFunc(s.Stirred, id, event.ID.Compare); !found {
		s.Stirred = slices.Insert(slices.Clone(s.Stirred), place, id)
	}
}

// look counts the votes that were stirred at the coop time that is about to end: a lead that changed
// shortly before the end extends the vote, and a vote that is decided for certain ends.
func (s *State) look() {
	stirred := s.Stirred
	s.Stirred = nil
	for _, id := range stirred {
		p, _ := s.Proposals.Get(id)
		switch {
		case s.decided(id, &p):
			p.shift(CauseEarly, s.Time, p.Voting.End, s.Time)
			p.extend()
			s.put(id, p, p.next())
		case p.Lead.Watched:
			s.guard(id, p)
		}
	}
}

// stirVotes notes that delegations have changed, on which every watched vote can depend.
func (s *State) stirVotes() {
	for due := range table.All(&s.Agenda) {
		if p, _ := s.Proposals.Get(due.Proposal); p.Phase == Voting && p.Lead.Watched {
			s.stir(due.Proposal, &p)
		}
	}
}

// guard notes the lead, and extends the vote if it changed too late; it tells whether it did.
func (s *State) guard(id event.ID, p Proposal) (extended bool) {
	lead := s.recount(id, &p).leads()
	if lead.Passes == p.Lead.Passes && slices.Equal(lead.Selected, p.Lead.Selected) {
		return false
	}
	p.Lead = lead
	p.Lead.Since = s.Time
	a := p.Rules.Track.AntiSniping
	if cause := Cause(a.Rule); s.Time+a.Window > p.Voting.End && p.shifted(cause) < a.Times {
		p.shift(cause, s.Time, p.Voting.End, max(p.Voting.End, s.Time)+a.Window)
		p.extend()
		extended = true
	}
	s.put(id, p, p.next())
	return extended
}

// unconfirmed tells whether what leads has not led long enough to pass.
func (p *Proposal) unconfirmed() bool {
	a := p.Rules.Track.AntiSniping
	return a.Rule == Confirm && p.Lead.Since+a.Window > p.Voting.End && p.Lead.Since > 0
}
