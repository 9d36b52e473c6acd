package coop

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/finality"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/identity"
)

// senate gives a charter an office: who is decided to be a steward is one a day later, for ten days. On
// track senate four are elected, after an hour to stand and an hour to vote.
func senate(c governance.Charter) governance.Charter {
	c.Office = governance.Office{Term: 10 * day, Notice: day}
	quick := &c.Tracks[1]
	quick.Actions = append(quick.Actions, governance.KindStewardAppoint, governance.KindStewardRecall, governance.KindParamsAmend, governance.KindDeviceRestore)
	c.Tracks = append(c.Tracks, governance.Track{Name: "senate", Method: governance.STV, Seats: 4, Discussion: hour, Voting: hour, Revisable: true, Open: 2,
		Quorum:    governance.Quorum{Kind: governance.QuorumNone, Share: governance.Ratio{Num: 0, Den: 1}},
		Threshold: governance.Threshold{Share: governance.Ratio{Num: 1, Den: 2}, Over: true}, Actions: []event.Kind{governance.KindStewardAppoint}})
	return c
}

// stewardDraft is what a command about stewards wants to say, if it is one:
//
//	stand                          appoint A,B standby=C,D
//	ready KEY epoch=1 proof=KEY for=WHO
//	resign                         recall WHO
//	timing 500 (delta0)            restore DEVICE
//	caught KEY epoch=0 twin=6 (evidence of two blocks, dated 5 and 6)
func (w *world) stewardDraft(who string, c command) (event.Draft, bool) {
	switch c.word(1) {
	case "stand":
		return w.body(governance.KindStewardStand, governance.StewardStand{}), true
	case "appoint":
		return w.appointment(c.word(2), c.get("standby", "")), true
	case "resign":
		return w.body(governance.KindStewardResign, governance.StewardResign{}), true
	case "caught":
		return w.caught(c), true
	case "ready":
		epoch, key := w.number(c.get("epoch", "1")), c.word(2)
		member := publicOf(c.get("for", who))
		return w.body(governance.KindStewardReady, governance.StewardReady{Epoch: epoch, Key: publicOf(key),
			Proof: governance.ReadyProof(keyOf(c.get("proof", key)), w.state().Hall.Coop, member, epoch)}), true
	}
	return w.powers(c.word(1), c.word(2))
}

// powers are what a proposal can carry as well.
func (w *world) powers(verb, object string) (event.Draft, bool) {
	switch verb {
	case "recall":
		return w.body(governance.KindStewardRecall, governance.StewardRecall{Member: publicOf(object)}), true
	case "restore":
		return w.body(governance.KindDeviceRestore, governance.DeviceRestore{Key: publicOf(object)}), true
	case "timing":
		p := governance.DefaultParams()
		p.Delta0 = event.Time(w.number(object))
		return w.body(governance.KindParamsAmend, governance.ParamsAmend{Params: p}), true
	}
	return event.Draft{}, false
}

// caught is evidence that who holds a key has signed two blocks of the first round of an epoch.
func (w *world) caught(c command) event.Draft {
	key := keyOf(c.word(2))
	b := governance.Evidence{Key: key.Public()}
	for i, at := range []uint64{5, w.number(c.get("twin", "6"))} {
		ep := finality.Epoch{Coop: w.state().Hall.Coop, Number: w.number(c.get("epoch", "0")), Stewards: []identity.PublicKey{key.Public()}, Params: finality.DefaultParams()}
		r, err := finality.SealRound(key, &ep, finality.Round{Number: 1, At: event.Time(at)})
		if err != nil {
			w.t.Fatal(err)
		}
		*[]*[]byte{&b.A, &b.B}[i] = r.Raw
	}
	return w.body(governance.KindEvidence, b)
}

func (w *world) appointment(stewards, standby string) event.Draft {
	return w.body(governance.KindStewardAppoint, governance.StewardAppoint{Stewards: w.people(stewards), Standby: w.people(standby)})
}

// people reads names between commas.
func (w *world) people(text string) (keys []identity.PublicKey) {
	for name := range strings.SplitSeq(text, ",") {
		if name != "" {
			keys = append(keys, publicOf(name))
		}
	}
	return keys
}

// office tells who orders events and who will.
func (w *world) office() (out []string) {
	h := &w.state().Hall
	var names []string
	for _, s := range h.Term.Stewards {
		name := w.called(s.Member)
		if s.Key != s.Member {
			name += " with another key"
		}
		names = append(names, name)
	}
	line := fmt.Sprintf("epoch %d: %s", h.Term.Number, strings.Join(names, ", "))
	if h.Overdue() {
		line += ", overdue"
	}
	out = append(out, line+w.standbys(h.Term.Standby))
	if len(h.Pending.Stewards) > 0 {
		names = nil
		for _, member := range h.Pending.Stewards {
			names = append(names, w.called(member))
		}
		ready, needed := h.Readiness()
		out = append(out, fmt.Sprintf("coming: %s%s; %d ready, %d needed", strings.Join(names, ", "), w.standbys(h.Pending.Standby), ready, needed))
	}
	return out
}

func (w *world) standbys(members []identity.PublicKey) string {
	var names []string
	for _, member := range members {
		names = append(names, w.called(member))
	}
	if names == nil {
		return ""
	}
	return "; on standby " + strings.Join(names, ", ")
}

func (w *world) called(member identity.PublicKey) string {
	m, ok := w.state().Hall.Members.Get(member)
	if !ok {
		return "somebody"
	}
	return m.Name
}

// refound tries whether those in by= could re-found the cooperative from here, with stewards=bob, and
// assents dated after= the last commit. It changes nothing: nobody is left who could put it in order.
func (w *world) refound(c command) []string {
	h := &w.state().Hall
	t := governance.RefoundingText{Coop: h.Coop, Epoch: h.Term.Number + 1, Checkpoint: [32]byte{1}, Reason: c.get("reason", "The stewards are gone.")}
	for _, name := range c.list("stewards") {
		key, member := keyOf(name+" refounds"), publicOf(name)
		t.Stewards = append(t.Stewards, governance.RefoundingChair{Member: member, Key: key.Public(), Proof: governance.ReadyProof(key, h.Coop, member, t.Epoch)})
	}
	r := governance.Refounding{Text: t}
	for _, name := range c.list("by") {
		r.Assents = append(r.Assents, t.Assent(keyOf(name), publicOf(name), h.Time+w.span(c.get("after", "14d"))))
	}
	slices.SortFunc(r.Assents, func(a, b governance.Assent) int { return a.Member.Compare(b.Member) })
	if err := h.CheckRefounding(&r, [32]byte{byte(w.number(c.get("checkpoint", "1")))}); err != nil {
		return []string{"refused: " + err.Error()}
	}
	trial := h.Copy()
	trial.Refound(&r)
	return []string{fmt.Sprintf("would hold: epoch %d, %d stewards, overdue %v", trial.Term.Number, len(trial.Term.Stewards), trial.Overdue())}
}
