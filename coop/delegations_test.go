package coop

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/program"
)

// delegates is the charter of all methods with a track on which nobody delegates, one on which a
// delegate carries a third at most, and one on which a delegation soon ends.
func delegates() governance.Charter {
	c := townhall()
	own, capped, soon := c.Tracks[0], c.Tracks[0], c.Tracks[0]
	own.Name, own.Delegating.Off = "own", true
	capped.Name, capped.Delegating.Cap = "capped", governance.Ratio{Num: 1, Den: 3}
	soon.Name, soon.Delegating.Term = "soon", 3*day
	c.Tracks = append(c.Tracks, own, capped, soon)
	return c
}

// about reads what a delegation is about.
func (w *world) about(c command) governance.About {
	a := governance.About{Tag: c.get("tag", ""), Track: c.get("track", "")}
	if name := c.get("proposal", ""); name != "" {
		a.Proposal = event.ID{9}
		if id, known := w.proposals[name]; known {
			a.Proposal = id
		}
	}
	return a
}

// delegation drafts delegate, undelegate and confirm.
func (w *world) delegation(verb string, c command) event.Draft {
	a := w.about(c)
	switch verb {
	case "undelegate":
		return w.body(governance.KindDelegationWithdraw, governance.DelegationWithdraw{About: a})
	case "confirm":
		b := governance.DelegationConfirm{About: []governance.About{a}}
		if c.get("twice", "") != "" {
			b.About = append(b.About, a)
		}
		return w.body(governance.KindDelegationConfirm, b)
	}
	b := governance.DelegationGive{About: a}
	b.To.Threshold = w.number(c.get("threshold", "0"))
	for _, name := range strings.Split(c.word(2), ",") {
		switch {
		case name == "nobody":
		case strings.HasPrefix(name, "program:"):
			b.To.Program = w.program(strings.TrimPrefix(name, "program:"))
		default:
			b.To.Members = append(b.To.Members, publicOf(name))
		}
	}
	if c.get("order", "") != "typed" {
		slices.SortFunc(b.To.Members, identity.PublicKey.Compare)
	}
	if until := c.get("until", ""); until != "" {
		b.Expires = w.now - 1
		if until != "past" {
			b.Expires = w.now + w.span(until)
		}
	}
	return w.body(governance.KindDelegationGive, b)
}

// program finds a program's event by the name it has in a story.
func (w *world) program(name string) event.ID {
	if id, known := w.proposals[name]; known {
		return id
	}
	return event.ID{9}
}

// published drafts a program; the settings of an example may name members as @WHO.
func (w *world) published(c command) event.Draft {
	b := governance.ProgramPublish{Name: c.get("name", title(c.word(2))), Source: c.get("source", ""), Language: w.number(c.get("language", "1"))}
	for _, e := range program.Examples() {
		if e.Name == c.get("example", "") {
			b.Source = e.Source
		}
	}
	for _, name := range c.list("watches") {
		b.Watches = append(b.Watches, publicOf(name))
	}
	slices.SortFunc(b.Watches, identity.PublicKey.Compare)
	for setting := range strings.SplitSeq(c.get("settings", ""), ";") {
		if key, value, ok := strings.Cut(setting, ":"); ok {
			for _, name := range []string{"ann", "bob", "cleo"} {
				value = strings.ReplaceAll(value, "@"+name, publicOf(name).String())
			}
			b.Settings = append(b.Settings, governance.Setting{Key: key, Value: value})
		}
	}
	if name := c.get("previous", ""); name != "" {
		b.Previous = w.program(name)
	}
	return w.body(governance.KindProgramPublish, b)
}

// lookAtDelegations shows how votes travel: on a proposal, or on one that there could be.
func (w *world) lookAtDelegations(c command) (out []string) {
	s := w.state()
	var supposed []governance.Supposed
	for _, text := range c.list("if") {
		who, to, _ := strings.Cut(text, ":")
		x := governance.Supposed{Member: publicOf(who)}
		if to != "nobody" {
			x.To = publicOf(to)
		}
		supposed = append(supposed, x)
	}
	var t governance.Travel
	switch c.word(0) {
	case "given":
		for _, m := range Mandates(s, publicOf(c.word(1))) {
			out = append(out, fmt.Sprintf("%s to %s, given %s, %s", m.About, m.To, m.Given, m.State))
		}
		return out
	case "chain":
		track, _ := s.Hall.Charter.Track(c.get("track", "general"))
		t = s.Hall.Foresee(track, c.list("tags"), publicOf(c.word(1)), supposed)
	default:
		t, _ = s.Hall.Travel(w.proposals[c.word(1)], identity.PublicKey{}, supposed)
	}
	out = append(out, fmt.Sprintf("%d ballots and %d delegated of %d", t.Ballots, t.Delegated, t.Roll))
	for _, x := range t.Carriers {
		out = append(out, fmt.Sprintf("%s carries %d: %s", x.Name, x.Votes, x.Says))
	}
	for _, x := range t.Lost {
		out = append(out, fmt.Sprintf("%d: %s", x.Votes, x.Why))
	}
	for _, x := range t.Chains {
		line := x.Name + ", " + x.Fate
		for _, step := range x.Steps {
			line += "; " + step.Name + " " + step.Does
		}
		out = append(out, line)
	}
	if t.Unknown {
		out = append(out, "not on the roll")
	}
	slices.Sort(out[1:])
	return out
}
