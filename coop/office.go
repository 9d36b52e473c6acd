package coop

import (
	"fmt"
	"strings"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/table"
)

// StewardView is a steward, or one who is to come in, stands by or stands.
type StewardView struct {
	Member identity.PublicKey `json:"member"`
	Name   string             `json:"name"`
	Key    identity.PublicKey `json:"key,omitzero"`   // for round blocks
	Ready  bool               `json:"ready,omitzero"` // has announced a key for the coming epoch
	Since  event.Time         `json:"since,omitzero"` // standing
}

// OfficeView is who puts events in order, who will, and who would.
type OfficeView struct {
	Epoch    uint64        `json:"epoch"`
	Since    event.Time    `json:"since"`
	Ends     event.Time    `json:"ends,omitzero"` // of the term; 0: never
	Overdue  bool          `json:"overdue"`
	By       event.ID      `json:"by"`
	Stewards []StewardView `json:"stewards"`
	Standby  []StewardView `json:"standby,omitempty"` // in the order in which they would come in
	Standing []StewardView `json:"standing,omitempty"`
	Says     string        `json:"says"` // what this number of stewards stands
	Coming   *ComingView   `json:"coming,omitempty"`
	Notes    []string      `json:"notes,omitempty"` // what a member should know, and do
}

// ComingView is a hand-over that is decided and has not happened yet.
type ComingView struct {
	Stewards []StewardView     `json:"stewards"`
	Standby  []StewardView     `json:"standby,omitempty"`
	Ready    int               `json:"ready"`
	Needed   int               `json:"needed"`
	Notice   event.Time        `json:"notice"` // not before
	Lapses   event.Time        `json:"lapses"` // when it waits no longer; see governance.State.Lapses
	Timing   governance.Params `json:"timing"`
	By       event.ID          `json:"by"`
}

// Office is who puts events in order.
func Office(s *State) OfficeView {
	h := &s.Hall
	v := OfficeView{Epoch: h.Term.Number, Since: h.Term.Since, Ends: h.Term.Ends, Overdue: h.Overdue(), By: h.Term.By, Standby: named(s, h.Term.Standby)}
	for _, steward := range h.Term.Stewards {
		v.Stewards = append(v.Stewards, StewardView{Member: steward.Member, Name: nameOf(s, steward.Member), Key: steward.Key})
	}
	for member, c := range table.All(&h.Standing) {
		v.Standing = append(v.Standing, StewardView{Member: member, Name: nameOf(s, member), Since: c.Since})
	}
	v.Says, _ = governance.SeatsInWords(len(v.Stewards))
	if v.Overdue {
		v.Notes = append(v.Notes, fmt.Sprintf("the stewards' term ended %s; they go on until others are elected. Next: coop steward stand, or coop steward elect", v.Ends))
	}
	if len(h.Pending.Stewards) == 0 {
		return v
	}
	c := &ComingView{Stewards: named(s, h.Pending.Stewards), Standby: named(s, h.Pending.Standby), Notice: h.Pending.Notice, Lapses: h.Lapses(), Timing: h.Pending.Params, By: h.Pending.By}
	c.Ready, c.Needed = h.Readiness()
	for i := range c.Stewards {
		a, _ := h.Announced.Get(c.Stewards[i].Member)
		if c.Stewards[i].Ready = a.Epoch == h.Term.Number+1; c.Stewards[i].Ready {
			c.Stewards[i].Key = a.Key
		}
	}
	v.Coming = c
	note := fmt.Sprintf("stewards from epoch %d on: %s; %d of them are ready, %d needed", h.Term.Number+1, listNames(c.Stewards), c.Ready, c.Needed)
	if c.Notice > h.Time {
		note += fmt.Sprintf(", and not before %s", c.Notice)
	}
	if c.Ready < c.Needed {
		note += fmt.Sprintf("; if they are too few on %s, those on standby come in, or the stewards of now stay", c.Lapses)
	}
	v.Notes = append(v.Notes, note)
	return v
}

func named(s *State, members []identity.PublicKey) (views []StewardView) {
	for _, member := range members {
		views = append(views, StewardView{Member: member, Name: nameOf(s, member)})
	}
	return views
}

// nameOf is a member's name; a founding can name a steward by the key alone.
func nameOf(s *State, member identity.PublicKey) string {
	m, ok := s.Hall.Members.Get(member)
	if !ok {
		return member.String()
	}
	return m.Name
}

func listNames(views []StewardView) string {
	names := make([]string, len(views))
	for i, v := range views {
		names[i] = v.Name
	}
	return strings.Join(names, ", ")
}

// officeInWords says what an action about stewards or devices would do.
func officeInWords(s *State, d event.Draft) (text string, known bool) {
	switch d.Kind {
	case governance.KindStewardAppoint:
		if b, ok := read[governance.StewardAppoint](d); ok {
			text = "make stewards of " + listNames(named(s, b.Stewards))
			if len(b.Standby) > 0 {
				text += ", with " + listNames(named(s, b.Standby)) + " on standby"
			}
			return text, true
		}
	case governance.KindStewardRecall:
		if b, ok := read[governance.StewardRecall](d); ok {
			return "recall the steward " + nameOf(s, b.Member), true
		}
	case governance.KindParamsAmend:
		if b, ok := read[governance.ParamsAmend](d); ok {
			p := b.Params
			return fmt.Sprintf("change the timing from the next epoch on: leaders %d ms, clocks %d ms, rounds %d to %d ms, grace %d ms, stall %d ms",
				p.Delta0, p.Tolerance, p.MinRound, p.MaxRound, p.Grace, p.Stall), true
		}
	case governance.KindDeviceRestore:
		if b, ok := read[governance.DeviceRestore](d); ok {
			device, _ := s.Hall.Devices.Get(b.Key)
			return fmt.Sprintf("let the suspended device %s speak for %s again", b.Key, nameOf(s, device.Member)), true
		}
	}
	return "", false
}
