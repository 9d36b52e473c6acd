package sim

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/sustainy/coop/event"
)

// Plan is what a seed decides before the first message: who takes part, what goes wrong and when.
// Times are milliseconds from the beginning.
type Plan struct {
	Seed      uint64
	Stewards  int
	Founders  int // founding members; the first of them are stewards
	Guests    int // people who apply while it runs
	Watchers  int // peers that sign nothing
	Delta0    event.Time
	Tolerance event.Time
	Stall     event.Time

	Storm   event.Time // how long things go wrong
	Acts    int        // what members try to do in that time
	Bursts  int        // in how many bursts they do it
	Trades  bool       // they have money, a token and something to sell
	Delay   event.Time // least time of a message
	Jitter  event.Time // most time on top
	Spikes  int        // of 1000 messages, how many take ten times as long
	Slow    int        // of 100 links, how many are always ten times slower
	Loss    int        // of 1000 messages
	Repeats int        // of 1000 messages, how many come twice
	Reorder bool       // a later message may overtake
	Lag     event.Time // most time a peer takes to look at what came

	Gulp int // most things that it looks at in one turn; 0: all

	Forgetful bool // verify everything again each time it comes

	Crashes    []Crash
	Partitions []Partition
	Clogs      []Clog
	Clocks     []Clock
	Liars      []Liar
	Forkers    []Forker
	Vandals    []Vandal
	Terms      []Term
	Merciful   bool  // nobody accuses stewards who sign twice
	Twins      []int // stewards whose key is in use on a second machine, an honest one

	spare int // stewards that may yet fail
}

// Crash stops a peer at the next chance after At and starts it again Down later.
type Crash struct {
	At, Down event.Time
	Peer     int
	Point    Point
	Rollback bool // it comes back with the store of an earlier day, but with its guard
}

// Point is where in obeying its effects a peer dies.
type Point int

// The points.
const (
	BeforeKeep Point = iota
	AfterKeep
	AfterMark
	AmidSends
	BetweenTurns
)

var points = [...]string{"before it kept", "after it kept", "after its guard", "amid its sends", "between turns"}

func (p Point) String() string { return points[p] }

// Partition cuts all messages from peers of one set to peers of the other.
type Partition struct {
	At, Until event.Time
	Set       uint64 // peers by bit; the others are the other set
	OneWay    bool   // only messages out of Set are cut
	Told      bool   // peers are told that the others are down
}

// Clog holds back everything on one link until it ends; then it all comes.
type Clog struct {
	At, Until event.Time
	From, To  int
}

// Clock sets a peer's clock wrong by Error from At on.
type Clock struct {
	At    event.Time
	Peer  int
	Error int64
}

// Liar is a steward who does not keep to the rules.
type Liar struct {
	Steward int
	Deeds   Deeds
}

// Deeds are what a liar does; several at a time are possible.
type Deeds uint

// The deeds.
const (
	Silent     Deeds = 1 << iota // nothing at all
	Equivocate                   // two blocks in a round, to different halves
	Narrow                       // tells each block to a few only
	Withhold                     // keeps its blocks and tells them late, all at once
	Backdate                     // its clock lies within the tolerance or beyond
	Stuff                        // lists junk events
	Contrary                     // votes at random, and takes any fork for a parent
	Hasty                        // signs without need and without waiting
	Boast                        // claims commits and rounds in its greetings
	Phantom                      // lists events and parents that nobody has
	Mute                         // answers nobody's questions
	Double                       // takes two forks of one steward for parents
	Thin                         // builds on fewer blocks than a quorum
	Perjure                      // signs checkpoints that are not true
)

var deedNames = [...]string{"silent", "equivocates", "narrow", "withholds", "lies about time", "stuffs", "contrary", "hasty", "boasts", "phantoms", "mute", "doubles", "builds thinly", "perjures"}

func (d Deeds) String() string {
	var names []string
	for i, name := range deedNames {
		if d&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, "+")
}

// Forker is a member who signs different events with one number.
type Forker struct {
	Founder int
	Times   int
}

// Vandal is a stranger's peer that sends bytes that it should not.
type Vandal struct {
	Bytes   bool // noise and broken copies of real frames
	Replays bool // real frames again, late
	Races   bool // copies with broken signatures, ahead of the good ones
	Boasts  bool // greetings that claim the sky
	Asks    bool // questions without end
}

