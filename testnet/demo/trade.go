package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/sustainy/coop/archive"
	"github.com/sustainy/coop/commerce"
	"github.com/sustainy/coop/coop"
	"github.com/sustainy/coop/daemon"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/missions"
	"github.com/sustainy/coop/surplus"
	"github.com/sustainy/coop/tokens"
)

const day = event.Time(24 * 60 * 60 * 1000)

// must writes a draft of the story's own making.
func must(kind event.Kind, body any) event.Draft {
	d, err := event.NewDraft(kind, body)
	if err != nil {
		panic("demo: invariant: the story can be written: " + err.Error())
	}
	return d
}

func sorted(ids ...event.ID) []event.ID {
	slices.SortFunc(ids, event.ID.Compare)
	return ids
}

// terms of sale: a tenth for the treasury, between a twentieth and three tenths if the buyer wishes, half
// to be steered, and a day to give things back.
func terms() event.Draft {
	return must(commerce.KindTerms, commerce.SetTerms{Least: 50_000, Default: 100_000, Most: 300_000, Steer: 500_000, Window: day})
}

// theWorks are the three missions: one that the members judge and the treasury matches in proportion, one
// that its backers put in order and that keeps whatever comes, one for a jury with a quadratic match.
func theWorks() []*work {
	hour := event.Time(phaseLasts.Milliseconds())
	periods := missions.Periods{Funding: hour, Open: hour, Reveal: hour, Judging: hour}
	token := func(name string) missions.Token {
		return missions.Token{Name: name, Rule: tokens.RuleFree, Units: 800, Treasury: 100, Backers: 100}
	}
	heating := missions.Listing{Funding: missions.AllOrNothing, Target: 30_000, Prizes: []uint64{20_000, 10_000},
		Match: missions.Match{Kind: missions.MatchLinear, Num: 1, Den: 2, Cap: 12_000}, Token: token("heating"), Price: 300, AtLeast: true,
		Judges: missions.ByMembers, Method: missions.Approve, Appeals: 3, Periods: periods}
	heating.Periods.Appeal = hour
	laundry := missions.Listing{Funding: missions.KeepWhatCame, Prizes: []uint64{3, 1}, Match: missions.Match{Kind: missions.MatchNone},
		Token: token("laundry"), Price: 200, Judges: missions.ByBackers, Method: missions.Rank, Periods: periods}
	bicycles := missions.Listing{Funding: missions.AllOrNothing, Target: 24_000, Prizes: []uint64{24_000},
		Match: missions.Match{Kind: missions.MatchQuadratic, Cap: 10_000}, Token: token("bicycles"), Price: 400,
		Judges: missions.ByJury, Seats: 5, Method: missions.Approve, Periods: periods}
	return []*work{
		{name: "heating", entries: [2][]int{{0, 1, 2}, {3}}, listing: heating},
		{name: "laundry", entries: [2][]int{{4, 5}, {6}}, listing: laundry},
		{name: "bicycles", entries: [2][]int{{7, 8, 9}, {10}}, listing: bicycles},
	}
}

// unanswered is a mission that buyers steer money to and that nobody enters: all of it goes back.
func unanswered(n uint64) missions.Listing {
	week := 7 * day
	return missions.Listing{Number: n, Title: "A workshop on the first Saturday", Brief: "Who mends what with whom, once a month, in the cellar.",
		Criteria: "It can begin this year.", Funding: missions.KeepWhatCame, Prizes: []uint64{1}, Match: missions.Match{Kind: missions.MatchNone},
		Token: missions.Token{Name: "workshop", Rule: tokens.RuleFree, Units: 10}, Price: 100,
		Judges: missions.ByMembers, Method: missions.Approve, Periods: missions.Periods{Funding: week, Open: day, Reveal: day, Judging: day}}
}

func (t *tale) asset(i int) tokens.Asset {
	return tokens.NewAsset(t.listing, tokens.MaxAmount+1+uint64(i))
}

// offer decides on a product of two of the works, and on a bundle of that and the third.
func (t *tale) offer(ctx context.Context) error {
	product := commerce.NewOffer{Number: 1, Kind: commerce.Product, Name: "house-guide", Title: "The guide for the house",
		Portions: []commerce.Portion{{Item: commerce.ElementOf(t.asset(0)), Weight: 2}, {Item: commerce.ElementOf(t.asset(1)), Weight: 1}}, Price: commerce.Price{Amount: 500}}
	decide := func(id event.ID) commerce.NewOffer {
		return commerce.NewOffer{Number: 2, Kind: commerce.Bundle, Name: "good-house", Title: "Everything for a good house",
			Portions: []commerce.Portion{{Item: commerce.OfferOf(id), Weight: 3}, {Item: commerce.ElementOf(t.asset(2)), Weight: 2}}, Price: commerce.Price{Amount: 800, Open: true}}
	}
	id, err := t.decide(ctx, "A guide for the house", t.people, must(commerce.KindOffer, product))
	if err != nil {
		return err
	}
	t.product = commerce.NewOfferID(id, 1)
	if id, err = t.decide(ctx, "Everything in one bundle", t.people, must(commerce.KindOffer, decide(t.product))); err != nil {
		return err
	}
	t.bundle = commerce.NewOfferID(id, 2)
	t.Say("the work is for sale: two elements in a product, that and the third in a bundle")
	return nil
}

