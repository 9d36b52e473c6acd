package missions

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/table"
	"github.com/sustainy/coop/tokens"
)

const players = 12

func person(n int) identity.PublicKey { return identity.PublicKey{1, byte(n)} }

// crowd is a register: members by number, of whom every fourth has no vote, and who may leave.
type crowd struct {
	left  map[identity.PublicKey]bool
	since map[identity.PublicKey]event.Time
}

func (c *crowd) Person(key identity.PublicKey) tokens.Person {
	if key != person(int(key[1])) || int(key[1]) >= players {
		return tokens.Person{}
	}
	return tokens.Person{Known: true, Member: !c.left[key], Classes: []string{"guest"}}
}

func (c *crowd) Voter(key identity.PublicKey, since event.Time) bool {
	return c.Person(key).Member && key[1]%4 != 3 && c.since[key] <= since
}

// agora is a cooperative with nothing but missions, whose people do at random what they may and may not.
type agora struct {
	t       testing.TB
	s       State
	l       tokens.State
	w       *twin
	dice    *rand.Rand
	people  *crowd
	juries  map[string][]identity.PublicKey
	offers  []Work
	now     event.Time
	n       uint64
	ids     []event.ID // of missions
	content map[event.ID]Content
	accept  map[string]int
}

func newAgora(t testing.TB, seed uint64) *agora {
	people := &crowd{map[identity.PublicKey]bool{}, map[identity.PublicKey]event.Time{}}
	g := &agora{t: t, s: Begin(day), w: newTwin(people), dice: rand.New(rand.NewPCG(seed, 1)), people: people, juries: map[string][]identity.PublicKey{},
		now: day, content: map[event.ID]Content{}, accept: map[string]int{}}
	g.w.now = day
	must(t, g.s.SetTerms(Act{By: identity.Assembly, Time: day}, Terms{Deposit: twinDeposit, Flags: twinFlags, Trial: hour}))
	for n := range players + 1 {
		key := identity.Assembly
		if n < players {
			key = person(n)
		}
		act := tokens.Act{ID: g.id(), By: tokens.Treasury, Time: g.now, People: people}
		if err := g.l.IssueMoney(act, tokens.IssueMoney{To: key, Amount: 2000, Receipt: fmt.Sprint(n)}); err != nil {
			t.Fatal(err)
		}
		g.w.money[key] = num(2000)
	}
	return g
}

func (g *agora) id() event.ID {
	g.n++
	var id event.ID
	binary.BigEndian.PutUint64(id[:], g.n*0x9e3779b97f4a7c15) // spread as hashes are
	return id
}

func (g *agora) house() House {
	return House{Ledger: &g.l, People: g.people, Juries: g, Shop: g}
}

func (g *agora) Offer(w Work) { g.offers = append(g.offers, w) }

// Empanel calls the first who vote and are no parties.
func (g *agora) Empanel(by event.ID, name string, seats uint64, parties []identity.PublicKey) error {
	if !slices.IsSortedFunc(parties, identity.PublicKey.Compare) {
		g.t.Fatal("parties in disorder")
	}
	g.w.distrust[by] = g.s.distrusted(g.now)
	var jury []identity.PublicKey
	for n := range players {
		if key := person(n); g.people.Voter(key, g.now) && !slices.Contains(parties, key) && uint64(len(jury)) < seats {
			jury = append(jury, key)
		}
	}
	if uint64(len(jury)) < seats {
		return ErrNotJuror
	}
	g.juries[by.String()+name] = jury
	return nil
}

func (g *agora) Juror(by event.ID, name string, key identity.PublicKey) bool {
	return slices.Contains(g.juries[by.String()+name], key)
}

// Adjourn forgets the jury: whoever were to ask for it later would be told that nobody sits on it.
func (g *agora) Adjourn(by event.ID, name string, _ event.Time) {
	delete(g.juries, by.String()+name)
}

func (g *agora) anybody() identity.PublicKey {
	switch n := g.dice.IntN(players + 2); n {
	case players:
		return identity.Assembly
	case players + 1:
		return person(players) // a stranger
	default:
		return person(n)
	}
}

func (g *agora) act(by identity.PublicKey) Act {
	return Act{ID: g.id(), By: by, Time: g.now, House: g.house()}
}

func pickOne[T any](g *agora, list ...T) T { return list[g.dice.IntN(len(list))] }

