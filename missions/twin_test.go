package missions

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"math/big"
	"slices"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/identity"
)

// twin is the room as a beginner would write it: maps, integers without bounds, everybody paid at once,
// and no index. It decides for itself what may be done, and what comes of it.
type twin struct {
	people   *crowd
	money    map[identity.PublicKey]*big.Int // of members and of the treasury
	units    map[identity.PublicKey]*big.Int // of all achievement tokens together
	missions map[event.ID]*twinMission
	offers   int
	distrust map[event.ID][]identity.PublicKey // whom the room left out of a jury for their standing, by the mission's event
	now      event.Time
}

type twinMission struct {
	listing   Listing
	event     event.ID
	by        identity.PublicKey
	phase     Phase
	due       event.Time
	pledges   map[identity.PublicKey]*big.Int
	entries   map[event.ID]*twinEntry
	judged    []event.ID
	entrants  map[identity.PublicKey]bool
	judges    Judges
	jury      []identity.PublicKey
	began     event.Time
	ballots   map[identity.PublicKey]Judge
	appellers map[identity.PublicKey]bool
	again     bool
	deposit   *big.Int
	flags     map[identity.PublicKey]bool
	calls     map[identity.PublicKey]bool
	trial     event.Time
	cleared   bool
	verdict   []event.ID // the room's, once it was checked
	paid      *big.Int
	done      int // milestones
	until     event.Time
	accepts   map[identity.PublicKey]bool // of the proof that is judged
	votes     int
}

type twinEntry struct {
	by        identity.PublicKey
	hash      [32]byte
	content   *Content
	consents  map[identity.PublicKey]bool
	withdrawn bool
}

func newTwin(people *crowd) *twin {
	return &twin{people: people, money: map[identity.PublicKey]*big.Int{}, units: map[identity.PublicKey]*big.Int{}, missions: map[event.ID]*twinMission{}, distrust: map[event.ID][]identity.PublicKey{}}
}

func of(m map[identity.PublicKey]*big.Int, key identity.PublicKey) *big.Int {
	if m[key] == nil {
		m[key] = new(big.Int)
	}
	return m[key]
}

func (w *twin) may(who identity.PublicKey) bool { return w.people.Person(who).Member }

func (m *twinMission) raised() *big.Int {
	sum := new(big.Int)
	for _, p := range m.pledges {
		sum.Add(sum, p)
	}
	return sum
}

func (m *twinMission) standing() (n int) {
	for _, e := range m.entries {
		if !e.withdrawn {
			n++
		}
	}
	return n
}

func (w *twin) list(id, act event.ID, by identity.PublicKey, l Listing) bool {
	own, taken := 0, false
	for _, m := range w.missions {
		if !m.phase.Over() && m.by == by && by != identity.Assembly {
			own++
		}
		taken = taken || m.listing.Token.Name == l.Token.Name && m.phase != PhaseRefunded && m.phase != PhaseCancelled && m.phase != PhaseStruck
	}
	if by != identity.Assembly && (!w.may(by) || l.Match.Kind != MatchNone) || own >= MaxOwn || taken || l.Funding == AllOrNothing && sumOf(l.Prizes).Cmp(num(l.Target)) > 0 {
		return false
	}
	deposit := num(0)
	if by != identity.Assembly {
		deposit = num(twinDeposit)
	}
	if of(w.money, by).Cmp(deposit) < 0 {
		return false
	}
	of(w.money, by).Sub(of(w.money, by), deposit)
	w.missions[id] = &twinMission{event: act, paid: num(0), deposit: deposit, flags: map[identity.PublicKey]bool{}, calls: map[identity.PublicKey]bool{}, listing: l, by: by, phase: PhaseFunding, due: w.now + l.Periods.Funding, pledges: map[identity.PublicKey]*big.Int{},
		entries: map[event.ID]*twinEntry{}, entrants: map[identity.PublicKey]bool{}, appellers: map[identity.PublicKey]bool{}}
	return true
}

func sumOf(list []uint64) *big.Int {
	sum := new(big.Int)
	for _, n := range list {
		sum.Add(sum, num(n))
	}
	return sum
}

func (w *twin) pledge(m *twinMission, by identity.PublicKey, amount uint64) bool {
	if by != identity.Assembly && !w.may(by) || m.phase != PhaseFunding || amount == 0 || of(w.money, by).Cmp(num(amount)) < 0 {
		return false
	}
	of(w.money, by).Sub(of(w.money, by), num(amount))
	of(m.pledges, by).Add(of(m.pledges, by), num(amount))
	return true
}

