package coop

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/table"
	"github.com/sustainy/coop/tokens"
)

// bank lets proposals on track quick do everything that the ledger knows.
func bank(c governance.Charter) governance.Charter {
	c.Tracks[1].Actions = append(c.Tracks[1].Actions, tokens.Kinds()...)
	return c
}

// ledgerDraft is what a command about money and tokens wants to say, if it is one. The treasury is a
// member called nobody; an amount is in minor units; a token is known by its name.
//
//	transfer WHO AMOUNT of=TOKEN memo=       issue WHO AMOUNT for=RECEIPT memo=     redeem AMOUNT for=RECEIPT
//	pay TOKEN AMOUNT memo=                   claim TOKEN
//	order buy|sell UNITS of=TOKEN at=PRICE until=1d                                 cancel WHOSE N
//	cashier WHO cap= period=1d               overdraft CLASS LIMIT
//	create TOKEN to=ann:60,bob:40 rule=members first=yes number=0                   rule TOKEN RULE first=yes
//	approve WHOSE N
func (w *world) ledgerDraft(c command) (event.Draft, bool) {
	object := c.word(2)
	amount := func(n int) uint64 { return w.number(c.word(n)) }
	switch c.word(1) {
	case "transfer":
		return w.body(tokens.KindTransfer, tokens.Transfer{Asset: w.asset(c.get("of", "")), To: publicOf(object), Amount: amount(3), Memo: c.get("memo", "")}), true
	case "issue":
		return w.body(tokens.KindIssue, tokens.IssueMoney{To: publicOf(object), Amount: amount(3), Receipt: c.get("for", ""), Memo: c.get("memo", "")}), true
	case "redeem":
		return w.body(tokens.KindRedeem, tokens.RedeemMoney{Amount: amount(2), Receipt: c.get("for", ""), Memo: c.get("memo", "")}), true
	case "pay":
		return w.body(tokens.KindPay, tokens.Pay{Asset: w.asset(object), Amount: amount(3), Memo: c.get("memo", "")}), true
	case "claim":
		return w.body(tokens.KindClaim, tokens.Claim{Asset: w.asset(object)}), true
	case "order":
		return w.body(tokens.KindOrder, tokens.PlaceOrder{Side: tokens.Side(object), Units: amount(3), Asset: w.asset(c.get("of", "")),
			Price: w.number(c.get("at", "0")), Until: w.now + w.span(c.get("until", "1d"))}), true
	case "cancel":
		return w.body(tokens.KindCancel, tokens.Cancel{ID: w.said(object, c.word(3))}), true
	case "approve":
		return w.body(tokens.KindApprove, tokens.Approve{Transfer: w.said(object, c.word(3))}), true
	case "cashier":
		return w.body(tokens.KindAppoint, tokens.Appoint{Member: publicOf(object), Cap: w.number(c.get("cap", "0")), Period: w.span(c.get("period", "1d"))}), true
	case "overdraft":
		return w.body(tokens.KindCredit, tokens.Credit{Class: object, Limit: amount(3)}), true
	case "create":
		return w.body(tokens.KindCreate, w.creation(object, c)), true
	case "rule":
		return w.body(tokens.KindRule, tokens.ChangeRule{Asset: w.asset(object), Rule: tokens.Rule(c.word(3)), Refusal: c.get("first", "") == "yes"}), true
	}
	return w.shopDraft(c)
}

func (w *world) creation(name string, c command) tokens.Create {
	b := tokens.Create{Name: name, Number: w.number(c.get("number", "0")), Rule: tokens.Rule(c.get("rule", "members")), Refusal: c.get("first", "") == "yes"}
	for _, text := range c.list("to") {
		who, units, _ := strings.Cut(text, ":")
		b.Shares = append(b.Shares, tokens.Share{To: publicOf(who), Amount: w.number(units)})
	}
	return b
}

// asset is the token of a name, the currency for no name, and something unknown for any other.
func (w *world) asset(name string) tokens.Asset {
	if name == "" {
		return tokens.Currency
	}
	if asset, ok := w.state().Ledger.Names.Get(table.Text(name)); ok {
		return asset
	}
	return tokens.Asset{9}
}

// said is the id of somebody's open order or waiting transfer, the n-th from 0; of a proposal, its id.
func (w *world) said(who, n string) event.ID {
	if id, ok := w.proposals[who]; ok {
		return id
	}
	if w.strands[who] == nil {
		return event.ID{9}
	}
	var open []event.ID
	for _, e := range w.strands[who].events {
		if l := &w.state().Ledger; l.Orders.Has(e.ID) || l.Waiting.Has(e.ID) {
			open = append(open, e.ID)
		}
	}
	i := 0
	if n != "" {
		i = int(w.number(n))
	}
	if i >= len(open) {
		return event.ID{9}
	}
	return open[i]
}