// peers is how many peers the plan has, vandals left out.
func (p *Plan) peers() int { return max(p.Stewards, p.Founders) + p.Guests + p.Watchers }

// liar finds the liar who is steward i.
func (p *Plan) liar(i int) (Deeds, bool) {
	for _, l := range p.Liars {
		if l.Steward == i {
			return l.Deeds, true
		}
	}
	return 0, false
}

func (p *Plan) forker(founder int) bool {
	for _, f := range p.Forkers {
		if f.Founder == founder {
			return true
		}
	}
	return false
}

// sizes are numbers of stewards, the good ones more often.
var sizes = [...]int{1, 1, 2, 2, 3, 3, 3, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 5, 5, 6, 7, 7, 7, 10}

// dice draws numbers for one purpose.
type dice struct{ *rand.Rand }

func newDice(seed, purpose uint64) dice { return dice{rand.New(rand.NewPCG(seed, purpose))} }

func (d dice) of(n, total int) bool { return d.IntN(total) < n }

// until draws a time from 0 to most.
func (d dice) until(most event.Time) event.Time { return event.Time(d.Uint64N(uint64(most) + 1)) }

// Draw is the plan of a seed. Each kind of fault is on or off by a coin of its own.
func Draw(seed uint64) Plan {
	d := newDice(seed, 1)
	p := Plan{Seed: seed, Stewards: sizes[d.IntN(len(sizes))], Delta0: []event.Time{400, 800, 2000}[d.IntN(3)],
		Tolerance: 3000, Stall: 60_000, Storm: 4000 + d.until(6000), Acts: 6 + d.IntN(20), Bursts: 1 + d.IntN(5)}
	p.Trades = newDice(seed, 10).of(2, 3)
	elects := d.of(1, 2)
	if p.Founders = min(p.Stewards+d.IntN(3), 1+d.IntN(4)); elects {
		p.Founders = 1 + d.IntN(8)
	}
	p.Guests, p.Watchers = d.IntN(3), []int{0, 0, 1, 2, 3}[d.IntN(5)]
	p.Delay = []event.Time{1, 10, 30, 80}[d.IntN(4)]
	p.Jitter = []event.Time{0, p.Delay, 3 * p.Delay}[d.IntN(3)]
	p.Lag = []event.Time{0, 0, 5, 30}[d.IntN(4)]
	if d.of(1, 4) {
		p.Gulp = 1 + d.IntN(5)
	}
	p.drawNetwork(d)
	p.drawLiars(d)
	p.drawClocks(d)
	p.drawCrashes(d)
	if elects {
		p.drawTerms(d)
	}
	p.Merciful = d.of(1, 2)
	return p
}

func (p *Plan) drawNetwork(d dice) {
	if d.of(1, 3) {
		p.Loss = 1 + d.IntN(200)
	}
	if d.of(1, 3) {
		p.Repeats = 1 + d.IntN(200)
	}
	if d.of(1, 4) {
		p.Spikes = 1 + d.IntN(100)
	}
	if d.of(1, 4) {
		p.Slow = 1 + d.IntN(30)
	}
	p.Reorder = d.of(1, 2)
	if d.of(1, 3) {
		for range 1 + d.IntN(3) {
			at := d.until(p.Storm)
			p.Partitions = append(p.Partitions, Partition{At: at, Until: at + 200 + d.until(p.Storm/2), Set: d.Uint64(),
				OneWay: d.of(1, 3), Told: d.of(1, 2)})
		}
	}
	if d.of(1, 4) {
		for range 1 + d.IntN(4) {
			at := d.until(p.Storm)
			p.Clogs = append(p.Clogs, Clog{At: at, Until: at + 100 + d.until(3000), From: d.IntN(p.peers()), To: d.IntN(p.peers())})
		}
	}
}

// drawLiars makes at most f stewards liars.
func (p *Plan) drawLiars(d dice) {
	p.spare = (p.Stewards - 1) / 3
	if p.spare > 0 && d.of(2, 3) {
		order := d.Perm(p.Stewards)
		for _, s := range order[:1+d.IntN(p.spare)] {
			p.spare--
			deeds := Silent
			if !d.of(1, 5) {
				deeds = 1 << (1 + d.IntN(len(deedNames)-1))
				for range d.IntN(3) {
					deeds |= 1 << (1 + d.IntN(len(deedNames)-1))
				}
			}
			p.Liars = append(p.Liars, Liar{s, deeds})
		}
	}
	if p.Founders > 1 && d.of(1, 5) {
		if i := p.Founders - 1; i >= p.Stewards {
			p.Forkers = append(p.Forkers, Forker{i, 1 + d.IntN(3)})
		}
	}
	if d.of(1, 5) {
		bits := d.Uint32()
		p.Vandals = append(p.Vandals, Vandal{bits&1 != 0, bits&2 != 0, bits&4 != 0, bits&8 != 0, bits&16 != 0})
	}
}

