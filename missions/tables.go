package missions

import "github.com/sustainy/coop/table"

// Tables lists all tables of the missions, in the order in which they are written, by their names there.
func (s *State) Tables() []table.Named {
	return []table.Named{
		{Name: "missions.missions", Rows: table.RowsOf(&s.Missions)},
		{Name: "missions.agenda", Rows: table.RowsOf(&s.Agenda)},
		{Name: "missions.paying", Rows: table.RowsOf(&s.Paying)},
		{Name: "missions.own", Rows: table.RowsOf(&s.Own)},
		{Name: "missions.reserved", Rows: table.RowsOf(&s.Reserved)},
		{Name: "missions.pledges", Rows: table.RowsOf(&s.Pledges)},
		{Name: "missions.submissions", Rows: table.RowsOf(&s.Submissions)},
		{Name: "missions.entrants", Rows: table.RowsOf(&s.Entrants)},
		{Name: "missions.ballots", Rows: table.RowsOf(&s.Ballots)},
		{Name: "missions.appeals", Rows: table.RowsOf(&s.Appeals)},
		{Name: "missions.accepts", Rows: table.RowsOf(&s.Accepts)},
		{Name: "missions.forecasts", Rows: table.RowsOf(&s.Forecasts)},
		{Name: "missions.scoring", Rows: table.RowsOf(&s.Scoring)},
		{Name: "missions.standing", Rows: table.RowsOf(&s.Standing)},
		{Name: "missions.flags", Rows: table.RowsOf(&s.Flags)},
		{Name: "missions.trials", Rows: table.RowsOf(&s.Trials)},
		{Name: "missions.calls", Rows: table.RowsOf(&s.Calls)},
	}
}
