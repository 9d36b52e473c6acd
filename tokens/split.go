package tokens

import (
	"bytes"
	"cmp"
	"iter"
	"math/bits"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/table"
)

// Part is a token's share of what a split gets: Num / Den of all that ever comes.
type Part struct {
	Asset Asset  `cbor:"asset" json:"asset"`
	Num   uint64 `cbor:"num" json:"num"`
	Den   uint64 `cbor:"den" json:"den"`
}

// Of is what a part has of a total: its floor. So it never falls while the total grows, it does not
// depend on how the total came together, and all parts leave fewer units than they are.
func (p Part) Of(total uint64) uint64 {
	high, low := bits.Mul64(total, p.Num)
	whole, _ := bits.Div64(high, low, p.Den) // fits, because Num is at most Den
	return whole
}

// Split divides income among tokens in fixed proportions. A payment to it costs the same however many
// parts it has: it only adds to Total, and what a part has of that moves on to its token when somebody
// asks for it, before a unit of the token changes hands.
type Split struct {
	Parts  []Part   `cbor:"parts" json:"parts"` // shares that add up to 1; never written after they are stored
	Total  uint64   `cbor:"total" json:"total"` // ever paid in, in minor units of the currency
	Given  uint64   `cbor:"given" json:"given"` // of that, moved on to tokens
	Rest   uint64   `cbor:"rest" json:"rest"`   // of that, to the treasury: what was too little to be divided when it closed
	Closed bool     `cbor:"closed" json:"closed"`
	Last   event.ID `cbor:"last" json:"last"` // that last paid in
}

// Stream is the n-th part of a split, which is of this token.
type Stream struct {
	Asset Asset    `cbor:"asset"`
	Split event.ID `cbor:"split"`
	N     uint64   `cbor:"n"`
}

// Compare orders by token, so that all streams to one stand together, then by split and number.
func (s Stream) Compare(other Stream) int {
	return cmp.Or(s.Asset.Compare(other.Asset), bytes.Compare(s.Split[:], other.Split[:]), cmp.Compare(s.N, other.N))
}

// Flow is a stream's share, and what of it has moved on.
type Flow struct {
	Part  Part   `cbor:"part"`
	Taken uint64 `cbor:"taken"` // minor units of the currency
}

// OfSplit is the kind of a split's account: what its parts have not fetched.
const OfSplit AccountKind = "split"

// SplitAccount is the account of a split.
func SplitAccount(id event.ID) Account { return Account{OfSplit, id} }

// MaxStreams is how many open splits and parts of such a token can be in: they are all looked at whenever
// units of it change hands.
const MaxStreams = 256

// Streams yields the streams to a token.
func (s *State) streams(asset Asset) iter.Seq2[Stream, Flow] {
	return func(yield func(Stream, Flow) bool) {
		if s.Streams.Len() == 0 {
			return
		}
		for stream, flow := range table.From(&s.Streams, Stream{Asset: asset}) {
			if stream.Asset != asset || !yield(stream, flow) {
				return
			}
		}
	}
}

// CanSplit tells why money cannot be divided among these parts, or nil. That their shares add up to 1 is
// for who made them to see to.
func (s *State) CanSplit(parts []Part) error {
	for i, p := range parts {
		if !s.Tokens.Has(p.Asset) {
			return ErrUnknownToken
		}
		n := 0
		for range s.streams(p.Asset) {
			n++
		}
		for _, earlier := range parts[:i+1] {
			if earlier.Asset == p.Asset {
				n++
			}
		}
		if n > MaxStreams {
			return ErrStreams
		}
	}
	return nil
}

// OpenSplit begins a split that CanSplit allows.
func (s *State) OpenSplit(id event.ID, parts []Part) {
	s.Splits.Set(id, Split{Parts: parts})
	for n, p := range parts {
		s.Streams.Set(Stream{p.Asset, id, uint64(n)}, Flow{Part: p})
	}
}

// PaySplit pays into a split. It returns what had come before, and panics if there is no such split, if
// it is closed, or if that is more than can be counted: check first.
func (s *State) PaySplit(id event.ID, from Account, amount uint64, by event.ID) (before uint64) {
	split, ok := s.Splits.Get(id)
	if !ok || split.Closed || amount > MaxAmount-split.Total {
		panic("tokens: invariant: a payment to a split that cannot take it")
	}
	before = split.Total
	split.Total += amount
	split.Last = by
	s.Splits.Set(id, split)
	s.Move(Currency, from, SplitAccount(id), amount, by)
	return before
}

// fetch is what a stream can move on to its token now. A token's income ends at what can be counted; what
// is beyond stays where it is.
func (s *State) fetch(stream Stream, flow Flow, income uint64) uint64 {
	split, _ := s.Splits.Get(stream.Split)
	return min(flow.Part.Of(split.Total)-flow.Taken, MaxAmount-income)
}

// Earned is the income of a token ever, with what splits have for it.
func (s *State) Earned(asset Asset) uint64 {
	t, _ := s.Tokens.Get(asset)
	for stream, flow := range s.streams(asset) {
		t.Income += s.fetch(stream, flow, t.Income)
	}
	return t.Income
}

// gather moves what splits have for a token to its income.
func (s *State) gather(asset Asset) {
	type step struct {
		stream Stream
		flow   Flow
		amount uint64
	}
	var steps []step
	t, _ := s.Tokens.Get(asset)
	for stream, flow := range s.streams(asset) {
		if amount := s.fetch(stream, flow, t.Income); amount > 0 {
			steps = append(steps, step{stream, flow, amount})
			t.Income += amount
		}
	}
	if steps == nil {
		return
	}
	for _, st := range steps {
		split, _ := s.Splits.Get(st.stream.Split)
		split.Given += st.amount
		t.Last = split.Last
		s.Splits.Set(st.stream.Split, split)
		st.flow.Taken += st.amount
		s.Streams.Set(st.stream, st.flow)
		s.Move(Currency, SplitAccount(st.stream.Split), Income(asset), st.amount, split.Last)
	}
	s.Tokens.Set(asset, t)
}

// Brought are the events that last paid a token, itself and by splits, up to most.
func (s *State) Brought(asset Asset, most int) (events []event.ID) {
	if t, _ := s.Tokens.Get(asset); !t.Last.IsZero() {
		events = append(events, t.Last)
	}
	for stream, flow := range s.streams(asset) {
		split, _ := s.Splits.Get(stream.Split)
		if len(events) < most && flow.Part.Of(split.Total) > flow.Taken {
			events = append(events, split.Last)
		}
	}
	return events
}

// CloseSplit ends a split: every part gets what it has, and the units that were too few to be divided, less
// than one for each part, go to the treasury. It changes nothing where a token can take no more.
func (s *State) CloseSplit(id event.ID, by event.ID) {
	split, _ := s.Splits.Get(id)
	for _, p := range split.Parts {
		s.gather(p.Asset)
	}
	split, _ = s.Splits.Get(id)
	entitled := uint64(0)
	for _, p := range split.Parts {
		entitled += p.Of(split.Total)
	}
	if split.Closed || entitled != split.Given {
		return
	}
	for n, p := range split.Parts {
		s.Streams.Delete(Stream{p.Asset, id, uint64(n)})
	}
	split.Rest, split.Closed = split.Total-split.Given, true
	s.Splits.Set(id, split)
	s.Move(Currency, SplitAccount(id), Treasury, split.Rest, by)
}