func (w *twin) submit(m *twinMission, id event.ID, by identity.PublicKey, hash [32]byte) bool {
	own := 0
	for _, e := range m.entries {
		if e.by == by && !e.withdrawn {
			own++
		}
	}
	if !w.may(by) || m.phase != PhaseOpen || own >= MaxOwnEntries {
		return false
	}
	m.entries[id] = &twinEntry{by: by, hash: hash, consents: map[identity.PublicKey]bool{}}
	return true
}

func (w *twin) reveal(m *twinMission, e *twinEntry, by identity.PublicKey, c Content, hash [32]byte) bool {
	if e == nil || e.withdrawn || e.by != by || m.phase != PhaseRevealing || e.content != nil || e.hash != hash {
		return false
	}
	for _, x := range c.Contributors {
		if !w.may(x.Member) {
			return false
		}
	}
	e.content = &c
	for _, x := range c.Contributors {
		if x.Member == by {
			e.consents[by] = true
		}
	}
	return true
}

// mayJudge tells whether somebody may in this phase, which is that of judging or that of proving.
func (w *twin) mayJudge(m *twinMission, by identity.PublicKey, phase Phase) bool {
	if !w.may(by) || m.phase != phase || m.entrants[by] {
		return false
	}
	switch m.judges {
	case ByBackers:
		return of(m.pledges, by).Sign() > 0
	case ByMembers:
		return w.people.Voter(by, m.began)
	}
	return slices.Contains(m.jury, by)
}

// judgeBy begins a round.
func (w *twin) judgeBy(m *twinMission, judges Judges) {
	m.judges, m.began, m.ballots, m.jury = judges, w.now, map[identity.PublicKey]Judge{}, nil
	if judges == ByJury {
		conflict := map[identity.PublicKey]bool{m.by: true}
		for key, is := range m.entrants {
			conflict[key] = conflict[key] || is
		}
		for _, key := range w.distrust[m.event] {
			conflict[key] = true
		}
		tenth := new(big.Int).Div(m.raised(), num(10))
		for key, p := range m.pledges {
			conflict[key] = conflict[key] || p.Cmp(tenth) > 0
		}
		for n := range players {
			if key := person(n); w.people.Voter(key, w.now) && !conflict[key] && uint64(len(m.jury)) < m.listing.Seats {
				m.jury = append(m.jury, key)
			}
		}
		if uint64(len(m.jury)) < m.listing.Seats {
			m.judges = ByMembers
		}
	}
	m.phase, m.due = PhaseJudging, w.now+m.listing.Periods.Judging
}

// matched is the treasury's match; roots are taken in 32nds, rounded down.
func (w *twin) matched(m *twinMission) *big.Int {
	sum, roots := new(big.Int), new(big.Int)
	for key, p := range m.pledges {
		if key != identity.Assembly {
			sum.Add(sum, p)
			roots.Add(roots, new(big.Int).Sqrt(new(big.Int).Mul(p, num(1024))))
		}
	}
	match := new(big.Int)
	switch l := m.listing.Match; l.Kind {
	case MatchLinear:
		match.Div(match.Mul(sum, num(l.Num)), num(l.Den))
	case MatchQuadratic:
		match.Sub(match.Div(match.Mul(roots, roots), num(1024)), sum)
	}
	for _, most := range []*big.Int{num(m.listing.Match.Cap), of(w.money, identity.Assembly)} {
		if match.Cmp(most) > 0 {
			match.Set(most)
		}
	}
	if match.Sign() < 0 || new(big.Int).Add(m.raised(), match).Cmp(num(m.listing.Target)) < 0 {
		return new(big.Int)
	}
	return match
}

