package governance

import (
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/fold"
)

// tale is the life of a proposal as the twin tells it.
type tale struct {
	track             *Track
	late, stall       event.Time
	phase             Phase
	by                byte
	sponsors, against map[byte]bool // who sponsored, who vetoed
	said              map[byte]Choice
	until, start, end event.Time
	leads             bool
	turned            event.Time
	stalls, snipes    uint64
	attempt           uint64
}

func (x *tale) sides() (yes, no int) {
	for _, choice := range x.said {
		switch choice {
		case Yes:
			yes++
		case No:
			no++
		}
	}
	return yes, no
}

// discuss begins the discussion at a moment.
func (x *tale) discuss(now event.Time) {
	x.phase, x.start = Discussion, now+x.track.Discussion
	x.end = x.start + x.track.Voting
	if x.track.Discussion == 0 {
		x.phase = Voting
	}
}

// pass lets time pass from one moment to another.
func (x *tale) pass(now, later event.Time) {
	yes, no := x.sides()
	a := x.track.AntiSniping
	if x.phase == Voting && a.Rule != "" && (yes > no) != x.leads {
		x.leads, x.turned = yes > no, now
		if now+a.Window > x.end && x.snipes < a.Times {
			x.end, x.snipes = max(x.end, now)+a.Window, x.snipes+1
		}
	}
	deadline := &x.end
	if x.phase == Sponsoring || x.phase == Grace {
		deadline = &x.until
	}
	if x.phase.UnderWay() && now < *deadline && later > *deadline+x.stall && x.stalls < 3 {
		*deadline, x.stalls = later+max(hour, min(later-now, 3*day)), x.stalls+1
	}
	if x.phase == Sponsoring && later >= x.until {
		x.phase = Lapsed
	}
	if x.phase == Discussion && later >= x.start {
		x.phase = Voting
	}
	if x.phase == Voting && later >= x.end+x.late {
		held := a.Rule != Confirm || x.turned == 0 || x.turned+a.Window <= x.end
		switch {
		case yes > no && held:
			x.phase, x.until = Grace, later+x.track.Grace
		case yes+no > 0:
			x.phase = Rejected
		default:
			x.phase = Expired
		}
	}
	if x.phase == Grace && later >= x.until {
		x.phase = Executed
	}
}

// drawLife draws a track with guards.
func drawLife(dice *rand.Rand, track *Track) {
	track.Discussion, track.Voting = event.Time(dice.IntN(2))*hour, []event.Time{minute, hour, day}[dice.IntN(3)]
	track.Grace, track.Revisable, track.Open = hour, dice.IntN(2) == 0, 2
	if track.Cosponsors = dice.Uint64N(3); track.Cosponsors > 0 {
		track.Gathering = hour
	}
	if dice.IntN(3) > 0 {
		track.AntiSniping = AntiSniping{[]SnipingRule{Confirm, Quiet}[dice.IntN(2)], []event.Time{1, minute / 2, track.Voting}[dice.IntN(3)], 1 + dice.Uint64N(2)}
	}
	if track.Veto.Members = dice.Uint64N(3); track.Veto.Members > 0 {
		track.Veto.Times = dice.Uint64N(3)
	}
}

