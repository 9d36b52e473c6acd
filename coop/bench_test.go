package coop

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/fold"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/identity"
)

// ballots are as many as each benchmark folds.
const ballots = 100_000

// pollID spreads ids as hashes would.
func pollID(n int) event.ID { return sha256.Sum256([]byte{byte(n), byte(n >> 8)}) }

// town is a cooperative of a crowd with some votes open, and one ballot of each member on each.
func town(b *testing.B, crowd int) (State, []fold.Env, []event.Draft) {
	polls := ballots / crowd
	w := newWorld(b)
	w.play("found elm by=ann daily=100000")
	s := w.state().Copy()
	s.Hall.Charter.Classes[0].Votes = true
	s.Hall.Charter.Tracks[2].Open = uint64(polls)
	var keys []identity.PublicKey
	apply := func(env fold.Env, kind event.Kind, body any) {
		d, err := event.NewDraft(kind, body)
		if err == nil {
			err = Machine().Apply(&s, env, d)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	for n := range uint64(crowd) {
		var seed [32]byte
		binary.LittleEndian.PutUint64(seed[:], n)
		key := identity.KeyFromSeed(seed).Public()
		keys = append(keys, key)
		apply(fold.Env{Key: key}, governance.KindMemberApply, governance.MemberApply{Name: "Member", Classes: []string{"guest"}})
	}
	for n := range polls {
		apply(fold.Env{Key: keyOf("ann").Public(), Seq: uint64(n) + 1, ID: pollID(n)}, governance.KindProposalOpen,
			governance.ProposalOpen{Title: "Poll", Track: "turnout"})
	}
	var envs []fold.Env
	var drafts []event.Draft
	for n := range polls {
		for m, key := range keys {
			d, err := event.NewDraft(governance.KindBallotCast, governance.BallotCast{Proposal: pollID(n), Choice: "yes"})
			if err != nil {
				b.Fatal(err)
			}
			envs = append(envs, fold.Env{Key: key, Seq: uint64(n) + 1, ID: event.ID{byte(n), byte(n >> 8), byte(m), byte(m >> 8), 2}})
			drafts = append(drafts, d)
		}
	}
	return s, envs, drafts
}

// BenchmarkBallots folds 100,000 ballots, each by another member than the one before; ns/ballot is the
// figure to watch. The time goes into finding rows in memory, so it grows with the crowd.
func BenchmarkBallots(b *testing.B) {
	for _, crowd := range []int{100, 1000, 10_000} {
		b.Run(fmt.Sprint(crowd), func(b *testing.B) {
			s, envs, drafts := town(b, crowd)
			b.ReportAllocs()
			for b.Loop() {
				trial := s.Copy()
				for i := range drafts {
					if err := Machine().Apply(&trial, envs[i], drafts[i]); err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/ballots, "ns/ballot")
		})
	}
}

// BenchmarkClose counts ten votes of 10,000 ballots each.
func BenchmarkClose(b *testing.B) {
	s, envs, drafts := town(b, 10_000)
	for i := range drafts {
		if err := Machine().Apply(&s, envs[i], drafts[i]); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		trial := s.Copy()
		Advance(&trial, trial.Hall.Time+hour+60_000)
	}
}

// BenchmarkRoot names a state of 10,000 members and 100,000 ballots.
func BenchmarkRoot(b *testing.B) {
	s, envs, drafts := town(b, 10_000)
	for i := range drafts {
		if err := Machine().Apply(&s, envs[i], drafts[i]); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		Root(&s)
	}
}
