package coop

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/big"

	"github.com/sustainy/coop/commerce"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/missions"
	"github.com/sustainy/coop/surplus"
	"github.com/sustainy/coop/table"
	"github.com/sustainy/coop/tokens"
)

// trade is what members do with money and tokens.
func (x *economy) trade() {
	by, asset, amount := x.anybody(), x.asset(), x.amount()
	switch x.dice.IntN(10) {
	case 0, 1:
		x.apply(by, tokens.KindTransfer, tokens.Transfer{To: x.anybody(), Amount: amount})
	case 2:
		x.apply(by, tokens.KindTransfer, tokens.Transfer{Asset: asset, To: of(x, x.anybody(), identity.Assembly), Amount: amount % 20})
	case 3:
		if _, err := x.apply(by, tokens.KindPay, tokens.Pay{Asset: asset, Amount: amount}); err == nil {
			if x.paid[asset] == nil {
				x.paid[asset] = new(big.Int)
			}
			x.paid[asset].Add(x.paid[asset], bigOf(amount))
		}
	case 4, 5:
		due := x.s.Ledger.Claimable(tokens.Member(by), asset)
		if _, err := x.apply(by, tokens.KindClaim, tokens.Claim{Asset: asset}); err == nil {
			if x.claimed[by][asset] == nil {
				x.claimed[by][asset] = new(big.Int)
			}
			x.claimed[by][asset].Add(x.claimed[by][asset], bigOf(due))
			if _, err := x.apply(by, tokens.KindClaim, tokens.Claim{Asset: asset}); err != tokens.ErrNothing {
				x.t.Fatalf("step %d: claimed twice: %v", x.n, err)
			}
		} else if due > 0 {
			x.t.Fatalf("step %d: %d could not be claimed: %v", x.n, due, err)
		}
	case 6, 7:
		x.apply(of(x, by, by, by, identity.Assembly), tokens.KindOrder, tokens.PlaceOrder{Side: of(x, tokens.Buy, tokens.Sell), Asset: asset, Units: amount % 40, Price: uint64(x.dice.IntN(20)),
			Until: x.now + event.Time(x.dice.IntN(int(2*day)))})
	case 8:
		for id, o := range table.All(&x.s.Ledger.Orders) {
			x.apply(of(x, by, o.Owner.Key()), tokens.KindCancel, tokens.Cancel{ID: id})
			return
		}
	case 9:
		for id := range table.All(&x.s.Ledger.Waiting) {
			x.apply(of(x, by, identity.Assembly), tokens.KindApprove, tokens.Approve{Transfer: id})
			return
		}
	}
}

// treasury is what the Assembly and the cashier do.
func (x *economy) treasury() {
	coop, amount := identity.Assembly, x.amount()
	switch x.dice.IntN(7) {
	case 0:
		x.apply(of(x, coop, x.keys[0], x.anybody()), tokens.KindIssue, tokens.IssueMoney{To: of(x, x.anybody(), coop), Amount: amount, Receipt: fmt.Sprint("in-", x.n-x.n%2)})
	case 1:
		x.apply(of(x, coop, x.keys[0], x.anybody()), tokens.KindRedeem, tokens.RedeemMoney{Amount: amount, Receipt: fmt.Sprint("out-", x.n)})
	case 2:
		x.apply(coop, tokens.KindCredit, tokens.Credit{Class: of(x, "friend", "guest", "nobles"), Limit: amount})
	case 3:
		x.apply(coop, tokens.KindRule, tokens.ChangeRule{Asset: x.asset(), Rule: of(x, tokens.RuleFree, tokens.RuleMembers, tokens.RuleApproval, tokens.RuleNone), Refusal: x.dice.IntN(2) == 0})
	case 4:
		x.apply(coop, tokens.KindTransfer, tokens.Transfer{To: x.anybody(), Amount: amount})
	case 5:
		x.apply(coop, tokens.KindPay, tokens.Pay{Asset: x.asset(), Amount: 0})
	case 6:
		if len(x.assets) < 40 {
			x.token()
		}
	}
}

