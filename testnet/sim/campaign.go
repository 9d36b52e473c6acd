package sim

import (
	"fmt"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/governance"
)

// Term is an election: from At on those who are to serve offer themselves, somebody proposes them, and
// the members vote. When it passes, everything else happens by itself.
type Term struct {
	At    event.Time
	Seats []int // peers of founders
}

// drawTerms draws elections in which no more of those elected than the rules can bear are liars, have
// clocks that are far off, or lose their disks.
func (p *Plan) drawTerms(d dice) {
	weak := map[int]bool{}
	for _, l := range p.Liars {
		weak[l.Steward] = true
	}
	for _, c := range p.Clocks {
		if c.Error > 400 || c.Error < -400 {
			weak[c.Peer] = true
		}
	}
	for _, c := range p.Crashes {
		if c.Rollback {
			weak[c.Peer] = true
		}
	}
	at := event.Time(200)
	for range 1 + d.IntN(3) {
		var seats []int
		bad, size := 0, []int{1, 2, 3, 4, 4, 4, 4, 5, 7}[d.IntN(9)]
		for _, i := range d.Perm(p.Founders) {
			switch {
			case p.forker(i) || len(seats) == size:
			case !weak[i]:
				seats = append(seats, i)
			case bad < (min(size, p.Founders)-1)/3:
				bad++
				seats = append(seats, i)
			}
		}
		if len(seats) == 0 || bad > (len(seats)-1)/3 {
			continue
		}
		p.Terms = append(p.Terms, Term{at, seats})
		at += 1500 + d.until(3000)
	}
}

// campaign writes the elections of the plan onto the agenda.
func (w *world) campaign() {
	d := newDice(w.plan.Seed, 4)
	for _, term := range w.plan.Terms {
		for _, i := range term.Seats {
			w.agenda.add(term.At+d.until(200), func() { w.stand(w.peers[i]) })
		}
		by := w.peers[term.Seats[d.IntN(len(term.Seats))]]
		w.agenda.add(term.At+400+d.until(200), func() { w.elect(by, term, d) })
	}
}

func (w *world) stand(p *peer) {
	if p.core != nil && !p.core.View().Provisional.Hall.Standing.Has(p.id()) {
		p.submit(draft(governance.KindStewardStand, governance.StewardStand{}), nil)
	}
}

// elect proposes new stewards, and has the members vote when they see it.
func (w *world) elect(by *peer, term Term, d dice) {
	var b governance.StewardAppoint
	for _, i := range term.Seats {
		b.Stewards = append(b.Stewards, w.peers[i].id())
	}
	body := governance.ProposalOpen{Title: fmt.Sprint("Stewards ", term.Seats), Track: "board", Actions: []event.Draft{draft(governance.KindStewardAppoint, b)}}
	by.submit(draft(governance.KindProposalOpen, body), func(e *event.Event, err error) {
		if err != nil {
			return
		}
		for i := range w.plan.Founders {
			p := w.peers[i]
			if !p.honest() || d.of(1, 10) {
				continue
			}
			w.agenda.add(w.now+100+d.until(500), func() {
				p.submit(draft(governance.KindBallotCast, governance.BallotCast{Proposal: e.ID, Choice: "yes"}), nil)
			})
		}
	})
}