// sliders are how the n-th buyer steers what they pay.
func (t *tale) sliders(n int, pay uint64) []commerce.Steer {
	part := func(percent uint64) uint64 { return pay * percent / 100 }
	switch n % 6 {
	case 1:
		return []commerce.Steer{{To: commerce.ElementOf(t.asset(2)), Amount: part(30)}}
	case 2:
		return []commerce.Steer{{To: commerce.Item{Kind: commerce.TheTreasury}, Amount: part(20)}, {To: commerce.OfferOf(t.product), Amount: part(10)}}
	case 3:
		return []commerce.Steer{{To: commerce.Item{Kind: commerce.APlace, ID: t.later}, Amount: part(25)}}
	case 4:
		return []commerce.Steer{{To: commerce.ElementOf(t.asset(0)), Amount: part(50)}}
	case 5:
		return []commerce.Steer{{To: commerce.Item{Kind: commerce.TheTreasury}, Amount: part(6)}, {To: commerce.ElementOf(t.asset(1)), Amount: 1}}
	}
	return nil
}

func (t *tale) order(n int) commerce.Order {
	pay := uint64(800 + 7*n)
	return commerce.Order{Item: commerce.OfferOf(t.bundle), Count: 1, Pay: pay, Steer: t.sliders(n, pay)}
}

// buy sells the bundle to everybody; two change their minds while they can.
func (t *tale) buy(ctx context.Context) error {
	for i := range customers {
		id, err := t.says(t.customer(i), commerce.KindBuy, commerce.Buy{Order: t.order(i)}, t.listing)
		if err != nil {
			return err
		}
		t.bought = append(t.bought, id)
	}
	if err := t.hand(ctx); err != nil {
		return err
	}
	for i := range outsiders {
		sale := commerce.Sell{Order: t.order(customers + i), Receipt: fmt.Sprint("till ", i)}
		id, err := t.submit(ctx, t.treasurer(), commerce.KindSell, sale)
		if err != nil {
			return fmt.Errorf("the cashier cannot sell: %w", err)
		}
		t.bought = append(t.bought, id)
	}
	for i := range 2 {
		if _, err := t.says(t.customer(i), commerce.KindRefund, commerce.Refund{Purchase: t.bought[i], Memo: "I have it already."}, t.bought[i]); err != nil {
			return err
		}
	}
	if err := t.hand(ctx); err != nil {
		return err
	}
	t.Say("%d bundles are sold, with %d different ways to steer the money; 2 are given back", customers+outsiders, 6)
	return t.pass(ctx, 25*time.Hour) // they can be given back for a day
}

// earn claims what the sales brought, and trades units.
func (t *tale) earn(ctx context.Context) error {
	claims := 0
	for i, w := range t.works {
		for k, m := range w.entries[0] {
			if i == 0 && k == len(w.entries[0])-1 {
				continue // did not consent, and has no part
			}
			if _, err := t.says(t.maker(m), tokens.KindClaim, tokens.Claim{Asset: t.asset(i)}); err != nil {
				return err
			}
			claims++
		}
	}
	until := t.now() + day
	sell := tokens.PlaceOrder{Side: tokens.Sell, Asset: t.asset(0), Units: 120, Price: 15, Until: until}
	if _, err := t.says(t.maker(0), tokens.KindOrder, sell); err != nil {
		return err
	}
	for i := range 10 {
		order := tokens.PlaceOrder{Side: tokens.Buy, Asset: t.asset(0), Units: 20, Price: uint64(10 + i), Until: until}
		if _, err := t.says(t.customer(20+i), tokens.KindOrder, order); err != nil {
			return err
		}
	}
	if err := t.hand(ctx); err != nil {
		return err
	}
	t.Say("%d makers claim what their work earned, and one sells units to customers on the market", claims)
	if err := t.pass(ctx, 7*24*time.Hour); err != nil { // orders end, and so does the funding of the last mission
		return err
	}
	return t.pass(ctx, 25*time.Hour) // in which nobody enters it
}

