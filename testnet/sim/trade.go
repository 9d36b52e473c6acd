package sim

import (
	"fmt"

	"github.com/sustainy/coop/commerce"
	"github.com/sustainy/coop/coop"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/missions"
	"github.com/sustainy/coop/table"
	"github.com/sustainy/coop/tokens"
)

// What every founder has once the members have decided it.
const (
	purse   = 50_000 // minor units of the currency
	holding = 100    // units of the one token there is
)

// trader makes up what members do with money and tokens: they spend, sell and buy at random, often all
// that they have, and some time more than that.
type trader struct {
	w    *world
	dice dice
}

// trade writes onto the agenda that the founders give themselves money, a token, something to sell and a
// mission, and what becomes of it. Each step is tried until it is there: things go wrong meanwhile.
func (w *world) trade(people []*peer) {
	if !w.plan.Trades {
		return
	}
	d := newDice(w.plan.Seed, 9)
	t := &trader{w, d}
	for at := 50 + d.until(100); at < w.plan.Storm; at += 20 + d.until(80) {
		p := people[d.IntN(len(people))]
		w.agenda.add(at, func() { t.decide(p) })
	}
	w.asleep = 8 * missions.MinPeriod // a mission that nobody enters ends by itself, hours later
	for range 30 + d.IntN(30) {
		p := people[d.IntN(len(people))]
		w.agenda.add(1500+d.until(w.plan.Storm), func() { t.act(p) })
	}
}

// decide lets the member behind a peer vote for money where that is asked, or else ask for what there is not yet.
func (t *trader) decide(p *peer) {
	if p.core == nil {
		return
	}
	s := p.core.View().Provisional
	device, _ := s.Hall.Devices.Get(p.id())
	for id, proposal := range table.All(&s.Hall.Proposals) {
		if proposal.Rules.Track.Name != "money" || !proposal.Phase.UnderWay() {
			continue
		}
		if proposal.Phase == governance.Voting && !s.Hall.Ballots.Has(governance.Seat{Proposal: id, Member: device.Member}) {
			p.submit(draft(governance.KindBallotCast, governance.BallotCast{Proposal: id, Choice: string(governance.Yes)}), nil)
		}
		return
	}
	if p.index >= t.w.plan.Founders {
		return
	}
	if asset, created := t.token(s); !created {
		t.fund(p)
	} else if !s.Shop.Elements.Has(asset) {
		t.shop(p, asset)
	}
}

// fund lets a founder propose that every founder gets a purse and units of a token.
func (t *trader) fund(p *peer) {
	create := tokens.Create{Name: "panels", Rule: tokens.RuleFree}
	var actions []event.Draft
	for i := range t.w.plan.Founders {
		to := keyOf(i).Public()
		create.Shares = append(create.Shares, tokens.Share{To: to, Amount: holding})
		actions = append(actions, draft(tokens.KindIssue, tokens.IssueMoney{To: to, Amount: purse, Receipt: fmt.Sprint("statement ", i)}))
	}
	actions = append(actions, draft(tokens.KindCreate, create))
	p.submit(draft(governance.KindProposalOpen, governance.ProposalOpen{Title: "Money", Track: "money", Actions: actions}), nil)
}

// shop lets a founder propose that the work behind the token is for sale, and a mission.
func (t *trader) shop(p *peer, asset tokens.Asset) {
	hour := missions.MinPeriod
	listing := missions.Listing{Title: "A second roof", Brief: "With panels on it.", Criteria: "Dry.", Funding: missions.KeepWhatCame, Prizes: []uint64{1},
		Match: missions.Match{Kind: missions.MatchNone}, Token: missions.Token{Name: "roof", Rule: tokens.RuleFree, Units: 10}, Price: 100,
		Judges: missions.ByMembers, Method: missions.Approve, Periods: missions.Periods{Funding: hour, Open: hour, Reveal: hour, Judging: hour}}
	p.submit(draft(governance.KindProposalOpen, governance.ProposalOpen{Title: "Shop", Track: "money", Actions: []event.Draft{
		draft(commerce.KindElement, commerce.NewElement{Asset: asset, Title: "Twelve panels", Price: commerce.Price{Amount: 500, Open: true}}),
		draft(missions.KindList, listing),
	}}), nil)
}

// act lets the member behind a peer do something with what they have.
func (t *trader) act(p *peer) {
	if p.core == nil {
		return
	}
	s := p.core.View().Provisional
	device, _ := s.Hall.Devices.Get(p.id())
	if d := t.draft(s, device.Member, dawn+t.w.now); d.Kind != "" {
		p.submit(d, nil)
		if t.dice.of(1, 4) {
			p.submit(d, nil) // the same once more: there may be enough for both
		}
	}
}

