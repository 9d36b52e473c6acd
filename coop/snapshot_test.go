package coop

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/fold"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/table"
)

func written(t testing.TB, s *State) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := WriteSnapshot(&b, s); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// goOn folds the n-th commit of a world by hand.
func goOn(s *State, n int, c commit) (refusals []string) {
	Seed(s, uint64(n), anchorOf(n))
	Advance(s, c.at)
	for _, e := range c.order {
		refusal := ""
		env := fold.Env{ID: e.ID, Key: e.Key, Seq: e.Seq, At: e.At, Index: uint64(n), Time: c.at, Final: true}
		if err := Machine().Apply(s, env, event.Draft{Kind: e.Kind, Body: e.Body}); err != nil {
			refusal = err.Error()
		}
		refusals = append(refusals, refusal)
	}
	MoveOn(s)
	return refusals
}

// reread writes and reads the state at some places of the story, and expects that what was read goes on as the
// other does: the same refusals in the same words, the same root.
func (w *world) reread(places int) {
	if w.genesis == nil {
		return
	}
	genesis, err := Genesis(w.genesis)
	if err != nil {
		w.t.Fatal(err)
	}
	s, again := genesis.Copy(), []*State(nil)
	every := max(1, len(w.commits)/places)
	for n, c := range w.commits {
		refusals := strings.Join(goOn(&s, n, c), "\n")
		var root [32]byte
		look := n%max(1, len(w.commits)/50) == 0 || n+1 == len(w.commits)
		if look {
			root = Root(&s)
		}
		for _, other := range again {
			if got := strings.Join(goOn(other, n, c), "\n"); got != refusals {
				w.t.Fatalf("commit %d: a state that was read refuses %q, not %q", n, got, refusals)
			}
			if look && Root(other) != root {
				w.t.Fatalf("commit %d: a state that was read has come to another one", n)
			}
		}
		if n%every == every-1 {
			read, err := ReadSnapshot(bytes.NewReader(written(w.t, &s)))
			if err != nil {
				w.t.Fatalf("commit %d: %v", n, err)
			}
			if Root(read) != Root(&s) {
				w.t.Fatalf("commit %d: what was read has another root", n)
			}
			again = append(again, read)
		}
	}
	if Root(&s) != Root(w.state()) {
		w.t.Fatal("folding by hand gives another root")
	}
}

// TestSnapshotsOfVotesUnderWay: those who vote, veto, are silent or are drawn later are who they were when the
// vote began or the jury was called, however the members have changed since; and little is written for it.
func TestSnapshotsOfVotesUnderWay(t *testing.T) {
	for name, c := range map[string]struct {
		story        []string
		rolls, pools int // the most rows at a time
	}{
		"a jury": {[]string{"found elm by=ann,bob,cleo,dan charter=entire stewards=ann classes=bob:friend,cleo:friend", "ann invite door uses=9", "eve apply class=friend invite=door",
			"ann propose panel track=quick jury=prize:1:1", "bob vote panel yes", "wait 61m", "ann propose open track=general", "wait 1ms", "gus apply class=friend invite=door", "cleo leave", "ann sponsor gus", "bob sponsor gus",
			"ann vote open yes", "eve vote open no", "gus vote open no", "cleo vote open no", "wait 8d"}, 2, 2},
		"parties": {[]string{"found elm by=ann,bob,cleo,dan,eva,fred,gil,hal", "bob delegate ann", "ann propose roof track=quick jury=prize:2:3 parties=ann", "ann vote roof yes", "cleo vote roof yes",
			"wait 61m", "wait 1m", "bob undelegate"}, 0, 1},
		"silence": {[]string{"found elm by=ann,bob,cleo,dan,eve,gus charter=guild silence=30d", "wait 31d", "wait 23h30m", "dan invite here", "eve invite there", "bob propose late track=turnout",
			"cleo invite door", "eve leave", "wait 31m", "dan invite gate", "cleo vote late yes", "dan vote late no", "wait 61m"}, 2, 0},
		"chambers": {[]string{"found elm by=ann,bob,cleo,dan,eve charter=townhall classes=ann:friend,bob:friend,cleo:friend+worker,dan:worker,eve:worker", "ann propose roof track=houses",
			"dan ask friend", "ann vouch dan friend", "bob vouch dan friend", "dan vote roof yes", "wait 61m"}, 1, 0},
	} {
		w := newWorld(t)
		for _, text := range c.story {
			if said := said0(w.play(text)); strings.HasPrefix(said, "refused") && !strings.Contains(text, "vote open") {
				t.Fatalf("%s: %s: %s", name, text, said)
			}
		}
		w.reread(len(w.commits))
		genesis, _ := Genesis(w.genesis)
		rolls, pools := 0, 0
		for n, c := range w.commits {
			goOn(&genesis, n, c)
			f := genesis.Hall.Frozen()
			rolls, pools = max(rolls, f.Rolls.Len()), max(pools, f.Pools.Len())
		}
		if rolls != c.rolls || pools != c.pools {
			t.Errorf("%s: at most %d rows of rolls and %d of pools, expected %d and %d", name, rolls, pools, c.rolls, c.pools)
		}
	}
}

