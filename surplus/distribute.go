package surplus

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"math/big"
	"math/bits"
	"slices"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/table"
	"github.com/sustainy/coop/tokens"
)

// Measure is by what a part is divided.
type Measure string

// The measures.
const (
	ByPurchases     Measure = "purchases"     // what one's purchases in the period brought the treasury
	ByContributions Measure = "contributions" // what the elements that one has made have earned in the period
	Equally         Measure = "equal"
)

// Part is one part of a distribution: a share of the pool for a class, divided by a measure.
type Part struct {
	Class string  `cbor:"class" json:"class"` // empty: everybody; by purchases and contributions also who is no member
	By    Measure `cbor:"by" json:"by"`
	Share uint64  `cbor:"share" json:"share"` // millionths of the pool
}

// Distribute is the body of surplus.distribute, an act of the Assembly. It closes the period.
type Distribute struct {
	Pool  uint64 `cbor:"pool" json:"pool"` // minor units of the treasury; what the parts leave is its reserve
	Parts []Part `cbor:"parts" json:"parts"`
}

// Distribution is what was decided, and what came of it.
type Distribution struct {
	Pool    uint64     `cbor:"pool" json:"pool"`
	Reserve uint64     `cbor:"reserve" json:"reserve"` // of that, kept by the treasury
	Parts   []Part     `cbor:"parts" json:"parts"`
	Amounts []uint64   `cbor:"amounts" json:"amounts"` // allotted by each part
	From    event.Time `cbor:"from" json:"from"`       // the period
	To      event.Time `cbor:"to" json:"to"`
	Payable uint64     `cbor:"payable" json:"payable"` // millionths of what was allotted
	Event   event.ID   `cbor:"event" json:"event"`     // the decision
}

// weight is what somebody counts for in a part.
type weight struct {
	key   identity.PublicKey
	value uint64
}

// Distribute allots a sum to capital accounts.
func (s *State) Distribute(a Act, b Distribute) error {
	if a.By != tokens.Treasury {
		return ErrAssemblyOnly
	}
	if b.Pool < 1 || b.Pool > tokens.MaxAmount {
		return tokens.ErrAmount
	}
	if !b.sound() {
		return ErrParts
	}
	for _, p := range b.Parts {
		if p.Class != "" && !a.Roll.Class(p.Class) {
			return ErrClass
		}
	}
	if b.Pool > s.Earned-s.Distributed {
		return ErrPool
	}
	if err := a.Ledger.Affords(a.People, tokens.Currency, tokens.Treasury, b.Pool); err != nil {
		return err
	}
	d := Distribution{Pool: b.Pool, Reserve: b.Pool, Parts: b.Parts, From: s.Since, To: a.Time, Event: a.ID}
	divided := make([][]uint64, len(b.Parts))
	crowds := make([][]weight, len(b.Parts))
	for n, p := range b.Parts {
		crowds[n] = s.crowd(a, p)
		amount := uint64(0)
		if len(crowds[n]) > 0 {
			amount = share(b.Pool, p.Share)
			divided[n] = divide(amount, crowds[n], a.ID, uint64(n))
		}
		d.Amounts = append(d.Amounts, amount)
		d.Reserve -= amount
	}
	if d.Reserve == d.Pool {
		return ErrNobody
	}

	s.allot(&d, crowds, divided)
	s.Distributions.Set(table.Number(s.Number), d)
	s.Number++
	s.Distributed += d.Pool
	s.Since = a.Time
	s.Bought = table.Table[identity.PublicKey, uint64]{}
	s.count(a.Ledger)
	a.Ledger.Move(tokens.Currency, tokens.Treasury, Capital, d.Pool-d.Reserve, a.ID)
	return nil
}

func (b *Distribute) sound() bool {
	left := uint64(Whole)
	for n, p := range b.Parts {
		if p.By != ByPurchases && p.By != ByContributions && p.By != Equally || p.Share < 1 || p.Share > left {
			return false
		}
		left -= p.Share
		for _, earlier := range b.Parts[:n] {
			if earlier.Class == p.Class && earlier.By == p.By {
				return false
			}
		}
	}
	return len(b.Parts) >= 1 && len(b.Parts) <= MaxParts
}

// share is a share of an amount, in millionths of it, rounded down.
func share(amount, millionths uint64) uint64 {
	high, low := bits.Mul64(amount, millionths)
	whole, _ := bits.Div64(high, low, Whole) // fits, because a share is at most the whole
	return whole
}

// crowd are those whom a part is for, by key, with what each counts for.
func (s *State) crowd(a Act, p Part) (crowd []weight) {
	belongs := func(key identity.PublicKey) bool {
		return p.Class == "" || slices.Contains(a.People.Person(key).Classes, p.Class)
	}
	add := func(key identity.PublicKey, value uint64) {
		if value > 0 && belongs(key) {
			crowd = append(crowd, weight{key, value})
		}
	}
	switch p.By {
	case ByPurchases:
		for key, margin := range table.All(&s.Bought) {
			add(key, margin)
		}
	case ByContributions:
		sums := s.contributions(a.Ledger)
		for key, sum := range table.All(&sums) {
			add(key, sum)
		}
	case Equally:
		for key := range a.Roll.Members() {
			add(key, 1)
		}
	}
	return crowd
}

