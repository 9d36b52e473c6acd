package coop

import (
	"slices"
	"testing"

	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/tokens"
)

// TestAgreements: what decisions have agreed on for good stands in the readable charter.
func TestAgreements(t *testing.T) {
	x := newEconomy(t, 1)
	x.must(identity.Assembly, tokens.KindCredit, tokens.Credit{Class: "friend", Limit: 500})
	x.must(identity.Assembly, tokens.KindCredit, tokens.Credit{Class: "guest", Limit: 0})
	all := Charter(&x.s).Articles
	i := slices.IndexFunc(all, func(a governance.Article) bool { return a.Part == "agreed by decisions" })
	for n, want := range []string{
		"sales: the treasury gets 10 % of a sale, by the buyer's choice from 5 % to 30 %; the buyer may steer up to 50 %; a purchase can be given back for 1 day",
		"missions: members list them with a deposit of 0.05 EUR, which goes to those who flag what is judged to be spam; once 2 have flagged one, all members are asked for 1 hour",
		"credit: a member of class friend may owe up to 5.00 EUR",
		"cashier: Ann may issue and redeem up to 10737418.24 EUR each in 1 day",
	} {
		if a := all[i+n]; a.Name+": "+a.Says != want {
			t.Errorf("%s: %s", a.Name, a.Says)
		}
	}
	if len(all) != i+4 {
		t.Errorf("%d agreements more", len(all)-i-4)
	}
}
