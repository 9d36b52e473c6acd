package tokens

import "github.com/sustainy/coop/table"

// Tables lists all tables of the ledger, in the order in which they are written, by their names there.
func (s *State) Tables() []table.Named {
	return []table.Named{
		{Name: "ledger.money", Rows: &s.Money},
		{Name: "ledger.holdings", Rows: &s.Holdings},
		{Name: "ledger.tokens", Rows: &s.Tokens},
		{Name: "ledger.names", Rows: &s.Names},
		{Name: "ledger.cashiers", Rows: &s.Cashiers},
		{Name: "ledger.receipts", Rows: &s.Receipts},
		{Name: "ledger.overdrafts", Rows: &s.Overdrafts},
		{Name: "ledger.waiting", Rows: &s.Waiting},
		{Name: "ledger.orders", Rows: &s.Orders},
		{Name: "ledger.book", Rows: &s.Book},
		{Name: "ledger.owned", Rows: &s.Owned},
		{Name: "ledger.agenda", Rows: &s.Agenda},
		{Name: "ledger.fresh", Rows: &s.Fresh},
		{Name: "ledger.prices", Rows: &s.Prices},
		{Name: "ledger.splits", Rows: &s.Splits},
		{Name: "ledger.streams", Rows: &s.Streams},
	}
}