// any mission, mostly one under way; false if there is none.
func (g *agora) mission() (event.ID, *twinMission, bool) {
	if len(g.ids) == 0 {
		return event.ID{}, nil, false
	}
	ids := g.ids[max(0, len(g.ids)-30):]
	if g.dice.IntN(12) > 0 {
		ids = slices.DeleteFunc(slices.Clone(ids), func(id event.ID) bool { return g.w.missions[id].phase.Over() })
	}
	if len(ids) == 0 {
		return event.ID{}, nil, false
	}
	id := pickOne(g, ids...)
	return id, g.w.missions[id], true
}

// judge compares a verdict with the twin's.
func (g *agora) judge(what string, err error, may bool) {
	if (err == nil) != may {
		g.t.Fatalf("step %d: %s: %v, and the twin says %v", g.n, what, err, may)
	}
	if err == nil {
		g.accept[what]++
	}
}

func (g *agora) listing() Listing {
	l := Listing{Title: "T", Funding: KeepWhatCame, Prizes: []uint64{uint64(g.dice.IntN(90) + 10)}, Match: Match{Kind: MatchNone},
		Token:  Token{Name: fmt.Sprint("t", g.dice.IntN(400)), Rule: tokens.RuleNone, Units: uint64(g.dice.IntN(50) + 1), Treasury: uint64(g.dice.IntN(3)), Backers: uint64(g.dice.IntN(40))},
		Price:  5,
		Judges: pickOne(g, ByBackers, ByMembers, ByJury), Method: pickOne(g, Approve, Rank), Seats: uint64(g.dice.IntN(5) + 1), Appeals: uint64(g.dice.IntN(3)),
		Periods: Periods{Funding: hour, Open: hour * event.Time(g.dice.IntN(3)+1), Reveal: hour, Judging: hour}}
	for g.dice.IntN(2) == 0 && len(l.Prizes) < MaxPrizes {
		l.Prizes = append(l.Prizes, uint64(g.dice.IntN(int(l.Prizes[len(l.Prizes)-1])))+1)
	}
	if g.dice.IntN(2) == 0 {
		l.Funding, l.Target = AllOrNothing, uint64(g.dice.IntN(200)+1)
	}
	if l.Appeals > 0 {
		l.Periods.Appeal = hour
	}
	for steps := g.dice.IntN(4); len(l.Prizes) == 1 && len(l.Milestones) < steps; {
		l.Milestones = append(l.Milestones, Milestone{"Step", uint64(g.dice.IntN(9) + 1), hour * event.Time(g.dice.IntN(3)+1)})
	}
	switch g.dice.IntN(4) {
	case 0:
		l.Match = Match{Kind: MatchLinear, Num: uint64(g.dice.IntN(5) + 1), Den: uint64(g.dice.IntN(5) + 1), Cap: uint64(g.dice.IntN(200) + 1)}
	case 1:
		l.Match = Match{Kind: MatchQuadratic, Cap: uint64(g.dice.IntN(400) + 1)}
	}
	return l
}

// step does one thing.
func (g *agora) step() {
	by := g.anybody()
	id, m, ok := g.mission()
	switch n := g.dice.IntN(40); {
	case n < 1 && g.s.Own.Len() < 6 || !ok:
		g.list(by)
	case n < 39 && (m.phase == PhaseAwarded || m.phase == PhaseProving) && g.dice.IntN(3) > 0, n == 20 && g.dice.IntN(9) == 0:
		g.milestone(by, id, m)
	case n < 7:
		b := MakePledge{Mission: id, Amount: uint64(g.dice.IntN(60))}
		g.judge("pledge", g.s.Pledge(g.act(by), b), g.w.pledge(m, by, b.Amount))
	case n < 8 && g.dice.IntN(3) == 0:
		may := (by == m.by || by == identity.Assembly) && (m.phase == PhaseFunding || m.phase == PhaseOpen) && m.standing() == 0 && m.trial == 0
		g.judge("cancel", g.s.Cancel(g.act(by), Cancel{id}), may)
		if may {
			g.w.refund(m, m.raised(), num(0), PhaseCancelled)
		}
	case n < 11:
		g.submit(by, id, m)
	case n < 23:
		g.entry(by, id, m)
	case n < 32:
		g.ballot(by, id, m)
	case n < 35:
		g.appeal(by, id, m)
	case n < 36:
		g.spam(by, id, m)
	case n < 38:
		b := Foresee{Mission: id, About: pickOne(g, OnTarget, OnDelivery), Chance: uint64(g.dice.IntN(101))}
		soon := m.phase == PhaseFunding && m.listing.Funding == AllOrNothing && b.About == OnTarget || (m.phase == PhaseFunding || m.phase == PhaseOpen) && b.About == OnDelivery
		works := slices.ContainsFunc(slices.Collect(maps.Values(m.entries)), func(e *twinEntry) bool { return e.by == by })
		g.judge("forecast", g.s.Forecast(g.act(by), b), g.w.may(by) && soon && b.Chance%100 > 0 && by != m.by && of(m.pledges, by).Sign() == 0 && !works)
	case n < 39 && g.dice.IntN(4) == 0:
		if key := person(g.dice.IntN(players)); g.dice.IntN(4) == 0 || g.people.left[key] {
			g.people.left[key] = !g.people.left[key]
			g.people.since[key] = g.now
		}
	case n == 39:
		g.wait(event.Time(g.dice.IntN(int(hour / 2))))
	}
}

