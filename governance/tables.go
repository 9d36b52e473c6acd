package governance

import "github.com/sustainy/coop/table"

// Tables lists all tables of the hall, in the order in which they are written, by their names there.
func (s *State) Tables() []table.Named {
	return []table.Named{
		{Name: "hall.members", Rows: &s.Members},
		{Name: "hall.devices", Rows: &s.Devices},
		{Name: "hall.invitations", Rows: &s.Invitations},
		{Name: "hall.proposals", Rows: &s.Proposals},
		{Name: "hall.agenda", Rows: &s.Agenda},
		{Name: "hall.ballots", Rows: &s.Ballots},
		{Name: "hall.vetoes", Rows: &s.Vetoes},
		{Name: "hall.exits", Rows: &s.Exits},
		{Name: "hall.allocations", Rows: &s.Allocations},
		{Name: "hall.standing", Rows: &s.Standing},
		{Name: "hall.announced", Rows: &s.Announced},
		{Name: "hall.roundkeys", Rows: &s.RoundKeys},
		{Name: "hall.guardians", Rows: &s.Guardians},
		{Name: "hall.recoveries", Rows: &s.Recoveries},
		{Name: "hall.requests", Rows: &s.Requests},
		{Name: "hall.patronage", Rows: &s.Patronage},
		{Name: "hall.calendar", Rows: &s.Calendar},
		{Name: "hall.mandates", Rows: &s.Mandates},
		{Name: "hall.programs", Rows: &s.Programs},
		{Name: "hall.answers", Rows: &s.Answers},
		{Name: "hall.juries", Rows: &s.Juries},
		{Name: "hall.undrawn", Rows: &s.Undrawn},
	}
}
