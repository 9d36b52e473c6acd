package program

import (
	"encoding/json"
	"errors"
	"testing"
)

// FuzzCheck: no source makes Check panic or refuse without a reason, and what it accepts runs within
// its worst cost on an empty and on the largest input.
func FuzzCheck(f *testing.F) {
	for _, e := range Examples() {
		f.Add(e.Source)
	}
	for _, source := range runaways() {
		f.Add(source)
	}
	f.Add(`vote.rank([[0],[1]], 'a')`)
	f.Add(`{1: 2}.map(k, k)`)
	largest := big()
	f.Fuzz(func(t *testing.T, source string) {
		p, err := Check(source)
		if err != nil {
			var r *Refusal
			if !errors.As(err, &r) || r.Err == nil || errors.Is(err, ErrFault) || len(err.Error()) > 4*MaxReason {
				t.Fatalf("%v", err)
			}
			return
		}
		checkVerdict(t, p, Input{Proposal: Proposal{Form: YesNo}})
		checkVerdict(t, p, largest)
	})
}

// FuzzInput: no input makes an example panic, cost more than its worst, or vote what can't be cast.
func FuzzInput(f *testing.F) {
	var programs []*Program
	for _, e := range Examples() {
		programs = append(programs, mustCheck(f, e.Source))
	}
	for _, in := range []Input{{Proposal: Proposal{Form: YesNo}}, big()} {
		text, err := json.Marshal(in)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte(`{"proposal":{"form":"ranking","options":[{"title":"a","cost":5},{"title":"b"}]},"votes":[{"member":"a","choice":"rank","places":[[1],[0]]}],"settings":[{"key":"member","value":"a"},{"key":"members","value":"a,b"}]}`))
	f.Add([]byte(`{"proposal":{"form":"points","points":7,"options":[{"title":"Park"}]},"settings":[{"key":"words","value":"park"},{"key":"percent","value":"-9007199254740991"}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var in Input
		if json.Unmarshal(text, &in) != nil {
			return
		}
		for _, p := range programs {
			checkVerdict(t, p, in)
		}
	})
}
