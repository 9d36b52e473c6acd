package commerce

import "github.com/sustainy/coop/table"

// Tables lists all tables of the shop, in the order in which they are written, by their names there.
func (s *State) Tables() []table.Named {
	return []table.Named{
		{Name: "shop.elements", Rows: table.RowsOf(&s.Elements)},
		{Name: "shop.offers", Rows: table.RowsOf(&s.Offers)},
		{Name: "shop.names", Rows: table.RowsOf(&s.Names)},
		{Name: "shop.purchases", Rows: table.RowsOf(&s.Purchases)},
		{Name: "shop.agenda", Rows: table.RowsOf(&s.Agenda)},
		{Name: "shop.trade", Rows: table.RowsOf(&s.Trade)},
		{Name: "shop.past", Rows: table.RowsOf(&s.Past)},
		{Name: "shop.bought", Rows: table.RowsOf(&s.Bought)},
	}
}
