package missions

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math/bits"
	"slices"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/table"
	"github.com/sustainy/coop/tokens"
)

// award carries out the verdict: prizes are paid, the achievement token is made, and what no prize took
// goes back to the pledgers. Without a winner everything does. With milestones, all that waits for their proofs.
func (s *State) award(id event.ID, m *Mission, t event.Time, house House) {
	s.leave(id, m)
	won := m.Won()
	if len(won) == 0 {
		s.refund(id, m, t, PhaseRefunded, house)
		return
	}
	if len(m.Listing.Milestones) > 0 {
		s.begin(id, m, t)
		return
	}
	prizes := m.Prizes()
	for rank, entry := range won {
		s.payPrize(id, m, entry, prizes[rank], house.Ledger)
	}
	s.create(id, m, t, house)
	s.refund(id, m, t, PhaseDelivered, house)
}

// Prizes are what the prizes are at the present pledges, the highest first, in minor units.
func (m *Mission) Prizes() []uint64 {
	return share(m.Raised, m.Listing.Prizes, func(rank int) []byte { return binary.BigEndian.AppendUint64(nil, uint64(rank)) })
}

// create makes the achievement token, whose work is for sale from now on: units for the winner's contributors, the cooperative and the backers; the
// units of these wait in escrow until they are paid. The ledger makes it in the treasury's hands, from
// where the units move on: so who has left the cooperative since, as they may, still has what they earned.
func (s *State) create(id event.ID, m *Mission, t event.Time, house House) {
	terms := &m.Listing.Token
	supply, _ := terms.supply()
	s.Reserved.Delete(nameOf(m))
	act := tokens.Act{ID: m.Event, By: tokens.Treasury, Time: t, People: house.People}
	err := house.Ledger.Create(act, tokens.Create{Number: m.number(), Name: s.freeName(id, terms.Name, house.Ledger), Rule: terms.Rule,
		Shares: []tokens.Share{{To: identity.Assembly, Amount: supply}}})
	if err != nil {
		panic("missions: invariant: a token that was checked can be made: " + err.Error())
	}
	m.Asset = m.Token()
	winner := m.Won()[0]
	x, _ := s.Submissions.Get(Entry{id, winner})
	contributors := x.Consenting()
	for i, units := range share(terms.Units, shares(contributors), ticket(winner, contributors)) {
		house.Ledger.Move(m.Asset, tokens.Treasury, tokens.Member(contributors[i].Member), units, event.ID{})
	}
	house.Ledger.Move(m.Asset, tokens.Treasury, tokens.Escrow(id), terms.Backers, event.ID{})
	m.Payback.Units = terms.Backers
	house.Shop.Offer(Work{Mission: id, Event: m.Event, Asset: m.Asset, Title: x.Content.Title, Price: m.Listing.Price, AtLeast: m.Listing.AtLeast, Time: t})
}

// Token is the achievement token that an award makes, also before it does.
func (m *Mission) Token() tokens.Asset { return tokens.NewAsset(m.Event, m.number()) }

// number is one that no tokens.create can have.
func (m *Mission) number() uint64 { return tokens.MaxAmount + 1 + m.Listing.Number }

// freeName is the name that was reserved. Should a decision have given it to another token meanwhile, the
// name gets a mark of the mission.
func (s *State) freeName(id event.ID, name string, l *tokens.State) string {
	free := name
	for n := uint64(0); l.Names.Has(table.Text(free)); n++ {
		mark := sha256.Sum256(binary.BigEndian.AppendUint64(slices.Clone(id[:]), n))
		free = name[:min(len(name), 23)] + "-" + hex.EncodeToString(mark[:4])
	}
	return free
}

func nameOf(m *Mission) table.Text { return table.Text(m.Listing.Token.Name) }

func shares(contributors []Contributor) []uint64 {
	weights := make([]uint64, len(contributors))
	for i, c := range contributors {
		weights[i] = c.Share
	}
	return weights
}

// ticket tells a contributor's lot for the odd unit: the submission's id and the key.
func ticket(entry event.ID, contributors []Contributor) func(int) []byte {
	return func(i int) []byte { return append(slices.Clone(entry[:]), contributors[i].Member[:]...) }
}

// share shares out an amount in proportion to weights, which are above 0 and add up to less than 2^64: the
// largest remainders get the odd units (Hamilton's method), and equal ones stand by SHA-256 of "coop/lot/1",
// a zero byte and their ticket.
func share(amount uint64, weights []uint64, ticket func(int) []byte) []uint64 {
	type remainder struct {
		i     int
		value uint64
		lot   [32]byte
	}
	sum, rest := uint64(0), amount
	for _, w := range weights {
		sum += w
	}
	parts, remainders := make([]uint64, len(weights)), make([]remainder, len(weights))
	for i, w := range weights {
		high, low := bits.Mul64(amount, w)
		whole, r := bits.Div64(high, low, sum)
		parts[i] = whole
		rest -= whole
		remainders[i] = remainder{i, r, sha256.Sum256(append([]byte("coop/lot/1\x00"), ticket(i)...))}
	}
	slices.SortFunc(remainders, func(a, b remainder) int {
		return cmp.Or(cmp.Compare(b.value, a.value), bytes.Compare(a.lot[:], b.lot[:]))
	})
	for _, r := range remainders[:rest] {
		parts[r.i]++
	}
	return parts
}
