package surplus

import "github.com/sustainy/coop/table"

// Tables lists all tables of the surplus, in the order in which they are written, by their names there.
func (s *State) Tables() []table.Named {
	return []table.Named{
		{Name: "surplus.bought", Rows: &s.Bought},
		{Name: "surplus.makers", Rows: &s.Makers},
		{Name: "surplus.counted", Rows: &s.Counted},
		{Name: "surplus.distributions", Rows: &s.Distributions},
		{Name: "surplus.allotments", Rows: &s.Allotments},
		{Name: "surplus.capital", Rows: &s.Capital},
	}
}
