// Package fold turns ordered events into state.
//
// Its one idea: a rule is a plain method on a plain struct, and registering it gives it a type. On
// names a kind and the rule for it; a Machine is a table of such rules; a Timeline runs a machine
// over the events that are final and, on a snapshot, over those that are not final yet.
//
// A rule checks first and changes then: first every reason to refuse, in a fixed order, then the
// change, which cannot fail. So rules work in place and a refusal still changes nothing. A refused
// event keeps its place in the order, with the reason as its receipt, and all peers agree on both.
// A rule that finds the state itself broken panics: that is a fault, not a refusal.
//
// The decisions of the members are drafts that run through the same machine, with the Assembly as
// their author. Guards stand before the rules for signed events alone.
//
// The package knows no kind and no state, no disk, no network and no clock. The shape is that of
// etcd's raft (github.com/etcd-io/raft, rawnode.go): told things, it answers.
package fold

import (
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/identity"
)

// Env is what a rule may know of an event besides its body.
type Env struct {
	ID    event.ID           // of the event; for an act of the Assembly, of the proposal that decided it
	Key   identity.PublicKey // the author's device; identity.Assembly for an act of the Assembly
	Seq   uint64             // number within the device's strand
	At    event.Time         // the author's clock: a claim
	Index uint64             // commit that orders the event; the next one while it is provisional
	Time  event.Time         // coop time of that commit; of the last commit while it is provisional
	Final bool
}

// Rule is how one kind of event changes a state.
type Rule[S any] struct {
	kind  event.Kind
	apply func(*S, Env, []byte) error
}

// On makes a rule of a typed function: the body is decoded into B, a struct with cbor names, before
// apply sees it. apply returns why it refuses, and then has changed nothing.
func On[S, B any](kind event.Kind, apply func(*S, Env, B) error) Rule[S] {
	return Rule[S]{kind, func(s *S, env Env, raw []byte) error {
		var body B
		if event.DecodeBody(raw, &body) != nil {
			return ErrMalformed // alone: receipts must not depend on a library's words
		}
		return apply(s, env, body)
	}}
}

// Machine applies drafts to a state by its rules.
type Machine[S any] struct {
	rules map[event.Kind]func(*S, Env, []byte) error // only looked up
	guard func(s *S, env Env, rule func() error) error
}

// NewMachine is a machine of these rules. Two rules for one kind are a fault.
func NewMachine[S any](rules ...Rule[S]) *Machine[S] {
	m := &Machine[S]{rules: make(map[event.Kind]func(*S, Env, []byte) error, len(rules))}
	for _, r := range rules {
		if m.rules[r.kind] != nil {
			panic("fold: invariant: two rules for " + string(r.kind))
		}
		m.rules[r.kind] = r.apply
	}
	return m
}

// Guard sets what stands around the rules for signed events: guard refuses, or calls rule, and then
// notes that the event counted unless rule has refused. Acts of the Assembly pass no guard.
func (m *Machine[S]) Guard(guard func(s *S, env Env, rule func() error) error) { m.guard = guard }

// Knows tells whether there is a rule for kind.
func (m *Machine[S]) Knows(kind event.Kind) bool { return m.rules[kind] != nil }

// Apply changes *s as d says, or returns why not and leaves *s as it was. The reasons are
// ErrUnknownKind, those of the guard, ErrMalformed and those of the rule, in this order.
func (m *Machine[S]) Apply(s *S, env Env, d event.Draft) error {
	rule := m.rules[d.Kind]
	if rule == nil {
		return ErrUnknownKind
	}
	if m.guard == nil || env.Key == identity.Assembly {
		return rule(s, env, d.Body)
	}
	return m.guard(s, env, func() error { return rule(s, env, d.Body) })
}
