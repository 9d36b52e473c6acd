package governance

import (
	"crypto/sha256"
	"encoding/binary"
	"math/bits"
	"slices"

	"github.com/sustainy/coop/delegation"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/table"
)

// carriage is how the votes of a roll travel on one proposal: every different ballot with the votes that
// count for it, and, where somebody delegates, whose these are.
//
// The mandates that stand when the vote is counted are asked for one time, the same for all: the scheduled
// end of voting. Who casts a ballot is not asked for a mandate.
type carriage struct {
	papers    []Ballot // the different ballots, by number
	votes     []uint64 // of each
	ballots   uint64   // cast
	delegated uint64   // votes that count without a ballot of their own
	chains    [32]byte // see Result.Chains; zero if nobody delegates

	// The rest is there only if members may delegate and somebody does.
	voters   []identity.PublicKey         // the roll, ascending
	applies  []handed                     // of each voter the mandate that applies, if one does
	given    *table.Table[Remit, Mandate] // all of them
	places   []int32                      // see voter
	groups   []Delegate                   // that somebody delegates to, each once
	programs []event.ID                   // likewise
	answers  []Answer                     // of each program; nothing of those that were not asked
	asleep   []bool                       // of each voter, where members can be silent: see enrol
	roll     delegation.Roll
	result   *delegation.Result

	known  numbering // of papers, by their marks
	teams  numbering // of groups and of programs, by what they are
	buffer []byte
}

// handed is as much of a mandate as every count needs.
type handed struct {
	event event.ID
	at    event.Time
}

// numbering finds the number of something by its spelling. It is only looked up, never gone through.
type numbering map[string]int32

// carry follows the votes on a proposal: on one whose vote is over as it was when it was counted.
func (s *State) carry(id event.ID, p *Proposal) *carriage {
	c := &carriage{known: numbering{}}
	mandates := &s.Mandates
	if p.over() {
		mandates = &p.Mandates
	}
	if mandates.Len() == 0 || p.Rules.Delegating.Off {
		for _, b := range s.BallotsOn(id) {
			n := c.paper(b)
			c.votes[n]++
			c.ballots++
		}
		return c
	}
	c.enrol(p)
	at := 0
	for member, b := range s.BallotsOn(id) {
		for c.voters[at] != member {
			at++
		}
		c.roll.Voices[at] = delegation.Voice{Way: delegation.Own, To: c.paper(b)}
		c.ballots++
	}
	c.choose(mandates, p.question(id), func(m *Mandate) bool { return s.gone(&m.To, p.Opened) })
	s.ask(id, p, c)
	c.finish(p)
	return c
}

// over tells whether the vote has been counted.
func (p *Proposal) over() bool {
	return p.Phase != Sponsoring && p.Phase != Discussion && p.Phase != Voting
}

// question is the proposal as far as it matters for choosing a delegate.
func (p *Proposal) question(id event.ID) delegation.Question {
	return delegation.Question{Proposal: string(id[:]), Tags: p.Tags, Track: p.Rules.Track.Name, Time: uint64(p.Voting.End), Term: uint64(p.Rules.Delegating.Term)}
}

// enrol numbers the voters. A silent member's delegation sleeps, or the quorum would not count on somebody
// whose vote counts; one event before the opening, or a ballot, wakes them.
func (c *carriage) enrol(p *Proposal) {
	c.voters = make([]identity.PublicKey, 0, p.RollSize+p.Silent)
	for key, m := range table.All(&p.Roll) {
		if p.onRoll(m) {
			c.voters = append(c.voters, key)
			if p.Rules.Silence > 0 {
				c.asleep = append(c.asleep, p.silent(key, m))
			}
		}
	}
	c.roll.Voices = make([]delegation.Voice, len(c.voters))
	c.applies = make([]handed, len(c.voters))
	c.teams = numbering{}
	c.index()
}

// index notes where the keys with each beginning lie, about as many beginnings as there are voters.
func (c *carriage) index() {
	places := 1 << bits.Len(uint(len(c.voters)))
	c.places = make([]int32, places+1)
	at := 0
	for place := range places {
		for at < len(c.voters) && c.place(c.voters[at]) < place {
			at++
		}
		c.places[place] = int32(at)
	}
	c.places[places] = int32(len(c.voters))
}

// place is the number of a key's beginning.
func (c *carriage) place(key identity.PublicKey) int {
	high, _ := bits.Mul64(binary.BigEndian.Uint64(key[:]), uint64(len(c.places)-1))
	return int(high)
}

// voter is the number of one on the roll. Keys lie about evenly, so hardly two have the same beginning, and it
// costs two looks into memory however many voters there are. Among keys that somebody has chosen to begin alike
// it is a binary search.
func (c *carriage) voter(key identity.PublicKey) (int32, bool) {
	if len(c.voters) == 0 {
		return 0, false
	}
	place := c.place(key)
	from, to := c.places[place], c.places[place+1]
	at, found := slices.BinarySearchFunc(c.voters[from:to], key, identity.PublicKey.Compare)
	return from + int32(at), found
}

// paper is the number of a ballot among the different ones.
func (c *carriage) paper(b Ballot) int32 {
	c.buffer = b.marks(c.buffer[:0])
	n, known := c.known[string(c.buffer)]
	if !known {
		n = int32(len(c.papers))
		c.known[string(c.buffer)] = n
		c.papers, c.votes = append(c.papers, b), append(c.votes, 0)
	}
	return n
}

