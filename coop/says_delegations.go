package coop

import (
	"fmt"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/governance"
)

func saysOfDelegations(s *State, d event.Draft) string {
	named := func(id event.ID) string {
		p, _ := s.Hall.Programs.Get(id)
		return fmt.Sprintf("%q", p.Name)
	}
	switch d.Kind {
	case governance.KindDelegationGive:
		return say(d, func(b governance.DelegationGive) string {
			return fmt.Sprintf("lets %s vote for them on %s", s.delegateInWords(&b.To), s.aboutInWords(b.About))
		})
	case governance.KindDelegationWithdraw:
		return say(d, func(b governance.DelegationWithdraw) string {
			return "takes back what they delegated on " + s.aboutInWords(b.About)
		})
	case governance.KindDelegationConfirm:
		return "confirms what they delegated"
	case governance.KindProgramPublish:
		return say(d, func(b governance.ProgramPublish) string { return fmt.Sprintf("publishes the program %q", b.Name) })
	case governance.KindProgramWithdraw:
		return say(d, func(b governance.ProgramWithdraw) string { return "withdraws the program " + named(b.Program) })
	}
	return ""
}