// TestTheWholeLife does whatever comes to mind with up to six proposals, and compares every step with a
// twin that knows no agenda: who is refused, in which phase each stands, and when it ends.
func TestTheWholeLife(t *testing.T) {
	ends := map[Phase]int{}
	rapid.Check(t, func(t *rapid.T) {
		dice := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0)) // rapid alone favours the first of all things
		f := founding(4)
		track := &f.Charter.Tracks[0]
		drawLife(dice, track)
		s := begin(t, f)
		now, tales := start, []*tale{}
		expect := func(what string, got error, want bool) {
			if (got == nil) != want {
				t.Fatalf("%s at %d: %v, and the twin says %v", what, now, got, want)
			}
		}
		for step := range 80 {
			who := byte(1 + dice.IntN(4))
			env := fold.Env{Key: testKey(who).Public(), ID: event.ID{byte(step), 9}, At: now}
			n := dice.IntN(len(tales) + 1)
			if n == len(tales) {
				n = max(n, 1) - 1
			}
			verb := dice.IntN(12)
			if len(tales) == 0 {
				verb = 0
			}
			id := event.ID{byte(n), 7}
			switch verb {
			case 0, 1:
				if len(tales) < 6 {
					x := &tale{track: track, late: s.Params.Grace, stall: s.Params.Stall, by: who, sponsors: map[byte]bool{}, against: map[byte]bool{}, said: map[byte]Choice{}}
					open, again, allowed := uint64(0), event.ID{}, true
					for _, other := range tales {
						if other.by == who && other.phase.UnderWay() {
							open++
						}
					}
					if len(tales) > 0 && dice.IntN(3) > 0 {
						again, allowed = id, tales[n].phase == Vetoed
						x.attempt = tales[n].attempt + 1
					}
					env.ID = event.ID{byte(len(tales)), 7}
					allowed = allowed && open < 2
					expect("open", s.Open(env, ProposalOpen{Title: "Paint the door", Track: "general", Again: again}), allowed)
					if x.phase, x.until = Sponsoring, now+track.Gathering; track.Cosponsors == 0 {
						x.discuss(now)
					}
					if allowed {
						tales = append(tales, x)
					}
				}
			case 2, 3:
				x := tales[n]
				may := x.phase == Sponsoring && who != x.by && !x.sponsors[who]
				expect("sponsor", s.Cosponsor(env, ProposalSponsor{id}), may)
				if may {
					x.sponsors[who] = true
					if uint64(len(x.sponsors)) == track.Cosponsors {
						x.discuss(now)
					}
				}
			case 4, 5, 6:
				x := tales[n]
				choice := []Choice{Yes, Yes, No, Abstain}[dice.IntN(4)]
				env.At = []event.Time{now, x.end - min(x.end, 1)}[dice.IntN(2)]
				_, voted := x.said[who]
				may := x.phase == Voting && (now < x.end || env.At < x.end) && (track.Revisable || !voted)
				expect("vote", s.Cast(env, BallotCast{Proposal: id, Choice: string(choice)}), may)
				if may {
					x.said[who] = choice
				}
			case 7:
				x := tales[n]
				may := x.by == who && len(x.said) == 0 && (x.phase == Sponsoring || x.phase == Discussion || x.phase == Voting)
				expect("withdraw", s.Withdraw(env, ProposalWithdraw{id}), may)
				if may {
					x.phase = Withdrawn
				}
			case 8, 9:
				x := tales[n]
				v := track.Veto
				may := x.phase == Grace && v.Members > 0 && (v.Times == 0 || x.attempt < v.Times) && !x.against[who]
				expect("veto", s.CastVeto(env, ProposalVeto{id, "Lead"}), may)
				if may {
					if x.against[who] = true; uint64(len(x.against)) == v.Members {
						x.phase = Vetoed
					}
				}
			default:
				x := tales[n]
				a := track.AntiSniping
				whens := []event.Time{now + 1, now + hour, now + 3*hour, x.start, x.end - a.Window, x.end - min(x.end, 1), x.end, x.end + x.late, x.until, x.end + x.stall + 1, x.until + x.stall + 1, now + day}
				later := whens[dice.IntN(len(whens))]
				if later <= now || later > now+9*day {
					break
				}
				for done, passed := s.Advance(later); passed; done, passed = s.Advance(later) {
					s.Done(done, nil)
				}
				for _, x := range tales {
					x.pass(now, later)
				}
				now = later
			}
			for i, x := range tales {
				p, _ := s.Proposals.Get(event.ID{byte(i), 7})
				var sniped uint64
				if rule := track.AntiSniping.Rule; rule != "" {
					sniped = p.shifted(Cause(rule))
				}
				if p.Phase != x.phase || p.Voting != (Span{x.start, x.end}) || p.shifted(CauseStall) != x.stalls || sniped != x.snipes || p.Attempt != x.attempt {
					t.Fatalf("at %d, proposal %d: %s %+v %+v; the twin: %+v", now, i, p.Phase, p.Voting, p.Shifts, *x)
				}
			}
			if broken := s.Invariants(); broken != nil {
				t.Fatal(broken)
			}
		}
		for _, x := range tales {
			ends[x.phase]++
		}
	})
	t.Log(ends)
}