// ledger lists every account with something in it.
func (w *world) ledger() (out []string) {
	s := w.state()
	for place, b := range s.Ledger.All() {
		account := place.Account
		who := string(account.Kind)
		switch account.Kind {
		case tokens.OfMember:
			who = s.whom(account.Key())
		case tokens.OfIncome:
			who = "income of " + s.tokenName(account.ID)
		}
		var line string
		switch {
		case b.Owes > 0:
			line = fmt.Sprintf("%s: owes %s", who, Quantity(s, place.Asset, b.Owes))
		default:
			line = fmt.Sprintf("%s: %s", who, Quantity(s, place.Asset, b.Has))
		}
		if due := s.Ledger.Claimable(account, place.Asset); due > 0 {
			line += ", can claim " + s.Hall.Currency.Format(due)
		}
		out = append(out, line)
	}
	slices.Sort(out)
	return out
}

// marketOf lists a token's orders and prices.
func (w *world) marketOf(name string) (out []string) {
	s := w.state()
	asset := w.asset(name)
	for rank := range table.All(&s.Ledger.Book) {
		if o, _ := s.Ledger.Orders.Get(rank.ID); rank.Asset == asset {
			out = append(out, fmt.Sprintf("%s %ss %d of %d at %d", s.whom(o.Owner.Key()), o.Side, o.Left, o.Units, o.Price))
		}
	}
	for tick, p := range table.All(&s.Ledger.Prices) {
		if tick.Asset == asset {
			out = append(out, fmt.Sprintf("batch %d: %d units at %d", tick.N, p.Units, p.Price))
		}
	}
	return out
}

// makeUpMoney makes up something that somebody might do with money or tokens. Orders have a test of their
// own (package tokens): what they do depends on the commits, which these stories merge.
func makeUpMoney(dice *rand.Rand, who string) string {
	pick := func(from ...string) string { return from[dice.IntN(len(from))] }
	other := pick("ann", "bob", "cleo", "dan", "gus", "nobody", "stranger")
	return who + " " + pick("transfer "+other+" "+pick("0", "1", "7", "50", "9007199254740991"), "transfer "+other+" 1 of="+pick("roof", "song", "mural"),
		"transfer "+other+" 1 of=mural", "pay "+pick("roof", "song", "mural")+" "+pick("1", "10"), "claim "+pick("roof", "song", "mural"),
		"cancel "+pick("ann", "bob", "cleo"), "issue "+other+" "+pick("5", "80")+" for="+pick("a", "b", "c"), "redeem 3 for="+pick("d", "e"))
}

// makeUpDecision makes up what the members might decide about them.
func makeUpDecision(dice *rand.Rand, n int) string {
	pick := func(from ...string) string { return from[dice.IntN(len(from))] }
	return `ledger="` + pick(fmt.Sprintf("issue ann 500 for=x%d;issue nobody 90 for=y%d;create roof to=ann:3,bob:4;create mural to=ann:7 number=1 rule=coop-approval", n, n),
		"create song to=cleo:10 rule=free", "overdraft friend 20;cashier bob cap=90", "overdraft friend 0", "approve "+pick("ann", "bob")+";transfer cleo 5",
		"transfer bob 10;claim roof", "cashier bob", "cancel ann") + `"`
}

// rich is a world in which every table of the ledger has rows.
func rich(t testing.TB) *world { return richUnder(t, "bank") }

func richUnder(t testing.TB, charter string) *world {
	w := newWorld(t)
	for _, c := range []string{"found elm by=ann,bob charter=" + charter,
		`ann propose make track=quick ledger="create roof to=ann:30,bob:40;create mural to=bob:9 number=1 rule=coop-approval;issue bob 5000 for=r1;cashier bob cap=9;overdraft friend 10"`,
		"bob vote make yes", "wait 61m", "bob issue ann 5 for=r2", "ann order sell 10 of=roof at=5", "bob order buy 4 of=roof at=6", "bob transfer ann 2 of=mural", "bob pay roof 100"} {
		if said := w.play(c); strings.HasPrefix(said0(said), "refused") {
			t.Fatalf("%s: %v", c, said)
		}
	}
	return w
}

func said0(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	return lines[0]
}