// drawClocks sets clocks wrong: a little for all, and far for no more stewards than f allows, liars
// included, since a steward whose clock is far off cannot help to agree on the time.
func (p *Plan) drawClocks(d dice) {
	if !d.of(1, 2) {
		return
	}
	for i := range p.peers() {
		small := func() int64 { return int64(d.IntN(800)) - 400 }
		far := func() int64 {
			return []int64{-31_536_000_000, -3_600_000, -20_000, 20_000, 3_600_000, 31_536_000_000}[d.IntN(6)]
		}
		first, second := small(), small()
		if (i >= p.Stewards || p.spare > 0) && d.of(1, 6) {
			if i < p.Stewards {
				p.spare--
			}
			switch d.IntN(3) {
			case 0:
				first = far()
			case 1:
				second = far()
			default:
				first, second = far(), far()
			}
		}
		p.Clocks = append(p.Clocks, Clock{Peer: i, Error: first})
		if d.of(1, 6) || second > 400 || second < -400 {
			p.Clocks = append(p.Clocks, Clock{At: d.until(p.Storm), Peer: i, Error: second})
		}
	}
}

func (p *Plan) drawCrashes(d dice) {
	if !d.of(1, 2) {
		return
	}
	for range 1 + d.IntN(5) {
		p.Crashes = append(p.Crashes, Crash{At: d.until(p.Storm), Down: d.until(3000), Peer: d.IntN(p.peers()), Point: Point(d.IntN(5))})
	}
	if c := &p.Crashes[0]; d.of(1, 4) && (c.Peer >= p.Stewards || p.spare > 0) {
		c.Rollback = true
		if c.Peer < p.Stewards {
			p.spare-- // it ends its signing
		}
	}
}

// String tells the plan in a few lines.
func (p *Plan) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d: %d stewards, %d founders, %d guests, %d watchers; delta0 %d, storm %d ms, %d acts, trades %v\n",
		p.Seed, p.Stewards, p.Founders, p.Guests, p.Watchers, p.Delta0, p.Storm, p.Acts, p.Trades)
	fmt.Fprintf(&b, "  network: %d+%d ms, of 1000 messages %d are lost, %d come twice, %d are late; %d %% of links slow; reorder %v, lag %d, gulp %d\n",
		p.Delay, p.Jitter, p.Loss, p.Repeats, p.Spikes, p.Slow, p.Reorder, p.Lag, p.Gulp)
	for _, x := range p.Partitions {
		fmt.Fprintf(&b, "  partition %d to %d: %b, one way %v, told %v\n", x.At, x.Until, x.Set&(1<<p.peers()-1), x.OneWay, x.Told)
	}
	for _, x := range p.Clogs {
		fmt.Fprintf(&b, "  clog %d to %d: from %d to %d\n", x.At, x.Until, x.From, x.To)
	}
	for _, x := range p.Crashes {
		fmt.Fprintf(&b, "  crash at %d: peer %d %s, down %d ms, rollback %v\n", x.At, x.Peer, x.Point, x.Down, x.Rollback)
	}
	for _, x := range p.Clocks {
		fmt.Fprintf(&b, "  clock of %d wrong by %d ms from %d\n", x.Peer, x.Error, x.At)
	}
	for _, x := range p.Liars {
		fmt.Fprintf(&b, "  steward %d %s\n", x.Steward, x.Deeds)
	}
	for _, x := range p.Terms {
		fmt.Fprintf(&b, "  election at %d: %v\n", x.At, x.Seats)
	}
	for _, x := range p.Forkers {
		fmt.Fprintf(&b, "  founder %d forks %d times\n", x.Founder, x.Times)
	}
	for _, x := range p.Vandals {
		fmt.Fprintf(&b, "  vandal %+v\n", x)
	}
	return b.String()
}
