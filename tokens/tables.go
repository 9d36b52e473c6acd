package tokens

import "github.com/sustainy/coop/table"

// Tables lists all tables of the ledger, in the order in which they are written, by their names there.
func (s *State) Tables() []table.Named {
	return []table.Named{
		{Name: "ledger.money", Rows: table.RowsOf(&s.Money)},
		{Name: "ledger.holdings", Rows: table.RowsOf(&s.Holdings)},
		{Name: "ledger.tokens", Rows: table.RowsOf(&s.Tokens)},
		{Name: "ledger.names", Rows: table.RowsOf(&s.Names)},
		{Name: "ledger.cashiers", Rows: table.RowsOf(&s.Cashiers)},
		{Name: "ledger.receipts", Rows: table.RowsOf(&s.Receipts)},
		{Name: "ledger.overdrafts", Rows: table.RowsOf(&s.Overdrafts)},
		{Name: "ledger.waiting", Rows: table.RowsOf(&s.Waiting)},
		{Name: "ledger.orders", Rows: table.RowsOf(&s.Orders)},
		{Name: "ledger.book", Rows: table.RowsOf(&s.Book)},
		{Name: "ledger.owned", Rows: table.RowsOf(&s.Owned)},
		{Name: "ledger.agenda", Rows: table.RowsOf(&s.Agenda)},
		{Name: "ledger.fresh", Rows: table.RowsOf(&s.Fresh)},
		{Name: "ledger.prices", Rows: table.RowsOf(&s.Prices)},
		{Name: "ledger.splits", Rows: table.RowsOf(&s.Splits)},
		{Name: "ledger.streams", Rows: table.RowsOf(&s.Streams)},
	}
}