// TestRootCoversTheLedger changes every field of the ledger, one at a time, and expects another root.
func TestRootCoversTheLedger(t *testing.T) {
	w := rich(t)
	s := w.state().Copy()
	s.Ledger.Fresh.Set(w.asset("roof"), struct{}{})  // as inside a commit
	s.Ledger.Splits.Set(event.ID{1}, tokens.Split{}) // which are where something is sold
	s.Ledger.Streams.Set(tokens.Stream{}, tokens.Flow{})
	checkRoom(t, &s, "ledger")
}

// TestInvariantsNoticeMoney breaks the ledger in ways that no event can and expects to be told.
func TestInvariantsNoticeMoney(t *testing.T) {
	balance := func(asset, account string, harm func(*tokens.Balance)) func(*State, *world) {
		return func(s *State, w *world) {
			place := tokens.Place{Asset: w.asset(asset), Account: tokens.Member(publicOf(account))}
			if account == "issue" {
				place.Account = tokens.Issue
			}
			b := s.Ledger.Balance(place.Asset, place.Account)
			harm(&b)
			if place.Asset == tokens.Currency {
				s.Ledger.Money.Set(place.Account, b)
			} else {
				s.Ledger.Holdings.Set(place, b)
			}
		}
	}
	token := func(harm func(*tokens.Token)) func(*State, *world) {
		return func(s *State, w *world) {
			t, _ := s.Ledger.Tokens.Get(w.asset("roof"))
			harm(&t)
			s.Ledger.Tokens.Set(w.asset("roof"), t)
		}
	}
	order := func(harm func(*tokens.Order)) func(*State, *world) {
		return func(s *State, w *world) {
			for id, o := range table.All(&s.Ledger.Orders) {
				harm(&o)
				s.Ledger.Orders.Set(id, o)
			}
		}
	}
	for name, harm := range map[string]func(*State, *world){
		"money from nowhere":  balance("", "ann", func(b *tokens.Balance) { b.Has++ }),
		"a treasury in debt":  balance("", "nobody", func(b *tokens.Balance) { b.Owes = 5 }),
		"money made and owed": balance("", "ann", func(b *tokens.Balance) { b.Has, b.Owes = b.Has+5, 5 }),
		"a debt above any limit": func(s *State, w *world) {
			balance("", "ann", func(b *tokens.Balance) { b.Has, b.Owes = 0, 11 })(s, w)
			s.Ledger.Owed = 11
		},
		"a unit more":             balance("roof", "ann", func(b *tokens.Balance) { b.Has++ }),
		"a cent of income":        balance("roof", "ann", func(b *tokens.Balance) { b.Due++ }),
		"a seventieth of a cent":  balance("roof", "bob", func(b *tokens.Balance) { b.Rest++ }),
		"another supply":          token(func(t *tokens.Token) { t.Supply++ }),
		"income that never came":  token(func(t *tokens.Token) { t.Income++ }),
		"income claimed by none":  token(func(t *tokens.Token) { t.Claimed++ }),
		"a rule that is none":     token(func(t *tokens.Token) { t.Rule = "mine" }),
		"another name":            token(func(t *tokens.Token) { t.Name = "tower" }),
		"an order grown":          order(func(o *tokens.Order) { o.Left++ }),
		"an order at other price": order(func(o *tokens.Order) { o.Price++ }),
		"an order past its end":   order(func(o *tokens.Order) { o.Until = 1 }),
		"no agenda":               func(s *State, w *world) { s.Ledger.Agenda = table.Table[tokens.Due, struct{}]{} },
		"no receipts":             func(s *State, w *world) { s.Ledger.Receipts = table.Table[table.Text, tokens.Receipt]{} },
		"a forgotten transfer":    func(s *State, w *world) { s.Ledger.Waiting = table.Table[event.ID, tokens.Waiting]{} },
		"a price of no batch": func(s *State, w *world) {
			s.Ledger.Prices.Set(tokens.Tick{Asset: w.asset("roof"), N: 7}, tokens.Price{})
		},
		"a greedy cashier": func(s *State, w *world) {
			c, _ := s.Ledger.Cashiers.Get(publicOf("bob"))
			c.Issued = c.Cap + 1
			s.Ledger.Cashiers.Set(publicOf("bob"), c)
		},
		"a crossed book": func(s *State, w *world) {
			s.Ledger.Fresh.Delete(w.asset("roof"))
			s.Ledger.Book.Set(tokens.Rank{Asset: w.asset("roof"), Side: tokens.Buy, Price: 99}, struct{}{})
		},
	} {
		w := rich(t)
		s := w.state().Copy()
		if broken := Invariants(&s); broken != nil {
			t.Fatal(broken)
		}
		harm(&s, w)
		if Invariants(&s) == nil {
			t.Errorf("%s: nothing was noticed", name)
		}
	}
}

