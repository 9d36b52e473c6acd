package governance

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/table"
)

// city is a state in which all of so many members vote or delegate on one proposal by yes or no, in
// chains of a length; keys lie as hashes do.
func city(n, length int) (*State, Proposal, event.ID) {
	r := rand.New(rand.NewPCG(1, 2))
	p := Proposal{Rules: Rules{Track: trackBy(YesNo), Delegating: Delegating{Term: day}, Voters: []string{"all"}}, Phase: Voting, RollSize: uint64(n)}
	s, id := &State{}, event.ID{7}
	keys := make([]identity.PublicKey, n)
	classes := []string{"all"}
	for i := range keys {
		keys[i] = sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(i)))
		s.Members.Set(keys[i], Member{Name: "Member", Classes: classes, Status: StatusMember})
	}
	choices := []Choice{Yes, No, Abstain}
	for i, key := range keys {
		var e event.ID
		binary.BigEndian.PutUint64(e[:], uint64(i)+1)
		if i%length == length-1 || i == n-1 {
			s.Ballots.Set(Seat{id, key}, Ballot{Choice: choices[r.IntN(3)], Event: e})
		} else {
			s.Mandates.Set(Remit{Member: key}, Mandate{To: Delegate{Members: []identity.PublicKey{keys[i+1]}}, Event: e})
		}
	}
	p.Roll = s.Members.Copy()
	return s, p, id
}

// BenchmarkTally counts a vote of everybody on the roll, in chains of a length; ns/vote is the figure to
// watch. Beside it stand the floors: reading the rows that the count must read and hashing what the
// result must hash, and no more; and package delegation's own count on plain numbers (its BenchmarkFloor
// is the floor under that).
func BenchmarkTally(b *testing.B) {
	for _, n := range []int{10_000, 1_000_000} {
		for _, length := range []int{1, 1000} {
			b.Run(fmt.Sprintf("n=%d/depth=%d", n, length), func(b *testing.B) { benchmarkTally(b, n, length) })
		}
	}
}

func benchmarkTally(b *testing.B, n, length int) {
	s, p, id := city(n, length)
	perVote := func(b *testing.B) {
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/vote")
	}
	b.Run("count", func(b *testing.B) {
		for b.Loop() {
			if r := s.Tally(id, &p); r.Ballots+r.Delegated != uint64(n) {
				b.Fatal(r)
			}
		}
		perVote(b)
	})
	b.Run("floor", func(b *testing.B) {
		for b.Loop() {
			if yes, all := readCity(s, &p, id); yes == 0 || all != n {
				b.Fatal(yes, all)
			}
		}
		perVote(b)
	})
}

// readCity is what no count can do without: it reads the roll, the ballots and the mandates once in
// order, hashes what the result hashes, and follows the delegations as numbers in plain arrays, the
// number of a key found by the cheapest means there is, a look-up that was made before.
func readCity(s *State, p *Proposal, id event.ID) (yes, all int) {
	to := make([]int32, 0, p.RollSize)
	for range table.All(&p.Roll) {
		to = append(to, -1)
	}
	h := sha256.New()
	n := 0
	for _, b := range s.BallotsOn(id) {
		h.Write(b.Event[:])
		if b.Choice == Yes {
			yes++
		}
		n++
	}
	for remit, m := range table.All(&s.Mandates) {
		h.Write(remit.Member[:])
		h.Write(m.Event[:])
		to[n] = int32(m.To.Members[0][0]) // a number of nobody, but as far away
		n++
	}
	h.Sum(nil)
	return yes, n
}
