package governance

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/sustainy/coop/delegation"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/table"
)

// How much of how votes travel is told at a time.
const (
	MaxCarriers  = 100 // in a Travel
	MaxChains    = 100 // in a Travel that nobody asked for somebody's
	MaxSteps     = 50  // of a chain
	MaxDelegator = 20  // names behind a ballot
)

// Travel is how the votes on a proposal travel, in words.
type Travel struct {
	Roll      uint64    `json:"roll"`
	Ballots   uint64    `json:"ballots"`
	Delegated uint64    `json:"delegated"`       // votes that count with the ballot of another
	Most      uint64    `json:"most,omitempty"`  // that one delegate may carry; 0: any number
	Term      uint64    `json:"term"`            // ms for which a delegation applies
	Off       bool      `json:"off,omitempty"`   // nobody may delegate here
	Carriers  []Carrier `json:"carriers"`        // who carries other's votes, the most first
	Lost      []Loss    `json:"lost,omitempty"`  // what became of delegated votes that don't count
	Chains    []Chain   `json:"chains"`          // by member
	Unknown   bool      `json:"stray,omitempty"` // who was asked for is not on the roll
}

// Carrier is one who carries votes: a member, a group or a program.
type Carrier struct {
	Member identity.PublicKey `json:"member,omitzero"` // zero for a group or a program
	Name   string             `json:"name"`
	Votes  uint64             `json:"votes"` // the own one among them
	Says   string             `json:"says"`
}

// Loss is a number of votes that don't count, and why.
type Loss struct {
	Why   string `json:"why"`
	Votes uint64 `json:"votes"`
}

// Chain is the way of one member's vote.
type Chain struct {
	Member identity.PublicKey `json:"member"`
	Name   string             `json:"name"`
	Steps  []Step             `json:"steps"` // the first MaxSteps
	Length uint64             `json:"length"`
	Fate   string             `json:"fate"`
	Says   string             `json:"says,omitempty"` // the ballot that the vote counts for
}

// Step is one step of a chain: who has the vote there, and what they do with it.
type Step struct {
	Name string `json:"name"`
	Does string `json:"does"`
}

// Supposed is another voice of one member, to see what would be.
type Supposed struct {
	Member identity.PublicKey
	To     identity.PublicKey // zero: to nobody
}

// Travel tells how the votes on a proposal travel, were it not for what is supposed. Of whose chain it
// tells, if not of all, may be any member.
func (s *State) Travel(id event.ID, of identity.PublicKey, supposed []Supposed) (Travel, bool) {
	p, ok := s.Proposals.Get(id)
	if !ok {
		return Travel{}, false
	}
	c := s.carry(id, &p)
	if c.result == nil && p.Roll.Len() > 0 {
		c = s.carryAll(id, &p)
	}
	return s.travel(&p, c, of, supposed), true
}

// Foresee tells how votes would travel now on a proposal of a track with these tags, if everybody voted
// who has not delegated.
func (s *State) Foresee(track Track, tags []string, of identity.PublicKey, supposed []Supposed) Travel {
	p := Proposal{Tags: tags, Rules: s.rules(track), Roll: s.Members, Opened: s.Time, Voting: Span{End: s.Time}, Phase: Discussion}
	p.RollSize, p.Silent, _ = p.roll()
	c := &carriage{known: numbering{}}
	c.enrol(&p)
	if !p.Rules.Delegating.Off {
		c.choose(&s.Mandates, p.question(event.ID{}), func(m *Mandate) bool { return s.gone(&m.To, p.Opened) })
	}
	votes := Ballot{Choice: "votes"}
	for v, voice := range c.roll.Voices {
		if voice.Way == delegation.Nothing && c.applies[v].event.IsZero() {
			c.roll.Voices[v] = delegation.Voice{Way: delegation.Own, To: c.paper(votes)}
			c.ballots++
		}
	}
	for range c.programs {
		c.roll.Programs = append(c.roll.Programs, c.paper(votes))
	}
	c.finish(&p)
	return s.travel(&p, c, of, supposed)
}

// carryAll follows the votes although nobody delegates, so that something can be supposed.
func (s *State) carryAll(id event.ID, p *Proposal) *carriage {
	c := &carriage{known: numbering{}}
	c.enrol(p)
	for member, b := range s.BallotsOn(id) {
		if v, ok := c.voter(member); ok {
			c.roll.Voices[v] = delegation.Voice{Way: delegation.Own, To: c.paper(b)}
			c.ballots++
		}
	}
	c.finish(p)
	return c
}

func (s *State) travel(p *Proposal, c *carriage, of identity.PublicKey, supposed []Supposed) Travel {
	t := Travel{Roll: p.RollSize, Ballots: c.ballots, Delegated: c.delegated, Off: p.Rules.Delegating.Off, Term: uint64(p.Rules.Delegating.Term), Carriers: []Carrier{}, Chains: []Chain{}}
	if limit := p.Rules.Delegating.Cap; limit != (Ratio{}) {
		t.Most = max(1, p.RollSize*limit.Num/limit.Den)
	}
	if c.result == nil {
		t.Unknown = !of.IsZero()
		return t
	}
	c.suppose(supposed)
	r := c.result
	t.Delegated = r.Fates[delegation.Counted] - c.ballots
	t.Lost = c.lost()
	for n, votes := range r.Carried {
		if way, _ := c.roll.Carrier(n); votes > 1 || votes == 1 && way != delegation.Own {
			t.Carriers = append(t.Carriers, s.carrier(p, c, n))
		}
	}
	slices.SortStableFunc(t.Carriers, func(a, b Carrier) int { return cmp.Compare(b.Votes, a.Votes) })
	t.Carriers = t.Carriers[:min(len(t.Carriers), MaxCarriers)]
	if !of.IsZero() {
		v, ok := c.voter(of)
		if t.Unknown = !ok; ok {
			t.Chains = append(t.Chains, s.chain(p, c, int(v)))
		}
		return t
	}
	for v, voice := range c.roll.Voices {
		if voice.Way != delegation.Own && !c.applies[v].event.IsZero() && len(t.Chains) < MaxChains {
			t.Chains = append(t.Chains, s.chain(p, c, v))
		}
	}
	return t
}