// spam flags a mission, or says what is asked then.
func (g *agora) spam(by identity.PublicKey, id event.ID, m *twinMission) {
	for _, other := range g.ids {
		if on := g.w.missions[other]; on.trial != 0 && g.dice.IntN(3) > 0 {
			id, m = other, on
		}
	}
	if m.trial == 0 {
		g.judge("flag", g.s.Flag(g.act(by), Flag{Mission: id}), g.w.flag(m, by))
		return
	}
	spam := g.dice.IntN(3) > 0
	may := g.w.may(by) && by != m.by && g.people.Voter(by, m.trial-hour)
	g.judge("call", g.s.Call(g.act(by), Call{id, spam}), may)
	if may {
		m.calls[by] = spam
	}
}

func (g *agora) list(by identity.PublicKey) {
	l := g.listing()
	a := g.act(by)
	id := a.ID
	if by == identity.Assembly {
		id = NewID(a.ID, 0)
	}
	err := g.s.List(a, l)
	g.judge("list", err, g.w.list(id, a.ID, by, l))
	if err == nil {
		g.ids = append(g.ids, id)
	}
}

func (g *agora) submit(by identity.PublicKey, id event.ID, m *twinMission) {
	c := Content{Title: "W"}
	for len(c.Contributors) == 0 || g.dice.IntN(2) == 0 && len(c.Contributors) < 5 {
		key := person(g.dice.IntN(players))
		if !slices.ContainsFunc(c.Contributors, func(x Contributor) bool { return x.Member == key }) {
			c.Contributors = append(c.Contributors, Contributor{key, "r", uint64(g.dice.IntN(9) + 1)})
		}
	}
	a := g.act(by)
	hash := c.Commitment(id, by, sha256.Sum256(a.ID[:]))
	g.judge("submit", g.s.Submit(a, Submit{id, hash}), g.w.submit(m, a.ID, by, hash))
	g.content[a.ID] = c
}

// entry reveals, consents to or withdraws a submission.
func (g *agora) entry(by identity.PublicKey, id event.ID, m *twinMission) {
	entries := slices.SortedFunc(func(yield func(event.ID) bool) {
		for entry := range m.entries {
			if !yield(entry) {
				return
			}
		}
	}, event.ID.Compare)
	if len(entries) == 0 {
		return
	}
	entry := pickOne(g, entries...)
	e, c := m.entries[entry], g.content[entry]
	switch g.dice.IntN(5) {
	case 0, 1, 2:
		if g.dice.IntN(4) > 0 {
			by = e.by
		}
		secret := sha256.Sum256(entry[:])
		if g.dice.IntN(9) == 0 {
			secret[0]++
		}
		err := g.s.Reveal(g.act(by), Reveal{Entry{id, entry}, c, secret})
		g.judge("reveal", err, g.w.reveal(m, e, by, c, c.Commitment(id, by, secret)))
	case 3:
		if g.dice.IntN(3) > 0 {
			by = pickOne(g, c.Contributors...).Member
		}
		named := e.content != nil && slices.ContainsFunc(c.Contributors, func(x Contributor) bool { return x.Member == by })
		may, agree := m.phase == PhaseRevealing && !e.withdrawn && named, g.dice.IntN(4) > 0
		g.judge("consent", g.s.Consent(g.act(by), Consent{Entry{id, entry}, agree}), may)
		if may {
			e.consents[by] = agree
		}
	case 4:
		if g.dice.IntN(3) > 0 {
			return
		}
		may := !e.withdrawn && e.by == by && (m.phase == PhaseOpen || m.phase == PhaseRevealing)
		g.judge("withdraw", g.s.Withdraw(g.act(by), Withdraw{Entry{id, entry}}), may)
		e.withdrawn = e.withdrawn || may
	}
}