// marks spells what a ballot says, each in one way.
func (b *Ballot) marks(to []byte) []byte {
	list := func(numbers []uint64) {
		to = binary.AppendUvarint(to, uint64(len(numbers)))
		for _, n := range numbers {
			to = binary.AppendUvarint(to, n)
		}
	}
	to = append(append(to, b.Choice...), 0)
	list(b.Approvals)
	list(b.Scores)
	list(b.Points)
	for _, place := range b.Ranking {
		list(place)
	}
	return to
}

// choose finds the mandate of each voter who casts no ballot, and where it sends the vote. One that is gone is
// none.
func (c *carriage) choose(mandates *table.Table[Remit, Mandate], q delegation.Question, gone func(*Mandate) bool) {
	c.given = mandates
	var given []Mandate              // by one member
	var weighed []delegation.Mandate // the same as package delegation sees them
	at := 0
	decide := func() {
		if chosen := delegation.Choose(weighed, q); chosen != delegation.None {
			m := &given[chosen]
			c.applies[at] = handed{m.Event, m.Given}
			c.roll.Voices[at] = c.voice(&m.To)
		}
		given, weighed = given[:0], weighed[:0]
	}
	for remit, m := range table.All(mandates) {
		if at < len(c.voters) && c.voters[at] != remit.Member {
			decide()
		}
		for at < len(c.voters) && c.voters[at].Compare(remit.Member) < 0 {
			at++
		}
		if at == len(c.voters) {
			break
		}
		if c.voters[at] == remit.Member && c.roll.Voices[at].Way != delegation.Own && (c.asleep == nil || !c.asleep[at]) && !gone(&m) {
			given, weighed = append(given, m), append(weighed, m.weighed(remit.About, q))
		}
	}
	if at < len(c.voters) {
		decide()
	}
}

// delegate is to whom the mandate sends a vote that applies to a voter. Explanations ask for it, counts don't.
func (c *carriage) delegate(v int) (d Delegate) {
	if c.given == nil {
		return d
	}
	for remit, m := range table.From(c.given, Remit{Member: c.voters[v]}) {
		if remit.Member != c.voters[v] {
			break
		}
		if m.Event == c.applies[v].event {
			return m.To
		}
	}
	return d
}

// weighed is a mandate as package delegation sees it. A confirmation counts up to the commit that closes
// the vote, as a delegation does.
func (m *Mandate) weighed(about About, q delegation.Question) delegation.Mandate {
	scope, subject := about.scope()
	return delegation.Mandate{Scope: scope, Subject: subject, OptOut: m.To.Nobody(), Confirmed: min(uint64(m.Confirmed), q.Time), Expires: uint64(m.Expires)}
}

// voice is where a vote goes that is delegated so. A delegate who is not on the roll has no vote to say
// anything by.
func (c *carriage) voice(d *Delegate) delegation.Voice {
	switch {
	case len(d.Members) == 1:
		if to, ok := c.voter(d.Members[0]); ok {
			return delegation.Voice{Way: delegation.ToMember, To: to}
		}
	case len(d.Members) > 1:
		return delegation.Voice{Way: delegation.ToGroup, To: c.group(d)}
	case !d.Program.IsZero():
		n, known := c.teams[string(d.Program[:])]
		if !known {
			n = int32(len(c.programs))
			c.teams[string(d.Program[:])] = n
			c.programs = append(c.programs, d.Program)
		}
		return delegation.Voice{Way: delegation.ToProgram, To: n}
	}
	return delegation.Voice{}
}

// group is the number of a group among the different ones.
func (c *carriage) group(d *Delegate) int32 {
	c.buffer = append(c.buffer[:0], byte(d.Threshold))
	for _, key := range d.Members {
		c.buffer = append(c.buffer, key[:]...)
	}
	n, known := c.teams[string(c.buffer)]
	if known {
		return n
	}
	n = int32(len(c.groups))
	c.teams[string(c.buffer)] = n
	g := delegation.Group{Threshold: int(d.Threshold)}
	for _, key := range d.Members {
		if v, ok := c.voter(key); ok {
			g.Members = append(g.Members, v)
		}
	}
	c.groups, c.roll.Groups = append(c.groups, *d), append(c.roll.Groups, g)
	return n
}

// finish counts.
func (c *carriage) finish(p *Proposal) {
	h := sha256.New()
	h.Write([]byte("coop/chains/1\x00"))
	asked := 0
	for v := range c.applies {
		if m := &c.applies[v]; !m.event.IsZero() {
			h.Write(c.voters[v][:])
			h.Write(m.event[:])
			asked++
		}
	}
	if asked > 0 {
		h.Sum(c.chains[:0])
	}
	if limit := p.Rules.Delegating.Cap; limit != (Ratio{}) {
		c.roll.Cap = delegation.Share{Num: limit.Num, Den: limit.Den}
		c.roll.Given = make([]uint64, len(c.voters))
		for v := range c.applies {
			c.roll.Given[v] = uint64(c.applies[v].at)
		}
	}
	c.roll.Ballots = len(c.papers)
	if err := c.roll.Check(); err != nil {
		panic("governance: invariant: a roll that cannot be counted: " + err.Error())
	}
	c.result = delegation.Count(&c.roll)
	c.votes = c.result.Votes
	c.delegated = c.result.Fates[delegation.Counted] - c.ballots
}

// others yields the voters whose votes count without a ballot of their own, each with the ballot that
// carries it.
func (c *carriage) others(yield func(identity.PublicKey, Ballot) bool) {
	if c.result == nil {
		return
	}
	for v, voice := range c.roll.Voices {
		if voice.Way == delegation.Own || c.result.Fate(v) != delegation.Counted {
			continue
		}
		if !yield(c.voters[v], c.papers[c.result.Ballot(v)]) {
			return
		}
	}
}
