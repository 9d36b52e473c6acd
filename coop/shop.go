package coop

import (
	"fmt"
	"hash"

	"github.com/sustainy/coop/commerce"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/fold"
)

// What stands between the shop, which sells, and the other rooms.

// shopRules are the rules of the shop.
func shopRules() []fold.Rule[State] {
	return []fold.Rule[State]{
		fold.On(commerce.KindElement, shop((*commerce.State).NewElement)),
	}
}

// shop makes a rule of the shop a rule of the cooperative.
func shop[B any](rule func(*commerce.State, commerce.Act, B) error) func(*State, fold.Env, B) error {
	return func(s *State, env fold.Env, body B) error {
		act, err := s.shopAct(env)
		if err != nil {
			return err
		}
		return rule(&s.Shop, act, body)
	}
}

// shopAct is what a rule of the shop may know and use. A mission that is awarded adds its element by it,
// with the Assembly as author: s.Shop.AddElement(act, element).
func (s *State) shopAct(env fold.Env) (commerce.Act, error) {
	act, err := s.ledgerAct(env)
	return commerce.Act{Act: act, Ledger: &s.Ledger}, err
}

// shopRoot adds the shop to the root.
func shopRoot(h hash.Hash, s *commerce.State) {
	part(h, "shop", 1)
	rows(h, "shop.elements", &s.Elements)
}

// price says a price.
func (s *State) price(p commerce.Price) string {
	if p.Open {
		return "at least " + s.Hall.Currency.Format(p.Amount)
	}
	return s.Hall.Currency.Format(p.Amount)
}

// shopInWords says what an action of the shop would do.
func shopInWords(s *State, d event.Draft) (words string, ok bool) {
	switch d.Kind {
	case commerce.KindElement:
		if b, ok := read[commerce.NewElement](d); ok {
			return fmt.Sprintf("sell %q, the work behind the token %s, for %s", b.Title, s.tokenName(b.Asset), s.price(b.Price)), true
		}
	}
	return "", false
}