// item is something that was, is or will never be sold.
func (x *economy) item() commerce.Item {
	if n := x.s.Shop.Offers.Len(); n > 0 && x.dice.IntN(2) == 0 {
		k := x.dice.IntN(n)
		for id := range table.All(&x.s.Shop.Offers) {
			if k--; k < 0 {
				return commerce.OfferOf(id)
			}
		}
	}
	return commerce.ElementOf(x.asset())
}

func (x *economy) order() commerce.Order {
	o := commerce.Order{Item: x.item(), Count: uint64(x.dice.IntN(3)), Pay: min(x.amount()*2, tokens.MaxAmount)}
	for x.dice.IntN(3) == 0 {
		to := of(x, x.item(), commerce.Item{Kind: commerce.TheTreasury}, commerce.Item{Kind: commerce.APlace, ID: x.someMission()})
		o.Steer = append(o.Steer, commerce.Steer{To: to, Amount: uint64(x.dice.IntN(30))})
	}
	return o
}

// shop is selling and buying.
func (x *economy) shop() {
	coop := identity.Assembly
	switch n := x.dice.IntN(60); {
	case n < 36:
		if id, err := x.apply(x.anybody(), commerce.KindBuy, commerce.Buy{Order: x.order()}); err == nil {
			x.sales = append(x.sales, id)
		}
	case n < 42:
		if id, err := x.apply(of(x, x.keys[0], x.keys[0], x.anybody()), commerce.KindSell, commerce.Sell{Order: x.order(), Receipt: fmt.Sprint("till-", x.n), Buyer: of(x, identity.PublicKey{}, x.anybody())}); err == nil {
			x.sales = append(x.sales, id)
		}
	case n < 54 && len(x.sales) > 0:
		id := x.sales[len(x.sales)-1-x.dice.IntN(min(len(x.sales), 30))]
		p, _ := x.s.Shop.Purchases.Get(id)
		x.apply(of(x, p.By, p.By, x.anybody(), coop), commerce.KindRefund, commerce.Refund{Purchase: id, Receipt: fmt.Sprint("back-", x.n)})
	case n < 56 && x.s.Shop.Offers.Len() < 40:
		b := commerce.NewOffer{Kind: of(x, commerce.Product, commerce.Bundle, commerce.Bundle), Name: fmt.Sprint("offer-", x.n), Title: "Offer", Price: commerce.Price{Amount: uint64(x.dice.IntN(99)), Open: x.dice.IntN(2) == 0}}
		for len(b.Portions) == 0 || x.dice.IntN(3) > 0 {
			b.Portions = append(b.Portions, commerce.Portion{Item: x.item(), Weight: uint64(x.dice.IntN(9))})
		}
		x.apply(coop, commerce.KindOffer, b)
	case n < 57:
		x.apply(coop, commerce.KindPrice, commerce.SetPrice{Item: x.item(), Price: commerce.Price{Amount: uint64(x.dice.IntN(99)), Open: x.dice.IntN(2) == 0}})
	case n < 58 && x.dice.IntN(8) == 0:
		x.apply(coop, commerce.KindWithdraw, commerce.Withdraw{Item: x.item()})
	case n < 59:
		t := commerce.DefaultTerms()
		x.apply(coop, commerce.KindTerms, commerce.SetTerms{Least: t.Least, Default: uint64(x.dice.IntN(300_000)), Most: t.Most, Steer: t.Steer, Window: of(x, 0, hour, day, commerce.MaxWindow+1)})
	default:
		asset := x.asset()
		x.apply(coop, commerce.KindElement, commerce.NewElement{Asset: asset, Title: "Again", Price: commerce.Price{Amount: 3}})
	}
}