// contributions are what the elements that each has made have earned in the open period.
func (s *State) contributions(ledger *tokens.State) (sums table.Table[identity.PublicKey, uint64]) {
	for maker, units := range table.All(&s.Makers) {
		t, _ := ledger.Tokens.Get(maker.Asset)
		counted, _ := s.Counted.Get(maker.Asset)
		high, low := bits.Mul64(ledger.Earned(maker.Asset)-counted, units)
		earned, _ := bits.Div64(high, low, t.Supply) // fits: nobody has more than the supply
		sum, _ := sums.Get(maker.Key)
		sums.Set(maker.Key, min(sum+earned, tokens.MaxAmount))
	}
	return sums
}

// count begins the next period of contributions.
func (s *State) count(ledger *tokens.State) {
	var assets []tokens.Asset
	for asset := range table.All(&s.Counted) {
		assets = append(assets, asset)
	}
	for _, asset := range assets {
		s.Counted.Set(asset, ledger.Earned(asset))
	}
}

// divide divides an amount by weights: each gets the floor of their proportion, the largest remainders the
// units left. Equal remainders stand by lot: SHA-256 of "coop/surplus/1", a zero byte, the decision's id,
// the part's number (8 bytes, big-endian) and the key.
func divide(amount uint64, crowd []weight, id event.ID, part uint64) []uint64 {
	type remainder struct {
		i    int
		rest *big.Int
		lot  [32]byte
	}
	sum := new(big.Int)
	for _, w := range crowd {
		sum.Add(sum, new(big.Int).SetUint64(w.value))
	}
	seed := binary.BigEndian.AppendUint64(append([]byte("coop/surplus/1\x00"), id[:]...), part)
	amounts, left := make([]uint64, len(crowd)), amount
	remainders := make([]remainder, len(crowd))
	for i, w := range crowd {
		exact := new(big.Int).Mul(new(big.Int).SetUint64(amount), new(big.Int).SetUint64(w.value))
		whole, rest := new(big.Int).QuoRem(exact, sum, new(big.Int))
		amounts[i] = whole.Uint64()
		left -= amounts[i]
		remainders[i] = remainder{i, rest, sha256.Sum256(append(slices.Clone(seed), w.key[:]...))}
	}
	slices.SortFunc(remainders, func(a, b remainder) int {
		return cmp.Or(b.rest.Cmp(a.rest), bytes.Compare(a.lot[:], b.lot[:]))
	})
	for _, r := range remainders[:left] {
		amounts[r.i]++
	}
	return amounts
}

// allot writes what everybody gets into their accounts.
func (s *State) allot(d *Distribution, crowds [][]weight, divided [][]uint64) {
	for n, crowd := range crowds {
		for i, w := range crowd {
			amount := divided[n][i]
			if amount == 0 {
				continue
			}
			seat := Seat{s.Number, w.key}
			own, _ := s.Allotments.Get(seat)
			own.Amounts = append(slices.Clone(own.Amounts), make([]uint64, len(d.Parts)-len(own.Amounts))...)
			own.Amounts[n] = amount
			own.Total += amount
			s.Allotments.Set(seat, own)
			account, _ := s.Capital.Get(w.key)
			account.Allotted += amount
			s.Capital.Set(w.key, account)
		}
	}
}

// Payout is the body of surplus.payout, an act of the Assembly: so much of a distribution is payable.
type Payout struct {
	Number uint64 `cbor:"number" json:"number"` // of the distribution
	Share  uint64 `cbor:"share" json:"share"`   // millionths of what was allotted, in all
}

// Claim is the body of surplus.claim: what is payable to me of a distribution moves to my account.
type Claim struct {
	Number uint64 `cbor:"number" json:"number"`
}

// Payout makes a share of a distribution payable.
func (s *State) Payout(a Act, b Payout) error {
	if a.By != tokens.Treasury {
		return ErrAssemblyOnly
	}
	d, ok := s.Distributions.Get(table.Number(b.Number))
	if !ok {
		return ErrNoDistribution
	}
	if b.Share <= d.Payable || b.Share > Whole {
		return ErrPayable
	}

	d.Payable = b.Share
	s.Distributions.Set(table.Number(b.Number), d)
	return nil
}

// Claim takes what is payable.
func (s *State) Claim(a Act, b Claim) error {
	if !s.Distributions.Has(table.Number(b.Number)) {
		return ErrNoDistribution
	}
	key := a.By.Key()
	if !a.People.Person(key).Member {
		return ErrNoMember
	}
	due := s.Due(b.Number, key)
	if due == 0 {
		return ErrNothing
	}

	own, _ := s.Allotments.Get(Seat{b.Number, key})
	own.Taken += due
	s.Allotments.Set(Seat{b.Number, key}, own)
	account, _ := s.Capital.Get(key)
	account.Taken += due
	s.Capital.Set(key, account)
	a.Ledger.Move(tokens.Currency, Capital, a.By, due, a.ID)
	return nil
}

// Due is what somebody can take of a distribution, in minor units.
func (s *State) Due(number uint64, key identity.PublicKey) uint64 {
	d, _ := s.Distributions.Get(table.Number(number))
	own, _ := s.Allotments.Get(Seat{number, key})
	return share(own.Total, d.Payable) - own.Taken
}

// Allotted yields what everybody got of a distribution, by key.
func (s *State) Allotted(number uint64) func(yield func(identity.PublicKey, Allotment) bool) {
	return func(yield func(identity.PublicKey, Allotment) bool) {
		for seat, own := range table.From(&s.Allotments, Seat{Number: number}) {
			if seat.Number != number || !yield(seat.Key, own) {
				return
			}
		}
	}
}