// milestone proves the next one, or says whether a proof is good.
func (g *agora) milestone(by identity.PublicKey, id event.ID, m *twinMission) {
	if m.phase != PhaseProving {
		won := false
		if len(m.verdict) > 0 {
			team, _, _ := m.team(m.verdict[0])
			if g.dice.IntN(3) > 0 {
				by = pickOne(g, team...)
			}
			won = slices.Contains(team, by)
		}
		may := g.w.may(by) && m.phase == PhaseAwarded && won
		g.judge("prove", g.s.Prove(g.act(by), Prove{Mission: id, Text: "Done"}), may)
		if may {
			m.phase, m.due, m.accepts = PhaseProving, g.now+m.listing.Periods.Judging, map[identity.PublicKey]bool{}
		}
		return
	}
	yes, may := g.dice.IntN(3) > 0, g.w.mayJudge(m, by, PhaseProving)
	g.judge("accept", g.s.Accept(g.act(by), Accept{id, yes}), may)
	if may {
		m.accepts[by] = yes
	}
}

func (g *agora) ballot(by identity.PublicKey, id event.ID, m *twinMission) {
	candidates := append([]event.ID{NoAward}, m.judged...)
	slices.SortFunc(candidates, event.ID.Compare)
	g.dice.Shuffle(len(candidates), func(i, j int) { candidates[i], candidates[j] = candidates[j], candidates[i] })
	b := Judge{Mission: id}
	some, sound := candidates[:g.dice.IntN(len(candidates)+1)], true
	if m.listing.Method == Approve {
		b.Approve = some
	} else {
		for _, candidate := range some {
			if len(b.Rank) > 0 && g.dice.IntN(3) == 0 {
				b.Rank[len(b.Rank)-1] = append(b.Rank[len(b.Rank)-1], candidate)
			} else {
				b.Rank = append(b.Rank, []event.ID{candidate})
			}
		}
	}
	if g.dice.IntN(20) == 0 {
		b.Approve, sound = append(slices.Clone(b.Approve), event.ID{7}), false
	}
	may := g.w.mayJudge(m, by, PhaseJudging) && sound
	g.judge("judge", g.s.Judge(g.act(by), b), may)
	if may {
		m.ballots[by] = b
	}
}

func (g *agora) appeal(by identity.PublicKey, id event.ID, m *twinMission) {
	stake := of(m.pledges, by).Sign() > 0 || m.entrants[by] || g.people.Voter(by, m.began)
	may := g.w.may(by) && m.phase == PhaseAppeal && stake && !m.appellers[by]
	g.judge("appeal", g.s.Appeal(g.act(by), Appeal{Mission: id}), may)
	if !may {
		return
	}
	m.appellers[by] = true
	if uint64(len(m.appellers)) >= m.listing.Appeals {
		m.again = true
		g.w.judgeBy(m, ByJury)
	}
}

// wait lets time go on.
func (g *agora) wait(d event.Time) {
	g.now += d
	before := g.s.Copy()
	g.s.Advance(g.now, g.house())
	g.w.advance(g.now, func(id event.ID) []event.ID {
		old, _ := before.Missions.Get(id)
		m, _ := g.s.Missions.Get(id)
		twin := g.w.missions[id]
		if twin.phase != PhaseJudging || len(twin.ballots) == 0 {
			return nil
		}
		if old.Round != m.Verdict.Round || m.Verdict.Ballots != uint64(len(twin.ballots)) {
			g.t.Fatalf("step %d: %d ballots of round %d, the twin has %d", g.n, m.Verdict.Ballots, m.Verdict.Round, len(twin.ballots))
		}
		g.checkVerdict(twin, m.Verdict.Order)
		return m.Verdict.Order
	})
}

// checkVerdict counts naively. Approval: exactly those with more votes than no award, more before fewer.
// Ranking: whoever beats everybody else is first, and if that is no award, there is nobody.
func (g *agora) checkVerdict(m *twinMission, order []event.ID) {
	all := append([]event.ID{NoAward}, m.judged...)
	if m.listing.Method == Approve {
		votes := map[event.ID]int{}
		for _, b := range m.ballots {
			for _, id := range b.Approve {
				votes[id]++
			}
		}
		above := 0
		for _, id := range m.judged {
			if votes[id] > votes[NoAward] {
				above++
			}
		}
		for i, id := range order {
			if votes[id] <= votes[NoAward] || i > 0 && votes[order[i-1]] < votes[id] {
				g.t.Fatalf("step %d: place %d with %d votes, no award has %d", g.n, i, votes[id], votes[NoAward])
			}
		}
		if above != len(order) {
			g.t.Fatalf("step %d: %d get a prize, the twin says %d", g.n, len(order), above)
		}
		return
	}
	place := func(b Judge, id event.ID) int {
		for i, equals := range b.Rank {
			if slices.Contains(equals, id) {
				return i
			}
		}
		return len(b.Rank)
	}
	for _, x := range all {
		wins := true
		for _, y := range all {
			lead := 0
			for _, b := range m.ballots {
				lead += place(b, y) - place(b, x)
			}
			more := 0
			for _, b := range m.ballots {
				switch d := place(b, y) - place(b, x); {
				case d > 0:
					more++
				case d < 0:
					more--
				}
			}
			wins = wins && (x == y || more > 0)
		}
		if wins && (x == NoAward && len(order) > 0 || x != NoAward && (len(order) == 0 || order[0] != x)) {
			g.t.Fatalf("step %d: %s beats everybody, and the order is %v", g.n, x, order)
		}
	}
}

