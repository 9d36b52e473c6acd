package coop

import (
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/sustainy/coop/commerce"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/table"
	"github.com/sustainy/coop/tokens"
)

// bazaar is the bank's charter, whose proposals on track quick may also do everything that the shop knows.
func bazaar(c governance.Charter) governance.Charter {
	c = bank(c)
	c.Tracks[1].Actions = append(c.Tracks[1].Actions, commerce.Kinds()...)
	return c
}

// shopDraft is what a command about the shop wants to say, if it is one. Prices are in minor units; "5+" is
// a price of at least 5.
//
//	element TOKEN title= price=
func (w *world) shopDraft(c command) (event.Draft, bool) {
	object := c.word(2)
	switch c.word(1) {
	case "element":
		return w.body(commerce.KindElement, commerce.NewElement{Asset: w.asset(object), Title: c.get("title", title(object)), Price: w.price(c)}), true
	}
	return event.Draft{}, false
}

func (w *world) price(c command) commerce.Price {
	text := c.get("price", "100")
	open := text[len(text)-1] == '+'
	if open {
		text = text[:len(text)-1]
	}
	return commerce.Price{Amount: w.number(text), Open: open}
}

// shop lists what is sold.
func (w *world) shop() (out []string) {
	s := w.state()
	for _, e := range s.Shop.Elements.All() {
		out = append(out, fmt.Sprintf("element %s: %q for %s", s.tokenName(e.Asset), e.Title, s.price(e.Price)))
	}
	slices.Sort(out)
	return out
}

// stocked is a world in which every table of the shop has rows.
func stocked(t testing.TB) *world {
	w := richUnder(t, "bazaar")
	for _, c := range []string{`ann propose sell track=quick ledger="element roof;element mural price=0+"`, "bob vote sell yes", "wait 61m"} {
		w.play(c)
	}
	if w.state().Shop.Elements.Len() != 2 {
		t.Fatal("the shop is empty")
	}
	return w
}

// TestRootCoversTheShop changes every field of the shop, one at a time, and expects another root.
func TestRootCoversTheShop(t *testing.T) {
	s := stocked(t).state().Copy()
	root := Root(&s)
	checkRows(t, root, &s, func(s *State) *table.Table[tokens.Asset, commerce.Element] { return &s.Shop.Elements })
	if tables := reflect.TypeFor[commerce.State]().NumField(); tables != 1 {
		t.Errorf("the shop has %d tables, this test knows 1: add the others to Root, to Copy and here", tables)
	}
}

// TestInvariantsNoticeTheShop breaks the shop in ways that no event can and expects to be told.
func TestInvariantsNoticeTheShop(t *testing.T) {
	element := func(harm func(*commerce.Element)) func(*State, *world) {
		return func(s *State, w *world) {
			e, _ := s.Shop.Elements.Get(w.asset("roof"))
			harm(&e)
			s.Shop.Elements.Set(w.asset("roof"), e)
		}
	}
	for name, harm := range map[string]func(*State, *world){
		"an element of another token": element(func(e *commerce.Element) { e.Asset = tokens.Asset{9} }),
		"a price of nothing":          element(func(e *commerce.Element) { e.Price.Amount = 0 }),
		"an element of no token": func(s *State, w *world) {
			s.Shop.Elements.Set(tokens.Asset{9}, commerce.Element{Asset: tokens.Asset{9}})
		},
	} {
		w := stocked(t)
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
