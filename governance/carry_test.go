package governance

import (
	"encoding/binary"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/sustainy/coop/delegation"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/identity"
)

// numbered is the key of the n-th member.
func numbered(n int) (key identity.PublicKey) {
	binary.BigEndian.PutUint64(key[:], uint64(n))
	return key
}

// crowd is a state with so many members who may vote, and a proposal that has them on its roll.
func crowd(members int, p *Proposal) *State {
	s := &State{}
	for n := range members {
		s.Members.Set(numbered(n), Member{Name: fmt.Sprint("Member ", n), Classes: []string{"all"}, Status: StatusMember})
	}
	p.Rules.Voters = []string{"all"}
	p.Roll = s.Members.Copy()
	p.RollSize, p.Silent, p.RollHash = p.roll()
	p.Phase = Voting
	return s
}

// mandate lets the n-th member delegate so.
func (s *State) mandate(n int, about About, m Mandate) {
	binary.BigEndian.PutUint64(m.Event[:], uint64(n)+1)
	s.Mandates.Set(Remit{numbered(n), about}, m)
}

// TestVoterIsFound: on every roll every key is found, and no other.
func TestVoterIsFound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.Custom(func(t *rapid.T) (key identity.PublicKey) {
			key[0] = rapid.SampledFrom([]byte{0, 1, 127, 128, 255, rapid.Byte().Draw(t, "any")}).Draw(t, "first")
			key[31] = rapid.Byte().Draw(t, "last")
			return key
		})
		keys := rapid.SliceOfN(key, 0, 40).Draw(t, "roll")
		slices.SortFunc(keys, identity.PublicKey.Compare)
		c := carriage{voters: slices.Compact(keys)}
		c.index()
		for _, key := range append(rapid.SliceOfN(key, 1, 10).Draw(t, "others"), c.voters...) {
			at, found := c.voter(key)
			want, there := slices.BinarySearchFunc(c.voters, key, identity.PublicKey.Compare)
			if found != there || found && int(at) != want {
				t.Fatalf("%s: %d %v, want %d %v", key, at, found, want, there)
			}
		}
	})
}

// TestDelegatedVotesAreVotes: by every method the result is what it would be if everybody whose vote a
// ballot carries had cast that ballot.
func TestDelegatedVotesAreVotes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		track := drawTrack(t)
		p := drawProposal(t, track)
		members := rapid.IntRange(1, 12).Draw(t, "members")
		s := crowd(members, &p)
		p.Voting.End = 100
		p.Rules.Delegating.Term = 50
		if rapid.IntRange(0, 3).Draw(t, "capped") == 0 {
			p.Rules.Delegating.Cap = Ratio{1, 4}
		}
		id := event.ID{byte(rapid.IntRange(0, 200).Draw(t, "id"))}
		anybody := rapid.IntRange(0, members)
		for n := range members {
			if rapid.IntRange(0, 2).Draw(t, "votes") == 0 {
				s.vote(id, n, drawBallot(t, &track, len(p.Options)))
			}
			for range rapid.IntRange(0, 2).Draw(t, "mandates") {
				m := Mandate{Given: 60, Confirmed: event.Time(rapid.IntRange(45, 110).Draw(t, "confirmed"))}
				m.To.Members = []identity.PublicKey{numbered(anybody.Draw(t, "to"))}
				about := rapid.SampledFrom([]About{{}, {Track: "x"}, {Track: "y"}, {Proposal: id}, {Proposal: event.ID{255}}, {Tag: "a"}}).Draw(t, "about")
				if first := anybody.Draw(t, "group"); rapid.Bool().Draw(t, "to a group") {
					m.To.Members, m.To.Threshold = nil, 2
					for i := range 3 {
						m.To.Members = append(m.To.Members, numbered(first+i))
					}
				}
				s.mandate(n, about, m)
			}
		}
		c := s.carry(id, &p)
		result := s.Tally(id, &p)

		var plain State
		for n := range members {
			if b, own := s.Ballots.Get(Seat{id, numbered(n)}); own {
				plain.vote(id, n, b)
			} else if c.result != nil && c.result.Fate(n) == delegation.Counted {
				plain.vote(id, n, c.papers[c.result.Ballot(n)])
			}
		}
		again := plain.Tally(id, &p)
		if again.Ballots != result.Ballots+result.Delegated || again.Delegated != 0 {
			t.Fatalf("%d and %d delegated, %d without delegation", result.Ballots, result.Delegated, again.Ballots)
		}
		again.Ballots, again.Delegated, again.Hash, again.Chains = result.Ballots, result.Delegated, result.Hash, result.Chains
		if fmt.Sprint(again) != fmt.Sprint(result) {
			t.Fatalf("%s\n%+v\nwithout delegation\n%+v", track.Method, result, again)
		}
	})
}

// TestConfirmedWhileItIsCounted: a delegation that is given or confirmed after the end of voting and before the
// count applies, as a ballot that comes late does, and one of whose term the end was beyond does not.
func TestConfirmedWhileItIsCounted(t *testing.T) {
	for confirmed, want := range map[event.Time]uint64{49: 0, 50: 0, 51: 1, 100: 1, 101: 1, 1 << 40: 1} {
		p := Proposal{Voting: Span{Start: 1, End: 100}, Rules: Rules{Track: trackBy(YesNo), Delegating: Delegating{Term: 50}}}
		s := crowd(2, &p)
		s.vote(event.ID{7}, 0, Ballot{Choice: Yes})
		s.mandate(1, About{}, Mandate{To: Delegate{Members: []identity.PublicKey{numbered(0)}}, Given: confirmed, Confirmed: confirmed})
		if c := s.carry(event.ID{7}, &p); c.delegated != want {
			t.Errorf("confirmed at %d, end at 100, term 50: %d delegated, want %d", confirmed, c.delegated, want)
		}
	}
}
