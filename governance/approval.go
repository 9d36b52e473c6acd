package governance

import (
	"crypto/sha256"
	"encoding/binary"
	"iter"

	"github.com/sustainy/coop/event"
)

// CountApprovals counts how many ballots approve each of so many options. In c every ballot that did
// not abstain is a Yes. Source: Brams and Fishburn, "Approval Voting", American Political Science
// Review 72 (1978).
func CountApprovals(options int, ballots iter.Seq[Ballot]) (votes []uint64, c Count) {
	votes = make([]uint64, options)
	for b := range ballots {
		if b.Choice == Abstain {
			c.Abstain++
			continue
		}
		c.Yes++
		for _, n := range b.Approvals {
			votes[n]++
		}
	}
	return votes, c
}

// MostApproved is the option that most ballots approve. Among equals the lot decides (see lot).
func MostApproved(proposal event.ID, votes []uint64) int {
	best := 0
	for i := range votes {
		if votes[i] > votes[best] || votes[i] == votes[best] && lot(proposal, i, best) < 0 {
			best = i
		}
	}
	return best
}

// lot orders options that nothing else sets apart: by SHA-256 of the proposal's id and the option's
// number as 8 bytes, big-endian. Nobody can know it before the proposal is signed, and everybody can
// check it afterwards. It is below 0 if option a comes first.
func lot(proposal event.ID, a, b int) int {
	draw := func(option int) event.ID {
		return sha256.Sum256(binary.BigEndian.AppendUint64(proposal[:len(proposal):len(proposal)], uint64(option)))
	}
	return draw(a).Compare(draw(b))
}
