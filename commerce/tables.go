package commerce

import "github.com/sustainy/coop/table"

// Tables lists all tables of the shop, in the order in which they are written, by their names there.
func (s *State) Tables() []table.Named {
	return []table.Named{
		{Name: "shop.elements", Rows: &s.Elements},
		{Name: "shop.offers", Rows: &s.Offers},
		{Name: "shop.names", Rows: &s.Names},
		{Name: "shop.purchases", Rows: &s.Purchases},
		{Name: "shop.agenda", Rows: &s.Agenda},
		{Name: "shop.trade", Rows: &s.Trade},
		{Name: "shop.past", Rows: &s.Past},
		{Name: "shop.bought", Rows: &s.Bought},
	}
}
