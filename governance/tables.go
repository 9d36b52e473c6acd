package governance

import "github.com/sustainy/coop/table"

// Tables lists all tables of the hall, in the order in which they are written, by their names there.
func (s *State) Tables() []table.Named {
	return []table.Named{
		{Name: "hall.members", Rows: table.RowsOf(&s.Members)},
		{Name: "hall.devices", Rows: table.RowsOf(&s.Devices)},
		{Name: "hall.invitations", Rows: table.RowsOf(&s.Invitations)},
		{Name: "hall.proposals", Rows: table.RowsOf(&s.Proposals)},
		{Name: "hall.agenda", Rows: table.RowsOf(&s.Agenda)},
		{Name: "hall.ballots", Rows: table.RowsOf(&s.Ballots)},
		{Name: "hall.vetoes", Rows: table.RowsOf(&s.Vetoes)},
		{Name: "hall.exits", Rows: table.RowsOf(&s.Exits)},
		{Name: "hall.allocations", Rows: table.RowsOf(&s.Allocations)},
		{Name: "hall.standing", Rows: table.RowsOf(&s.Standing)},
		{Name: "hall.announced", Rows: table.RowsOf(&s.Announced)},
		{Name: "hall.roundkeys", Rows: table.RowsOf(&s.RoundKeys)},
		{Name: "hall.guardians", Rows: table.RowsOf(&s.Guardians)},
		{Name: "hall.recoveries", Rows: table.RowsOf(&s.Recoveries)},
		{Name: "hall.requests", Rows: table.RowsOf(&s.Requests)},
		{Name: "hall.patronage", Rows: table.RowsOf(&s.Patronage)},
		{Name: "hall.calendar", Rows: table.RowsOf(&s.Calendar)},
		{Name: "hall.mandates", Rows: table.RowsOf(&s.Mandates)},
		{Name: "hall.programs", Rows: table.RowsOf(&s.Programs)},
		{Name: "hall.answers", Rows: table.RowsOf(&s.Answers)},
		{Name: "hall.juries", Rows: table.RowsOf(&s.Juries)},
		{Name: "hall.undrawn", Rows: table.RowsOf(&s.Undrawn)},
	}
}
