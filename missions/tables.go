package missions

import "github.com/sustainy/coop/table"

// Tables lists all tables of the missions, in the order in which they are written, by their names there.
func (s *State) Tables() []table.Named {
	return []table.Named{
		{Name: "missions.missions", Rows: &s.Missions},
		{Name: "missions.agenda", Rows: &s.Agenda},
		{Name: "missions.paying", Rows: &s.Paying},
		{Name: "missions.own", Rows: &s.Own},
		{Name: "missions.reserved", Rows: &s.Reserved},
		{Name: "missions.pledges", Rows: &s.Pledges},
		{Name: "missions.submissions", Rows: &s.Submissions},
		{Name: "missions.entrants", Rows: &s.Entrants},
		{Name: "missions.ballots", Rows: &s.Ballots},
		{Name: "missions.appeals", Rows: &s.Appeals},
		{Name: "missions.accepts", Rows: &s.Accepts},
		{Name: "missions.forecasts", Rows: &s.Forecasts},
		{Name: "missions.scoring", Rows: &s.Scoring},
		{Name: "missions.standing", Rows: &s.Standing},
		{Name: "missions.flags", Rows: &s.Flags},
		{Name: "missions.trials", Rows: &s.Trials},
		{Name: "missions.calls", Rows: &s.Calls},
	}
}