// compare holds every phase and every account against the twin's.
func (g *agora) compare() {
	if g.s.Paying.Len()+g.s.Scoring.Len() > 0 {
		g.wait(1)
	}
	for _, broken := range append(g.s.Invariants(&g.l), g.l.Invariants(g.now, g.s.Escrows)...) {
		g.t.Fatalf("step %d: %v", g.n, broken)
	}
	for id, m := range table.All(&g.s.Missions) {
		if twin := g.w.missions[id]; twin == nil || twin.phase != m.Phase || twin.due != m.Due || twin.phase == PhaseJudging && twin.judges != m.Judges {
			g.t.Fatalf("step %d: %s until %d by %s, the twin: %+v", g.n, m.Phase, m.Due, m.Judges, twin)
		}
	}
	for n := range players + 1 {
		key := identity.Assembly
		if n < players {
			key = person(n)
		}
		if has := g.l.Of(tokens.Member(key), tokens.Currency).Has; num(has).Cmp(of(g.w.money, key)) != 0 {
			g.t.Fatalf("step %d: %s has %d, the twin %s", g.n, key.Short(), has, g.w.money[key])
		}
		units := num(0)
		for asset := range table.All(&g.l.Tokens) {
			units.Add(units, num(g.l.Of(tokens.Member(key), asset).Has))
		}
		if units.Cmp(of(g.w.units, key)) != 0 {
			g.t.Fatalf("step %d: %s has %s units, the twin %s", g.n, key.Short(), units, g.w.units[key])
		}
	}
	if len(g.offers) != g.w.offers || g.w.offers != g.l.Tokens.Len() {
		g.t.Fatalf("step %d: %d works, the twin %d", g.n, len(g.offers), g.w.offers)
	}
}

// TestMissionsEqualTheirTwin does 100,000 things at random (with COOP_LONG=1 a million), and compares
// every phase and every account with the twin's.
func TestMissionsEqualTheirTwin(t *testing.T) {
	steps, seeds := 10_000, 10
	if os.Getenv("COOP_LONG") != "" {
		seeds = 100
	}
	all := map[string]int{}
	for seed := range seeds {
		g := newAgora(t, uint64(seed))
		for n := range steps {
			g.step()
			if n%20 == 0 {
				g.compare()
			}
		}
		g.wait(400 * day) // and by itself all comes to an end
		for g.s.Agenda.Len()+g.s.Scoring.Len() > 0 {
			g.wait(400 * day)
		}
		g.compare()
		for id := range table.All(&g.s.Missions) {
			if has := g.l.Of(tokens.Escrow(id), tokens.Currency).Has; has > 0 {
				t.Fatalf("%d rests in escrow", has)
			}
		}
		for _, what := range []string{"list", "pledge", "cancel", "submit", "reveal", "consent", "withdraw", "judge", "appeal", "prove", "accept", "forecast", "flag", "call"} {
			all[what] += g.accept[what]
		}
		all["work"] += len(g.offers)
		all["standing"] += g.s.Standing.Len()
		for _, m := range table.All(&g.s.Missions) {
			if m.Phase == PhaseStruck {
				all["struck"]++
			}
			if steps := uint64(len(m.Listing.Milestones)); steps > 0 {
				all["milestones"] += int(m.Progress.Done)
				if m.Phase == PhaseDelivered {
					all["delivered in steps"]++
				}
				if m.Phase == PhaseRefunded && m.Progress.Done > 0 {
					all["partly refunded"]++
				}
			}
		}
	}
	t.Log(all)
	for what, n := range all {
		least := 2 * seeds
		if what == "delivered in steps" || what == "partly refunded" {
			least = seeds / 5
		}
		if n < least {
			t.Errorf("%s happened %d times, which says little", what, n)
		}
	}
}