// share divides what the sales brought the treasury: customers by what they bought, makers by what their work
// earned, a part for everybody alike, a fifth kept as reserve. Half of it is paid out, and taken.
func (t *tale) share(ctx context.Context) error {
	var before coop.SurplusView
	path := daemon.Path("coops", t.net.Coop.String(), "surplus")
	if err := t.net.Nodes[2].Client().Get(ctx, path, &before); err != nil {
		return err
	}
	divide := surplus.Distribute{Pool: before.Left, Parts: []surplus.Part{
		{Class: "customer", By: surplus.ByPurchases, Share: 400_000},
		{Class: "producer", By: surplus.ByContributions, Share: 300_000},
		{By: surplus.Equally, Share: 100_000},
	}}
	if _, err := t.decide(ctx, "What the first sales brought", t.people, must(surplus.KindDistribute, divide)); err != nil {
		return err
	}
	if _, err := t.decide(ctx, "Half of it paid out", t.people, must(surplus.KindPayout, surplus.Payout{Share: surplus.Whole / 2})); err != nil {
		return err
	}
	var after coop.DistributionView
	if err := t.net.Nodes[2].Client().Get(ctx, path+"/0", &after); err != nil {
		return err
	}
	taken := 0
	for _, a := range after.Allotments {
		for _, p := range t.people {
			if p.id() == a.Key && a.Due > 0 {
				if _, err := t.says(p, surplus.KindClaim, surplus.Claim{}); err != nil {
					return err
				}
				taken++
			}
		}
	}
	if err := t.hand(ctx); err != nil {
		return err
	}
	t.Say("%s of surplus is divided among %d members, half of it paid out, and %d took theirs", before.Currency.Format(before.Left), len(after.Allotments), taken)
	if before.Left == 0 || taken == 0 {
		return errors.New("there was no surplus to share")
	}
	return nil
}

// close compares the peers, exports, and goes through the books of the export.
func (t *tale) close(ctx context.Context) (*StoryReport, error) {
	if err := t.settled(ctx); err != nil {
		return nil, err
	}
	report := &StoryReport{Missions: []StoryMission{}}
	var first json.RawMessage
	for i := range t.net.Nodes {
		node := &t.net.Nodes[i]
		s, err := t.net.Status(ctx, node)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", node.Name, err)
		}
		var ledger json.RawMessage
		if err := node.Client().Get(ctx, daemon.Path("coops", t.net.Coop.String(), "ledger"), &ledger); err != nil {
			return nil, fmt.Errorf("%s: %w", node.Name, err)
		}
		report.Peers = append(report.Peers, StoryPeer{node.Name, s.Root})
		report.Events = max(report.Events, s.Events)
		if i == 0 {
			first = ledger
		}
		if s.Root != report.Peers[0].Root || !bytes.Equal(first, ledger) {
			report.Differences = append(report.Differences, fmt.Sprintf("%s and %s have different ledgers", report.Peers[0].Name, node.Name))
		}
	}
	if err := t.recall(ctx, report); err != nil {
		return nil, err
	}
	if err := t.export(ctx); errors.Is(err, errUnverified) {
		report.Differences = append(report.Differences, err.Error())
	} else if err != nil {
		return nil, err
	}
	file, err := os.Open(filepath.Join(t.Dir, exportName))
	if err != nil {
		return nil, fmt.Errorf("cannot read the export: %w", err)
	}
	defer file.Close()
	verified, err := archive.Verify(file, nil)
	if err != nil {
		return nil, fmt.Errorf("the export does not hold: %w", err)
	}
	report.Books = verified.Books
	if n := report.Books.Receipts; n != customers+outsiders {
		report.Differences = append(report.Differences, fmt.Sprintf("there are %d receipts of %d purchases", n, customers+outsiders))
	}
	if verified.Root != report.Peers[0].Root {
		report.Differences = append(report.Differences, "the export leads to another state")
	}
	report.Equal = len(report.Differences) == 0
	return report, nil
}

// recall tells what became of the missions, as a peer sees it.
func (t *tale) recall(ctx context.Context, report *StoryReport) error {
	client := t.net.Nodes[1].Client()
	path := func(parts ...string) string {
		return daemon.Path(append([]string{"coops", t.net.Coop.String()}, parts...)...)
	}
	ids := []event.ID{t.works[0].id, t.works[1].id, t.works[2].id, t.later}
	for i, id := range ids {
		var v coop.MissionView
		if err := client.Get(ctx, path("missions", id.String()), &v); err != nil {
			return err
		}
		m := StoryMission{Title: v.Title, Phase: string(v.Phase), Raised: v.Raised, Paid: v.Paid}
		for _, x := range v.Submissions {
			if x.Place == 1 {
				m.Winner = x.Title
			}
		}
		report.Currency = v.Currency
		report.Missions = append(report.Missions, m)
		if i == len(t.works) {
			if v.Phase != missions.PhaseRefunded || v.Escrow != 0 {
				report.Differences = append(report.Differences, fmt.Sprintf("%q, which nobody entered, is %s", v.Title, v.Phase))
			}
			continue
		}
		var token coop.TokenView
		if err := client.Get(ctx, path("tokens", v.Asset.String()), &token); err != nil {
			return err
		}
		last := &report.Missions[len(report.Missions)-1]
		last.Earned = token.Income
		if v.Phase != missions.PhaseDelivered || m.Winner == "" || last.Earned == 0 {
			report.Differences = append(report.Differences, fmt.Sprintf("%q is %s, won by %q, and has earned %d", v.Title, v.Phase, m.Winner, last.Earned))
		}
	}
	return nil
}
