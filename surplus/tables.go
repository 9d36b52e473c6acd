package surplus

import "github.com/sustainy/coop/table"

// Tables lists all tables of the surplus, in the order in which they are written, by their names there.
func (s *State) Tables() []table.Named {
	return []table.Named{
		{Name: "surplus.bought", Rows: table.RowsOf(&s.Bought)},
		{Name: "surplus.makers", Rows: table.RowsOf(&s.Makers)},
		{Name: "surplus.counted", Rows: table.RowsOf(&s.Counted)},
		{Name: "surplus.distributions", Rows: table.RowsOf(&s.Distributions)},
		{Name: "surplus.allotments", Rows: table.RowsOf(&s.Allotments)},
		{Name: "surplus.capital", Rows: table.RowsOf(&s.Capital)},
	}
}