// end ends a phase; verdict is the room's order of a round that it closed.
func (w *twin) end(id event.ID, m *twinMission, verdict []event.ID) {
	if m.trial != 0 {
		m.due = m.trial
		return
	}
	switch m.phase {
	case PhaseFunding:
		if match := w.matched(m); match.Sign() > 0 {
			of(w.money, identity.Assembly).Sub(of(w.money, identity.Assembly), match)
			of(m.pledges, identity.Assembly).Add(of(m.pledges, identity.Assembly), match)
		}
		if m.raised().Sign() == 0 || m.raised().Cmp(num(m.listing.Target)) < 0 {
			w.refund(m, m.raised(), new(big.Int), PhaseRefunded)
			return
		}
		m.phase, m.due = PhaseOpen, w.now+m.listing.Periods.Open
	case PhaseOpen:
		if m.standing() == 0 {
			w.refund(m, m.raised(), new(big.Int), PhaseRefunded)
			return
		}
		m.phase, m.due = PhaseRevealing, w.now+m.listing.Periods.Reveal
	case PhaseRevealing:
		for entry, e := range m.entries {
			if e.withdrawn || e.content == nil || !anyTrue(e.consents) {
				continue
			}
			m.judged = append(m.judged, entry)
			m.entrants[e.by] = true
			for key, yes := range e.consents {
				m.entrants[key] = m.entrants[key] || yes
			}
		}
		if len(m.judged) == 0 {
			w.refund(m, m.raised(), new(big.Int), PhaseRefunded)
			return
		}
		w.judgeBy(m, m.listing.Judges)
	case PhaseJudging:
		if len(m.ballots) == 0 && m.judges != ByMembers {
			w.judgeBy(m, ByMembers)
			return
		}
		if len(m.ballots) > 0 {
			m.verdict = verdict
		}
		if len(m.ballots) > 0 && m.listing.Appeals > 0 && !m.again {
			m.phase, m.due = PhaseAppeal, w.now+m.listing.Periods.Appeal
			return
		}
		w.award(id, m)
	case PhaseAppeal:
		w.award(id, m)
	case PhaseAwarded:
		w.refund(m, new(big.Int).Sub(m.raised(), m.paid), num(0), PhaseRefunded)
	case PhaseProving:
		w.endProof(m)
	}
}

// endProof pays a milestone unless more reject its proof than accept it.
func (w *twin) endProof(m *twinMission) {
	for _, yes := range m.accepts {
		m.votes += map[bool]int{true: 1, false: -1}[yes]
	}
	rejected := m.votes < 0
	m.votes = 0
	switch {
	case rejected && m.until > w.now:
		m.phase, m.due = PhaseAwarded, m.until
		return
	case rejected:
		w.refund(m, new(big.Int).Sub(m.raised(), m.paid), num(0), PhaseRefunded)
		return
	}
	var shares []uint64
	var ranks [][]byte
	for i, x := range m.listing.Milestones {
		shares, ranks = append(shares, x.Share), append(ranks, binary.BigEndian.AppendUint64(nil, uint64(i)))
	}
	w.payPrize(m, m.verdict[0], deal(m.raised(), shares, ranks)[m.done])
	if m.done++; m.done < len(shares) {
		w.nextMilestone(m)
		return
	}
	w.deliver(m)
}

func (w *twin) nextMilestone(m *twinMission) {
	m.until = w.now + m.listing.Milestones[m.done].Within
	m.phase, m.due = PhaseAwarded, m.until
}

func anyTrue(m map[identity.PublicKey]bool) bool {
	for _, yes := range m {
		if yes {
			return true
		}
	}
	return false
}

func (w *twin) award(id event.ID, m *twinMission) {
	won := m.verdict[:min(len(m.verdict), len(m.listing.Prizes))]
	if len(won) == 0 {
		w.refund(m, m.raised(), new(big.Int), PhaseRefunded)
		return
	}
	if len(m.listing.Milestones) > 0 {
		w.nextMilestone(m)
		return
	}
	var ranks [][]byte
	for i := range m.listing.Prizes {
		ranks = append(ranks, binary.BigEndian.AppendUint64(nil, uint64(i)))
	}
	prizes := deal(m.raised(), m.listing.Prizes, ranks)
	for i, entry := range won {
		w.payPrize(m, entry, prizes[i])
	}
	w.deliver(m)
}

// team are the contributors who count, with their weights and lots.
func (m *twinMission) team(entry event.ID) (keys []identity.PublicKey, weights []uint64, lots [][]byte) {
	e := m.entries[entry]
	for _, c := range e.content.Contributors {
		if e.consents[c.Member] {
			keys, weights, lots = append(keys, c.Member), append(weights, c.Share), append(lots, slices.Concat(entry[:], c.Member[:]))
		}
	}
	return keys, weights, lots
}

func (w *twin) payPrize(m *twinMission, entry event.ID, prize *big.Int) {
	keys, weights, lots := m.team(entry)
	for j, part := range deal(prize, weights, lots) {
		of(w.money, keys[j]).Add(of(w.money, keys[j]), part)
		m.paid.Add(m.paid, part)
	}
}

