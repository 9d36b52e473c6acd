package coop

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/table"
	"github.com/sustainy/coop/tokens"
)

// statementOf tells the statement of somebody from the beginning.
func (w *world) statementOf(key identity.PublicKey) *Teller {
	genesis, err := Genesis(w.genesis)
	if err != nil {
		w.t.Fatal(err)
	}
	teller := NewTeller(genesis, key)
	for i, c := range w.commits {
		teller.Commit(uint64(i), anchorOf(i), c.at, c.order)
	}
	return teller
}

// TestStatementsSayWhatFor: whatever happens in the stories about money, every line of everybody's statement says
// whom or what it was with, the lines come to what the account has, and each stands where the one before left it.
func TestStatementsSayWhatFor(t *testing.T) {
	var all strings.Builder
	told := map[string]bool{}
	for _, story := range []string{"missions", "missions_milestones", "missions_spam", "missions_listing", "market", "shop", "shop_missions", "shop_refunds", "surplus", "tokens"} {
		text, err := os.ReadFile("testdata/" + story + ".txt")
		if err != nil {
			t.Fatal(err)
		}
		w := newWorld(t)
		tell(w, string(text))
		members := []identity.PublicKey{identity.Assembly}
		for key := range table.All(&w.state().Hall.Members) {
			members = append(members, key)
		}
		for _, key := range members {
			net := map[tokens.Asset]int64{}
			for _, e := range w.statementOf(key).Entries {
				net[e.Asset] += int64(e.In) - int64(e.Out)
				if e.With == "" && e.Memo == "" || (e.In > 0) == (e.Out > 0) || int64(e.Has)-int64(e.Owes) != net[e.Asset] || e.Has > 0 && e.Owes > 0 {
					t.Errorf("%s: %s: a line says nothing, or adds up to nothing: %+v", story, w.state().whom(key), e)
				}
				way := map[bool]string{true: "in", false: "out"}[e.In > 0]
				line := fmt.Sprintf("%s: %s: %d %s %s: %s: %s: %s\n", story, w.state().whom(key), e.In+e.Out, e.Name, way, e.What, e.With, e.Memo)
				if !told[line] {
					told[line] = true
					all.WriteString(line)
				}
			}
			for asset, sum := range net {
				if b := w.state().Ledger.Balance(asset, tokens.Member(key)); b.Net() != sum {
					t.Errorf("%s: %s has %d of %s, and the statement comes to %d", story, w.state().whom(key), b.Net(), asset, sum)
				}
			}
		}
	}
	golden(t, "testdata/statements.golden", all.String())
}