// TestStatement: the statements of all add up to what everybody has, and tell what happened.
func TestStatement(t *testing.T) {
	w := rich(t)
	for _, c := range []string{`bob transfer ann 7 memo="=1+1"`, "ann claim roof", "bob redeem 5 for=r3", "wait 31d", "ann propose gift track=quick ledger=\"transfer bob 1\"",
		"ann transfer nobody 9", "bob vote gift yes", "wait 61m"} {
		w.play(c)
	}
	for _, who := range []string{"ann", "bob", "nobody"} {
		genesis, err := Genesis(w.genesis)
		if err != nil {
			t.Fatal(err)
		}
		teller := NewTeller(genesis, publicOf(who))
		for i, c := range w.commits {
			teller.Commit(uint64(i), anchorOf(i), c.at, c.order)
		}
		if Root(&teller.state) != Root(w.state()) {
			t.Fatal("the teller came to another state")
		}
		var in, out [2]uint64 // of the currency, of roof
		for _, e := range teller.Entries {
			i := map[string]int{"EUR": 0, "roof": 1, "mural": 1}[e.Name]
			if e.Name != "mural" {
				in[i], out[i] = in[i]+e.In, out[i]+e.Out
			}
		}
		for i, name := range []string{"", "roof"} {
			if b := w.state().Ledger.Of(tokens.Member(publicOf(who)), w.asset(name)); in[i]-out[i] != b.Has-b.Owes {
				t.Errorf("%s: %d in, %d out of %q, and %v in the end", who, in[i], out[i], name, b)
			}
		}
		if who == "ann" {
			var text strings.Builder
			if err := StatementCSV(&text, w.state().Hall.Currency, teller.Entries); err != nil {
				t.Fatal(err)
			}
			golden(t, "testdata/statement.csv", text.String())
		}
	}
}

// golden compares with a file, or rewrites it with -update.
func golden(t *testing.T, file, got string) {
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil || string(want) != got {
		t.Errorf("%s: %v\n%s", file, err, firstDifference(string(want), got))
	}
}

// TestMoneyDeps: what is spent links what brought it, what is done to a thing links the thing.
func TestMoneyDeps(t *testing.T) {
	w := rich(t)
	s := w.state()
	bought := w.strands["bob"].events[len(w.strands["bob"].events)-1] // paid income
	made, sell := w.proposals["make"], w.said("ann", "")
	for command, want := range map[string][]event.ID{
		"ann transfer bob 5":                 {s.application(publicOf("bob"))[0], w.strands["bob"].events[1].ID},
		"ann transfer nobody 5":              {w.strands["bob"].events[1].ID},
		"ann transfer nobody 5 of=roof":      {made, made},
		"ann order sell 1 of=roof at=9":      {made, made},
		"bob order buy 1 of=roof at=2":       {made, made},
		"ann cancel ann":                     {sell},
		"ann claim roof":                     {bought.ID, made},
		"bob redeem 5 for=x":                 {made},
		"mallory pay roof 5":                 {made},
		"bob issue ann 5 for=x":              s.application(publicOf("ann")),
		"ann send tokens.transfer":           nil,
		"ann transfer stranger 5 of=unheard": nil,
	} {
		c := parse(t, command)
		d := w.draft(c.word(0), c)
		if got := append(Deps(s, d), Sources(s, publicOf(c.word(0)), d)...); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", command, got, want)
		}
	}
}

// ledgerViews are all views of a ledger.
func ledgerViews(t *testing.T) []any {
	w := rich(t)
	s := w.state()
	token, ok := Token(s, w.asset("roof"))
	book, there := Book(s, w.asset("roof"))
	if !ok || !there || token.Price != 5 || len(token.Holders) != 3 || len(book.Orders) != 1 || len(book.Prices) != 1 {
		t.Errorf("%+v\n%+v", token, book)
	}
	mural, _ := Book(s, w.asset("mural"))
	if len(mural.Waiting) != 1 || mural.Waiting[0].To != "Ann" {
		t.Errorf("%+v", mural)
	}
	if _, ok := Token(s, w.asset("tower")); ok {
		t.Error("a token out of nothing")
	}
	return []any{Ledger(s), Tokens(s), token, book, mural}
}
