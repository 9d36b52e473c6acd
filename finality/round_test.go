package finality

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/identity"
)

func ids(n int) []event.ID {
	var ids []event.ID
	for i := range n {
		ids = append(ids, sha256.Sum256([]byte{byte(i), byte(i >> 8)}))
	}
	slices.SortFunc(ids, event.ID.Compare)
	return ids
}

func parentIDs(n int) []RoundID {
	var parents []RoundID
	for i := range n {
		parents = append(parents, RoundID{byte(i), 1})
	}
	return parents
}

// sound is a block of steward 1 of four that breaks no rule.
func sound() Round {
	return Round{Steward: 1, Number: 5, Prev: RoundID{2, 1}, Last: 4, Parents: parentIDs(3), Vote: true, Inc: ids(4), At: dawn}
}

func TestRoundIsReadAsItWasSealed(t *testing.T) {
	ep := testEpoch(4, 1)
	rapid.Check(t, func(t *rapid.T) {
		want := Round{Steward: rapid.IntRange(0, 3).Draw(t, "steward"), Number: rapid.Uint64Range(1, MaxNumber).Draw(t, "number"),
			At: event.Time(rapid.Uint64Range(0, MaxNumber).Draw(t, "at")), Inc: ids(rapid.IntRange(0, 40).Draw(t, "inc"))}
		if want.Number > 1 {
			want.Parents = parentIDs(rapid.IntRange(3, 4).Draw(t, "parents"))
			if rapid.Bool().Draw(t, "prev") {
				want.Prev, want.Last = want.Parents[1], want.Number-1
			}
		}
		want.Vote = phaseOf(want.Number) == vote && rapid.Bool().Draw(t, "vote")
		sealed, err := SealRound(keys[want.Steward], &ep, want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := OpenRound(&ep, sealed.Raw)
		if err != nil {
			t.Fatal(err)
		}
		if got.ID != sealed.ID || got.Epoch != ep.Number || got.Steward != want.Steward || got.Number != want.Number ||
			got.Prev != want.Prev || got.Last != want.Last || !slices.Equal(got.Parents, want.Parents) || got.Vote != want.Vote ||
			!slices.Equal(got.Inc, want.Inc) || got.At != want.At || !bytes.Equal(got.Raw, sealed.Raw) {
			t.Fatalf("%+v became %+v", want, got)
		}
	})
}

// Blocks opened together are what each is alone, whatever is wrong with some.
func TestRoundsTogetherAreRoundsAlone(t *testing.T) {
	ep := testEpoch(4, 1)
	rapid.Check(t, func(t *rapid.T) {
		var raws [][]byte
		for range rapid.IntRange(0, 40).Draw(t, "blocks") {
			steward := rapid.IntRange(0, 3).Draw(t, "steward")
			of := ep
			of.Number += rapid.SampledFrom([]uint64{0, 0, 0, 1}).Draw(t, "epoch")
			sealed, err := SealRound(keys[steward], &of, Round{Steward: steward, Number: 1, At: event.Time(rapid.Uint64Range(0, 9).Draw(t, "at"))})
			if err != nil {
				t.Fatal(err)
			}
			raw := bytes.Clone(sealed.Raw)
			if rapid.IntRange(0, 7).Draw(t, "damaged") == 0 {
				raw[rapid.IntRange(0, len(raw)-1).Draw(t, "byte")] ^= 1
			}
			raws = append(raws, raw)
		}
		rounds, errs := OpenRounds(&ep, raws)
		for i, raw := range raws {
			want, err := OpenRound(&ep, raw)
			if fmt.Sprint(errs[i]) != fmt.Sprint(err) || (rounds[i] == nil) != (want == nil) || want != nil && rounds[i].ID != want.ID {
				t.Fatalf("block %d of %d: %v, alone %v", i, len(raws), errs[i], err)
			}
		}
	})
}

func TestLargestRoundFits(t *testing.T) {
	ep := testEpoch(MaxStewards, 1)
	r := Round{Steward: 30, Number: MaxNumber - 1, Prev: RoundID{9}, Last: MaxNumber - 3, Parents: parentIDs(MaxStewards), Inc: ids(MaxInc), At: MaxNumber}
	sealed, err := SealRound(keys[30], &ep, r)
	if err != nil {
		t.Fatal(err)
	}
	if len(sealed.Raw) > MaxRoundSize {
		t.Fatalf("%d bytes", len(sealed.Raw))
	}
	if _, err := OpenRound(&ep, sealed.Raw); err != nil {
		t.Fatal(err)
	}
}

func TestRoundsThatBreakARuleAreRefused(t *testing.T) {
	ep := testEpoch(4, 1)
	twice := parentIDs(3)
	twice[2] = twice[0]
	for name, c := range map[string]struct {
		want   error
		change func(*core)
	}{
		"version":                  {ErrVersion, func(c *core) { c.Version = 2 }},
		"kind":                     {ErrRoundForm, func(c *core) { c.Kind = "event" }},
		"other cooperative":        {ErrOtherCoop, func(c *core) { c.Coop[3]++ }},
		"other epoch":              {ErrOtherEpoch, func(c *core) { c.Epoch++ }},
		"other base":               {ErrOtherEpoch, func(c *core) { c.Base[0]++ }},
		"no such steward":          {ErrSteward, func(c *core) { c.Steward = 4 }},
		"round 0":                  {ErrNumber, func(c *core) { c.Number = 0 }},
		"round too high":           {ErrNumber, func(c *core) { c.Number = MaxNumber + 1 }},
		"time too high":            {ErrNumber, func(c *core) { c.At = MaxNumber + 1 }},
		"too few parents":          {ErrParents, func(c *core) { c.Parents = c.Parents[:2] }},
		"no parents":               {ErrParents, func(c *core) { c.Parents = nil }},
		"too many parents":         {ErrParents, func(c *core) { c.Parents = append(c.Parents, [32]byte{8}, [32]byte{9}) }},
		"one parent twice":         {ErrParents, func(c *core) { c.Parents[2] = c.Parents[0] }},
		"parents in round 1":       {ErrParents, func(c *core) { c.Number, c.Prev, c.Last, c.Vote = 1, nil, 0, false }},
		"prev without last":        {ErrPrev, func(c *core) { c.Last = 0 }},
		"last without prev":        {ErrPrev, func(c *core) { c.Prev = nil }},
		"prev no parent":           {ErrPrev, func(c *core) { c.Prev = &[32]byte{77} }},
		"prev of zeros":            {ErrPrev, func(c *core) { c.Prev, c.Last = &[32]byte{}, 3 }},
		"prev of the same round":   {ErrPrev, func(c *core) { c.Last = 5 }},
		"prev of a round to come":  {ErrPrev, func(c *core) { c.Last = 1<<64 - 1 }},
		"events out of order":      {ErrInc, func(c *core) { c.Inc[0], c.Inc[1] = c.Inc[1], c.Inc[0] }},
		"one event twice":          {ErrInc, func(c *core) { c.Inc[1] = c.Inc[0] }},
		"too many events":          {ErrInc, func(c *core) { c.Inc = make([][32]byte, MaxInc+1) }},
		"vote in a decide round":   {ErrVote, func(c *core) { c.Number, c.Last = 6, 5 }},
		"vote in a propose round":  {ErrVote, func(c *core) { c.Number, c.Last = 7, 6 }},
		"signed by somebody else":  {ErrSignature, func(c *core) { c.Steward = 2 }},
		"nothing wrong (baseline)": {nil, func(*core) {}},
	} {
		t.Run(name, func(t *testing.T) {
			r := sound()
			r.Epoch = ep.Number
			body := r.core(&ep)
			c.change(&body)
			if _, err := OpenRound(&ep, enclose(t, keys[1], body)); !errors.Is(err, c.want) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
		})
	}
}

// enclose signs a core without looking at it.
func enclose(t testing.TB, key identity.Key, c core) []byte {
	b, err := event.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	sig := key.Sign(signed(sha256.Sum256(b)))
	raw, err := event.Marshal(envelope{Core: b, Sig: sig[:]})
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestBytesThatAreNoRound(t *testing.T) {
	ep := testEpoch(4, 1)
	r, err := SealRound(keys[1], &ep, sound())
	if err != nil {
		t.Fatal(err)
	}
	for i := range r.Raw {
		changed := bytes.Clone(r.Raw)
		changed[i] ^= 1
		if _, err := OpenRound(&ep, changed); err == nil {
			t.Fatalf("byte %d can be changed", i)
		}
	}
	if _, err := OpenRound(&ep, append(bytes.Clone(r.Raw), 0)); !errors.Is(err, ErrRoundForm) {
		t.Fatalf("trailing byte: %v", err)
	}
	if _, err := OpenRound(&ep, make([]byte, MaxRoundSize+1)); !errors.Is(err, ErrRoundSize) {
		t.Fatalf("too long: %v", err)
	}
	short, err := event.Marshal(envelope{Core: r.Raw[3:], Sig: make([]byte, 63)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := OpenRound(&ep, short); !errors.Is(err, ErrSignature) {
		t.Fatalf("short signature: %v", err)
	}
}

func TestSealRefusesWhatOpenWould(t *testing.T) {
	ep := testEpoch(4, 1)
	if _, err := SealRound(keys[2], &ep, sound()); !errors.Is(err, ErrKey) {
		t.Fatalf("foreign key: %v", err)
	}
	r := sound()
	r.Parents = r.Parents[:2]
	if _, err := SealRound(keys[1], &ep, r); !errors.Is(err, ErrParents) {
		t.Fatalf("too few parents: %v", err)
	}
}

func FuzzOpenRound(f *testing.F) {
	ep := testEpoch(4, 1)
	for _, r := range []Round{sound(), {Steward: 0, Number: 1, At: dawn}} {
		sealed, err := SealRound(keys[r.Steward], &ep, r)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(sealed.Raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		// The signature is looked at last, so reading the core alone reaches further.
		var c core
		if event.Unmarshal(raw, &c) == nil && c.check(&ep) == nil {
			again, err := event.Marshal(c.round(RoundID{}, nil).core(&ep))
			if err != nil || !bytes.Equal(again, raw) {
				t.Fatalf("%x is read and becomes %x (%v)", raw, again, err)
			}
		}
		r, err := OpenRound(&ep, raw)
		if err != nil {
			return
		}
		again := enclose(t, keys[r.Steward], r.core(&ep))
		if !bytes.Equal(raw, again) {
			t.Fatalf("%x is read and becomes %x", raw, again)
		}
	})
}

func TestEpoch(t *testing.T) {
	for _, c := range []struct{ n, f, q int }{{1, 0, 1}, {2, 0, 2}, {3, 0, 2}, {4, 1, 3}, {5, 1, 4}, {6, 1, 4}, {7, 2, 5}, {10, 3, 7}, {13, 4, 9}, {31, 10, 21}} {
		ep := testEpoch(c.n, 1)
		if ep.N() != c.n || ep.F() != c.f || ep.Q() != c.q {
			t.Errorf("n = %d: f = %d, q = %d, want %d, %d", c.n, ep.F(), ep.Q(), c.f, c.q)
		}
		if 2*ep.Q()-ep.N() <= ep.F() || ep.N()-ep.F() < ep.Q() {
			t.Errorf("n = %d: two quorums share no correct steward, or too many must be alive", c.n)
		}
		if err := ep.Check(); err != nil {
			t.Error(err)
		}
	}
	if ep := testEpoch(0, 1); ep.Check() != ErrStewards {
		t.Error("an epoch without stewards passes")
	}
	ep := testEpoch(4, 1)
	ep.Stewards[3] = ep.Stewards[1]
	if ep.Check() != ErrStewards {
		t.Error("one steward twice passes")
	}
	ep = testEpoch(4, 1)
	ep.Stewards[0] = identity.PublicKey{1}
	if !errors.Is(ep.Check(), identity.ErrKeySmallOrder) {
		t.Error("a key of small order passes")
	}
	ep = testEpoch(4, 1)
	ep.Params.MinRound = ep.Params.MaxRound + 1
	if ep.Check() != ErrParams {
		t.Error("senseless times pass")
	}
}

func TestEveryStewardLeadsOncePerTurn(t *testing.T) {
	var orders []string
	for seed := range uint64(8) {
		ep := testEpoch(7, seed)
		order := ""
		for wave := range uint64(14) {
			leader := ep.Leader(wave)
			if leader != ep.Leader(wave+7) {
				t.Fatal("the order of leaders changes within the epoch")
			}
			order += string(rune('a' + leader))
		}
		for s := range 7 {
			if n := bytes.Count([]byte(order[:7]), []byte{byte('a' + s)}); n != 1 {
				t.Fatalf("steward %d leads %d of 7 waves", s, n)
			}
		}
		orders = append(orders, order)
	}
	slices.Sort(orders)
	if len(slices.Compact(orders)) < 6 {
		t.Fatal("the order of leaders does not depend on the base")
	}
}