// draft is what a member may try in a state.
func (t *trader) draft(s *coop.State, member identity.PublicKey, now event.Time) event.Draft {
	asset, created := t.token(s)
	if !created {
		return event.Draft{}
	}
	me := tokens.Member(member)
	money, units := s.Ledger.Of(me, tokens.Currency).Has, s.Ledger.Of(me, asset).Has
	some := func(all uint64) uint64 {
		if all == 0 || t.dice.of(1, 2) {
			return all + uint64(t.dice.IntN(2)) // all, or more than that
		}
		return 1 + t.dice.Uint64N(all)
	}
	to := keyOf(t.dice.IntN(t.w.plan.Founders)).Public()
	switch t.dice.IntN(12) {
	case 8, 9:
		return t.buy(s, asset, some(money))
	case 10, 11:
		for id, m := range table.All(&s.Missions.Missions) {
			if m.Phase == missions.PhaseFunding {
				return draft(missions.KindPledge, missions.MakePledge{Mission: id, Amount: some(money)})
			}
		}
	case 0, 1:
		return draft(tokens.KindTransfer, tokens.Transfer{To: to, Amount: some(money)})
	case 2:
		return draft(tokens.KindTransfer, tokens.Transfer{Asset: asset, To: to, Amount: some(units)})
	case 3, 4:
		return draft(tokens.KindOrder, tokens.PlaceOrder{Side: tokens.Sell, Asset: asset, Units: some(units), Price: 100 + t.dice.Uint64N(100), Until: now + 1000 + t.dice.until(4000)})
	case 5:
		return draft(tokens.KindOrder, tokens.PlaceOrder{Side: tokens.Buy, Asset: asset, Units: 1 + t.dice.Uint64N(holding), Price: 100 + t.dice.Uint64N(100), Until: now + 1000 + t.dice.until(4000)})
	case 6:
		return draft(tokens.KindPay, tokens.Pay{Asset: asset, Amount: 1 + t.dice.Uint64N(1+money/4)})
	}
	if t.dice.of(1, 2) {
		return draft(tokens.KindClaim, tokens.Claim{Asset: asset})
	}
	for id, o := range table.All(&s.Ledger.Orders) {
		if o.Owner == me {
			return draft(tokens.KindCancel, tokens.Cancel{ID: id})
		}
	}
	return event.Draft{}
}

// buy pays so much for the work behind the token, some of it steered to the mission.
func (t *trader) buy(s *coop.State, asset tokens.Asset, pay uint64) event.Draft {
	if !s.Shop.Elements.Has(asset) {
		return event.Draft{}
	}
	o := commerce.Order{Item: commerce.ElementOf(asset), Count: 1, Pay: pay}
	for id, m := range table.All(&s.Missions.Missions) {
		if m.Phase == missions.PhaseFunding && t.dice.of(1, 2) {
			o.Steer = []commerce.Steer{{To: commerce.Item{Kind: commerce.APlace, ID: id}, Amount: pay / 4}}
		}
	}
	return draft(commerce.KindBuy, commerce.Buy{Order: o})
}

func (t *trader) token(s *coop.State) (tokens.Asset, bool) {
	for asset := range table.All(&s.Ledger.Tokens) {
		return asset, true
	}
	return tokens.Asset{}, false
}

// twice is a double spend, or a double sale: two drafts for all that a member has, of which only one can
// count. Who signs both with one number shows each half of the peers another one.
func (t *trader) twice(s *coop.State, member identity.PublicKey, now event.Time) (sides [2]event.Draft, any bool) {
	asset, created := t.token(s)
	if !created || t.w.plan.Founders < 2 {
		return sides, false
	}
	me := tokens.Member(member)
	if units := s.Ledger.Of(me, asset).Has; units > 0 && t.dice.of(1, 2) {
		for i := range sides {
			sides[i] = draft(tokens.KindOrder, tokens.PlaceOrder{Side: tokens.Sell, Asset: asset, Units: units, Price: 100 + uint64(i), Until: now + 10_000})
		}
		return sides, true
	}
	money := s.Ledger.Of(me, tokens.Currency).Has
	for i := range sides {
		sides[i] = draft(tokens.KindTransfer, tokens.Transfer{To: keyOf(i).Public(), Amount: money, Memo: fmt.Sprint("side ", i)})
	}
	return sides, money > 0
}