// TestOnlyTheOneSpelling: any change of a snapshot is refused, or is another state with another root.
func TestOnlyTheOneSpelling(t *testing.T) {
	s := lively(t).state()
	whole := written(t, s)
	if _, err := ReadSnapshot(bytes.NewReader(append(bytes.Clone(whole), 0))); !errors.Is(err, ErrSnapshot) {
		t.Errorf("one byte more: %v", err)
	}
	for n := 0; n < len(whole); n += 997 {
		if _, err := ReadSnapshot(bytes.NewReader(whole[:n])); !errors.Is(err, ErrSnapshot) {
			t.Fatalf("cut off at %d: %v", n, err)
		}
		changed := bytes.Clone(whole)
		changed[n] ^= 1
		if read, err := ReadSnapshot(bytes.NewReader(changed)); err == nil && Root(read) == Root(s) {
			t.Fatalf("byte %d does not matter", n)
		} else if err == nil && !bytes.Equal(written(t, read), changed) {
			t.Fatalf("byte %d changed: what was read is written otherwise", n)
		}
	}
	ann := publicOf("ann")
	for due := range table.All(&s.Hall.Agenda) {
		for name, f := range map[string]governance.Voter{"who is on the roll anyhow": {Votes: true, Classes: []string{"friend"}}, "who is not": {}} {
			more, p := s.Hall.Frozen(), due.Proposal
			if m, _ := s.Hall.Members.Get(ann); f.Votes {
				f.Classes = m.Classes
			} else {
				p = event.ID{}
			}
			more.Rolls.Set(governance.Seat{Proposal: p, Member: ann}, f)
			var b bytes.Buffer
			if err := write(&b, s, &more); err != nil {
				t.Fatal(err)
			}
			if _, err := ReadSnapshot(&b); !errors.Is(err, ErrSnapshot) {
				t.Errorf("a row too many, of one %s: %v", name, err)
			}
		}
	}
	long := bytes.Clone(whole[:len(magic)+5+8])
	if _, err := ReadSnapshot(bytes.NewReader(binary.BigEndian.AppendUint32(long, maxRecord+1))); !errors.Is(err, ErrSnapshot) {
		t.Errorf("a record without end: %v", err)
	}
}

// FuzzReadSnapshot: whatever is read is written again byte by byte.
func FuzzReadSnapshot(f *testing.F) {
	f.Add(written(f, lively(f).state()))
	f.Add(written(f, divided(f).state()))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := ReadSnapshot(bytes.NewReader(b))
		if err != nil {
			if !errors.Is(err, ErrSnapshot) {
				t.Fatalf("another error: %v", err)
			}
			return
		}
		if !bytes.Equal(written(t, s), b) {
			t.Fatal("it is written otherwise")
		}
	})
}