// divide is about the surplus.
func (x *economy) divide() {
	coop, number := identity.Assembly, uint64(x.dice.IntN(int(x.s.Surplus.Number)+1))
	switch x.dice.IntN(5) {
	case 0:
		b := surplus.Distribute{Pool: x.amount(), Parts: []surplus.Part{{By: of(x, surplus.ByPurchases, surplus.ByContributions, surplus.Equally), Share: uint64(x.dice.IntN(600_000))}}}
		if x.dice.IntN(2) == 0 {
			b.Parts = append(b.Parts, surplus.Part{Class: of(x, "friend", "guest", ""), By: surplus.Equally, Share: uint64(x.dice.IntN(600_000))})
		}
		x.apply(coop, surplus.KindDistribute, b)
	case 1:
		x.apply(coop, surplus.KindPayout, surplus.Payout{Number: number, Share: uint64(x.dice.IntN(1_100_000))})
	default:
		by := x.anybody()
		if _, err := x.apply(by, surplus.KindClaim, surplus.Claim{Number: number}); err == nil {
			if _, err := x.apply(by, surplus.KindClaim, surplus.Claim{Number: number}); err != surplus.ErrNothing {
				x.t.Fatalf("step %d: taken twice: %v", x.n, err)
			}
		}
	}
}

// someMission is one, mostly one under way.
func (x *economy) someMission() (id event.ID) {
	n := 0
	for own := range table.All(&x.s.Missions.Own) {
		if n++; x.dice.IntN(n) == 0 {
			id = own.Mission
		}
	}
	if n == 0 || x.dice.IntN(30) == 0 {
		for last := range table.From(&x.s.Missions.Missions, sha256.Sum256(binary.BigEndian.AppendUint64(nil, x.n))) {
			return last
		}
	}
	return id
}

// sensible are cases of mission that fit its phase.
var sensible = map[missions.Phase][]int{missions.PhaseFunding: {5, 5, 5, 5, 9, 38, 39}, missions.PhaseOpen: {12, 12, 39}, missions.PhaseRevealing: {16, 16, 22}, missions.PhaseJudging: {30},
	missions.PhaseAppeal: {33, 38}, missions.PhaseAwarded: {35}, missions.PhaseProving: {37}}

// mission does something about missions.
func (x *economy) mission() {
	id, by := x.someMission(), x.anybody()
	m, _ := x.s.Missions.Missions.Get(id)
	entry := missions.Entry{}
	if len(x.entries) > 0 {
		entry = of(x, x.entries[max(0, len(x.entries)-8):]...)
		if x.dice.IntN(2) == 0 {
			for e := range table.From(&x.s.Missions.Submissions, missions.Entry{Mission: id}) {
				entry = e
				break
			}
		}
	}
	page := x.pages[entry.ID]
	n := x.dice.IntN(40)
	if fit := sensible[m.Phase]; fit != nil && x.dice.IntN(3) > 0 {
		n = of(x, fit...)
	}
	switch {
	case n < 1 || x.s.Missions.Own.Len() == 0:
		if x.s.Missions.Own.Len() < 6 {
			x.apply(of(x, by, by, identity.Assembly), missions.KindList, x.listing())
		}
	case n < 9:
		x.apply(of(x, by, by, by, identity.Assembly), missions.KindPledge, missions.MakePledge{Mission: id, Amount: x.amount()})
	case n < 10 && x.dice.IntN(4) == 0:
		x.apply(of(x, by, m.By), missions.KindCancel, missions.Cancel{Mission: id})
	case n < 15:
		x.submit(by, id)
	case n < 21:
		x.apply(of(x, by, x.author(entry), x.author(entry)), missions.KindReveal, missions.Reveal{Submission: entry, Content: page, Secret: sha256.Sum256(entry.ID[:])})
	case n < 26 && len(page.Contributors) > 0:
		x.apply(of(x, by, of(x, page.Contributors...).Member), missions.KindConsent, missions.Consent{Submission: entry, Agree: x.dice.IntN(5) > 0})
	case n < 27:
		x.apply(of(x, by, x.author(entry)), missions.KindWithdraw, missions.Withdraw{Submission: entry})
	case n < 33:
		b := missions.Judge{Mission: id, Approve: m.Candidates}
		if x.dice.IntN(4) == 0 {
			b.Approve = []event.ID{missions.NoAward}
		}
		x.apply(by, missions.KindJudge, b)
	case n < 34:
		x.apply(by, missions.KindAppeal, missions.Appeal{Mission: id, Reason: "Look again"})
	case n < 36 && len(m.Verdict.Order) > 0:
		won, _ := x.s.Missions.Submissions.Get(missions.Entry{Mission: id, ID: m.Verdict.Order[0]})
		x.apply(of(x, by, of(x, won.Content.Contributors...).Member), missions.KindProve, missions.Prove{Mission: id, Text: "Done"})
	case n < 38:
		x.apply(by, missions.KindAccept, missions.Accept{Mission: id, Accept: x.dice.IntN(4) > 0})
	case n < 39:
		x.apply(by, missions.KindForecast, missions.Foresee{Mission: id, About: of(x, missions.OnTarget, missions.OnDelivery), Chance: uint64(x.dice.IntN(101))})
	case x.dice.IntN(3) == 0:
		for range 2 {
			x.apply(x.anybody(), missions.KindFlag, missions.Flag{Mission: id, Reason: "Spam"})
		}
		for range 3 {
			x.apply(x.anybody(), missions.KindCall, missions.Call{Mission: id, Spam: x.dice.IntN(4) > 0})
		}
	}
}

