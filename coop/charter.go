package coop

import (
	"fmt"
	"slices"

	"github.com/sustainy/coop/commerce"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/missions"
	"github.com/sustainy/coop/surplus"
	"github.com/sustainy/coop/table"
	"github.com/sustainy/coop/tokens"
)

// DefaultCharter is that of the hall, whose proposals on track treasury may also do everything with money,
// tokens, missions and what is sold.
func DefaultCharter() governance.Charter {
	return withLedger(governance.DefaultCharter())
}

// Templates are those of the hall with the same addition.
func Templates() []governance.Template {
	all := governance.Templates()
	for i := range all {
		all[i].Charter = withLedger(all[i].Charter)
	}
	return all
}

// FindTemplate is one of Templates by its name.
func FindTemplate(name string) (governance.Template, bool) {
	t, ok := governance.FindTemplate(name)
	t.Charter = withLedger(t.Charter)
	return t, ok
}

func withLedger(c governance.Charter) governance.Charter {
	if i := slices.IndexFunc(c.Tracks, func(t governance.Track) bool { return t.Name == "treasury" }); i >= 0 {
		c.Tracks[i].Actions = append(c.Tracks[i].Actions, slices.Concat(tokens.Kinds(), missions.Kinds(), commerce.Kinds(), surplus.Kinds())...)
	}
	return c
}

// agreements are what the members have decided about value for good, beside the text of the charter, in plain
// words.
func (s *State) agreements() []governance.Article {
	const part = "agreed by decisions"
	money := s.Hall.Currency.Format
	terms := s.Missions.Terms
	all := []governance.Article{{Part: part, Name: "sales", Says: termsInWords(s.Shop.Terms)}}
	missions := "members list them without a deposit"
	if terms.Deposit > 0 {
		missions = fmt.Sprintf("members list them with a deposit of %s, which goes to those who flag what is judged to be spam", money(terms.Deposit))
	}
	all = append(all, governance.Article{Part: part, Name: "missions", Says: fmt.Sprintf("%s; once %d have flagged one, all members are asked for %s", missions, terms.Flags, governance.Period(terms.Trial))})
	for class, limit := range table.All(&s.Ledger.Overdrafts) {
		if limit > 0 {
			all = append(all, governance.Article{Part: part, Name: "credit", Says: fmt.Sprintf("a member of class %s may owe up to %s", class, money(limit))})
		}
	}
	for key, c := range table.All(&s.Ledger.Cashiers) {
		all = append(all, governance.Article{Part: part, Name: "cashier", Says: fmt.Sprintf("%s may issue and redeem up to %s each in %s", s.whom(key), money(c.Cap), governance.Period(c.Period))})
	}
	return all
}