// deliver makes the token, and gives back what no prize took.
func (w *twin) deliver(m *twinMission) {
	w.offers++
	keys, weights, lots := m.team(m.verdict[0])
	for j, part := range deal(num(m.listing.Token.Units), weights, lots) {
		of(w.units, keys[j]).Add(of(w.units, keys[j]), part)
	}
	of(w.units, identity.Assembly).Add(of(w.units, identity.Assembly), num(m.listing.Token.Treasury))
	w.refund(m, new(big.Int).Sub(m.raised(), m.paid), num(m.listing.Token.Backers), PhaseDelivered)
}

// deal gives whole parts of an amount, and then the odd units one by one to whom most is missing.
func deal(amount *big.Int, weights []uint64, lots [][]byte) []*big.Int {
	sum, rest := sumOf(weights), new(big.Int).Set(amount)
	parts, missing := make([]*big.Int, len(weights)), make([]*big.Rat, len(weights))
	for i, weight := range weights {
		exact := new(big.Rat).SetFrac(new(big.Int).Mul(amount, num(weight)), sum)
		parts[i] = new(big.Int).Quo(exact.Num(), exact.Denom())
		missing[i] = exact.Sub(exact, new(big.Rat).SetInt(parts[i]))
		rest.Sub(rest, parts[i])
	}
	lot := func(i int) []byte {
		hash := sha256.Sum256(append([]byte("coop/lot/1\x00"), lots[i]...))
		return hash[:]
	}
	for ; rest.Sign() > 0; rest.Sub(rest, num(1)) {
		best := 0
		for i := range missing {
			if c := missing[i].Cmp(missing[best]); c > 0 || c == 0 && bytes.Compare(lot(i), lot(best)) < 0 {
				best = i
			}
		}
		parts[best].Add(parts[best], num(1))
		missing[best].SetInt64(-1)
	}
	return parts
}

// refund gives back an amount and units, in the order of the keys.
func (w *twin) refund(m *twinMission, amount, units *big.Int, then Phase) {
	m.phase, m.due = then, 0
	of(w.money, m.by).Add(of(w.money, m.by), m.deposit)
	m.deposit = num(0)
	whole, seen := m.raised(), new(big.Int)
	var keys []identity.PublicKey
	for key := range m.pledges {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, identity.PublicKey.Compare)
	if whole.Sign() == 0 {
		return
	}
	upTo := func(all *big.Int) *big.Int { return new(big.Int).Quo(new(big.Int).Mul(all, seen), whole) }
	for _, key := range keys {
		money, share := upTo(amount), upTo(units)
		seen.Add(seen, m.pledges[key])
		of(w.money, key).Add(of(w.money, key), new(big.Int).Sub(upTo(amount), money))
		of(w.units, key).Add(of(w.units, key), new(big.Int).Sub(upTo(units), share))
	}
}

// advance ends all phases whose time is over, earliest first.
func (w *twin) advance(t event.Time, verdicts func(event.ID) []event.ID) {
	w.now = t
	for id, m := range w.missions {
		if m.trial != 0 && m.trial <= t {
			w.endTrial(id, m)
		}
	}
	for {
		var first event.ID
		var due *twinMission
		for id, m := range w.missions {
			if m.due != 0 && m.due <= t && (due == nil || m.due < due.due || m.due == due.due && id.Compare(first) < 0) {
				first, due = id, m
			}
		}
		if due == nil {
			return
		}
		w.end(first, due, verdicts(first))
	}
}

// The terms of the twin's cooperative.
const (
	twinDeposit = 7
	twinFlags   = 2
)

func (w *twin) flag(m *twinMission, by identity.PublicKey) bool {
	if !w.may(by) || m.phase != PhaseFunding && m.phase != PhaseOpen || m.cleared || by == m.by || !w.people.Voter(by, w.now) || m.flags[by] {
		return false
	}
	m.flags[by] = true
	if len(m.flags) == twinFlags {
		m.trial = w.now + hour
	}
	return true
}

func (w *twin) endTrial(id event.ID, m *twinMission) {
	yes, no := 0, 0
	for _, spam := range m.calls {
		if spam {
			yes++
		} else {
			no++
		}
	}
	m.trial = 0
	if yes <= no || yes < twinFlags {
		m.cleared = true
		return
	}
	var keys []identity.PublicKey
	var equal []uint64
	var lots [][]byte
	for key := range m.flags {
		keys, equal, lots = append(keys, key), append(equal, 1), append(lots, slices.Concat(id[:], key[:]))
	}
	for i, part := range deal(m.deposit, equal, lots) {
		of(w.money, keys[i]).Add(of(w.money, keys[i]), part)
	}
	m.deposit = num(0)
	w.refund(m, m.raised(), num(0), PhaseStruck)
}