// suppose counts again with other voices. Who is not on the roll has none.
func (c *carriage) suppose(supposed []Supposed) {
	for _, x := range supposed {
		v, ok := c.voter(x.Member)
		if !ok {
			continue
		}
		if c.roll.Voices[v].Way == delegation.Own {
			c.ballots--
		}
		c.roll.Voices[v] = delegation.Voice{}
		c.applies[v] = handed{event: event.ID{1}} // of no event: it is supposed
		if to, ok := c.voter(x.To); ok && to != v {
			c.roll.Voices[v] = delegation.Voice{Way: delegation.ToMember, To: to}
		}
	}
	if len(supposed) > 0 {
		c.result = delegation.Count(&c.roll)
	}
}

// lost are the delegated votes that don't count, by why.
func (c *carriage) lost() (losses []Loss) {
	if c.result == nil {
		return nil
	}
	for fate, votes := range c.result.Fates {
		if f := delegation.Fate(fate); votes > 0 && f != delegation.Counted && f != delegation.Unused {
			losses = append(losses, Loss{f.String(), votes})
		}
	}
	return losses
}

func (s *State) carrier(p *Proposal, c *carriage, n int) Carrier {
	x := Carrier{Name: s.carrierName(c, n), Votes: uint64(c.result.Carried[n]), Says: c.says(p, n)}
	if way, v := c.roll.Carrier(n); way == delegation.Own {
		x.Member = c.voters[v]
	}
	return x
}

// says is the ballot that a carrier says, in words.
func (c *carriage) says(p *Proposal, carrier int) string {
	paper := c.result.Ballot(carrier)
	if paper == delegation.None {
		return ""
	}
	return c.papers[paper].Says(p.Options)
}

// carrierName names a member, a group or a program.
func (s *State) carrierName(c *carriage, n int) string {
	switch way, number := c.roll.Carrier(n); way {
	case delegation.ToGroup:
		g := &c.groups[number]
		return fmt.Sprintf("%d of %s", g.Threshold, s.names(g.Members))
	case delegation.ToProgram:
		prog, _ := s.Programs.Get(c.programs[number])
		return "the program " + prog.Name
	default:
		m, _ := s.Members.Get(c.voters[number])
		return m.Name
	}
}

func (s *State) names(keys []identity.PublicKey) string {
	names := make([]string, len(keys))
	for i, key := range keys {
		m, _ := s.Members.Get(key)
		names[i] = m.Name
	}
	return strings.Join(names, ", ")
}

// chain tells a voter's chain.
func (s *State) chain(p *Proposal, c *carriage, v int) Chain {
	m, _ := s.Members.Get(c.voters[v])
	steps, total := c.result.Chain(v, MaxSteps)
	chain := Chain{Member: c.voters[v], Name: m.Name, Length: uint64(total), Fate: c.result.Fate(v).String()}
	if c.result.Fate(v) == delegation.Counted {
		chain.Says = c.says(p, c.result.End(v))
	}
	for _, step := range steps {
		chain.Steps = append(chain.Steps, Step{s.carrierName(c, step.Carrier), s.does(p, c, step)})
	}
	return chain
}

// followed names a program to which a voter without a mandate has delegated, and which was withdrawn.
func (s *State) followed(p *Proposal, c *carriage, v int) string {
	if c.given == nil || c.roll.Voices[v].Way != delegation.Nothing {
		return ""
	}
	for remit, m := range table.From(c.given, Remit{Member: c.voters[v]}) {
		if remit.Member != c.voters[v] {
			break
		}
		if s.gone(&m.To, p.Opened) {
			prog, _ := s.Programs.Get(m.To.Program)
			return prog.Name
		}
	}
	return ""
}

// does says what happens to a vote at a step, and by which mandate.
func (s *State) does(p *Proposal, c *carriage, step delegation.Step) string {
	way, v := c.roll.Carrier(step.Carrier)
	if way != delegation.Own {
		return step.Why.String()
	}
	if c.applies[v].event.IsZero() {
		if name := s.followed(p, c, v); name != "" {
			return "followed the program " + name + ", which was withdrawn, and has delegated to nobody else"
		}
		return step.Why.String()
	}
	if step.Why == delegation.SaysNothing {
		to := c.delegate(v)
		if to.Nobody() {
			return "lets nobody vote for them"
		}
		return "delegates to " + s.names(to.Members) + ", who may not vote here"
	}
	return step.Why.String()
}

// behind names, of each carrier, those whose votes count with it.
func (s *State) behind(c *carriage) map[int][]string {
	names := map[int][]string{}
	for v, voice := range c.roll.Voices {
		if voice.Way == delegation.Own || voice.Way == delegation.Nothing || c.result.Fate(v) != delegation.Counted {
			continue
		}
		end := c.result.End(v)
		if len(names[end]) < MaxDelegator {
			m, _ := s.Members.Get(c.voters[v])
			text := m.Name
			if voice.Way == delegation.ToMember && int(voice.To) != end {
				text += " by way of " + s.carrierName(c, int(voice.To))
			}
			names[end] = append(names[end], text)
		}
	}
	return names
}