func (x *economy) author(e missions.Entry) identity.PublicKey {
	sub, ok := x.s.Missions.Submissions.Get(e)
	if !ok {
		return x.anybody()
	}
	return sub.By
}

func (x *economy) submit(by identity.PublicKey, mission event.ID) {
	c := missions.Content{Title: "Work", Contributors: []missions.Contributor{{Member: by, Role: "all", Share: 2}}}
	if other := x.anybody(); other != by {
		c.Contributors = append(c.Contributors, missions.Contributor{Member: other, Role: "rest", Share: uint64(x.dice.IntN(9) + 1)})
	}
	id := event.ID{}
	binary.BigEndian.PutUint64(id[:], (x.n+1)*0x9e3779b97f4a7c15) // the id of the event that follows
	if got, err := x.apply(by, missions.KindSubmit, missions.Submit{Mission: mission, Commitment: c.Commitment(mission, by, sha256.Sum256(id[:]))}); err == nil {
		x.pages[got] = c
		x.entries = append(x.entries, missions.Entry{Mission: mission, ID: got})
	}
}

func (x *economy) listing() missions.Listing {
	l := missions.Listing{Title: "Need", Funding: missions.KeepWhatCame, Prizes: []uint64{uint64(x.dice.IntN(90) + 10)}, Match: missions.Match{Kind: missions.MatchNone},
		Token: missions.Token{Name: fmt.Sprint("won-", x.n), Rule: tokens.RuleMembers, Units: uint64(x.dice.IntN(50) + 1), Treasury: uint64(x.dice.IntN(3)), Backers: uint64(x.dice.IntN(40))}, Price: 5,
		Judges: of(x, missions.ByBackers, missions.ByMembers, missions.ByJury), Method: missions.Approve, Seats: uint64(x.dice.IntN(4) + 1), Appeals: uint64(x.dice.IntN(2)),
		Periods: missions.Periods{Funding: hour, Open: hour, Reveal: hour, Judging: hour}}
	switch x.dice.IntN(3) {
	case 0:
		l.Prizes = append(l.Prizes, 10, 3)
	case 1:
		l.Milestones = []missions.Milestone{{Name: "Half", Share: 3, Within: 6 * hour}, {Name: "All", Share: 4, Within: 6 * hour}}
	}
	if x.dice.IntN(2) == 0 {
		l.Funding, l.Target = missions.AllOrNothing, uint64(x.dice.IntN(300)+113)
	}
	if l.Appeals > 0 {
		l.Periods.Appeal = hour
	}
	switch x.dice.IntN(4) {
	case 0:
		l.Match = missions.Match{Kind: missions.MatchLinear, Num: 1, Den: uint64(x.dice.IntN(5) + 1), Cap: 200}
	case 1:
		l.Match = missions.Match{Kind: missions.MatchQuadratic, Cap: 300}
	}
	return l
}
