package coop

import (
	"encoding/csv"
	"fmt"
	"io"
	"iter"
	"strings"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/fold"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/surplus"
	"github.com/sustainy/coop/table"
	"github.com/sustainy/coop/text"
	"github.com/sustainy/coop/tokens"
)

// surplusRules are the rules about the surplus.
func surplusRules() []fold.Rule[State] {
	return []fold.Rule[State]{
		fold.On(surplus.KindDistribute, dividing((*surplus.State).Distribute)),
		fold.On(surplus.KindPayout, dividing((*surplus.State).Payout)),
		fold.On(surplus.KindClaim, dividing((*surplus.State).Claim)),
	}
}

// dividing makes a rule about the surplus a rule of the cooperative.
func dividing[B any](rule func(*surplus.State, surplus.Act, B) error) func(*State, fold.Env, B) error {
	return func(s *State, env fold.Env, body B) error {
		act, err := s.ledgerAct(env)
		if err != nil {
			return err
		}
		return rule(&s.Surplus, surplus.Act{Act: act, Ledger: &s.Ledger, Roll: register{&s.Hall}}, body)
	}
}

// Class tells whether the charter has a class.
func (r register) Class(name string) bool {
	_, ok := r.hall.Charter.Class(name)
	return ok
}

// Members yields the members at present, by key.
func (r register) Members() iter.Seq2[identity.PublicKey, tokens.Person] {
	return func(yield func(identity.PublicKey, tokens.Person) bool) {
		for key, m := range table.All(&r.hall.Members) {
			if m.Status == governance.StatusMember && !yield(key, r.Person(key)) {
				return
			}
		}
	}
}

// surplusInWords says what an action about the surplus would do.
func surplusInWords(s *State, d event.Draft) (words string, ok bool) {
	money := s.Hall.Currency.Format
	switch d.Kind {
	case surplus.KindDistribute:
		if b, ok := read[surplus.Distribute](d); ok {
			return fmt.Sprintf("distribute %s of the surplus to capital accounts: %s; the rest is the treasury's reserve", money(b.Pool), partsInWords(b.Parts)), true
		}
	case surplus.KindPayout:
		if b, ok := read[surplus.Payout](d); ok {
			return fmt.Sprintf("make %s of what distribution %d allotted payable", Millionths(b.Share), b.Number), true
		}
	}
	return "", false
}

func partsInWords(parts []surplus.Part) string {
	words := make([]string, len(parts))
	for n, p := range parts {
		words[n] = Millionths(p.Share) + " " + partInWords(p)
	}
	return strings.Join(words, ", ")
}

func partInWords(p surplus.Part) string {
	class := "everybody"
	if p.Class != "" {
		class = "class " + p.Class
	}
	return map[surplus.Measure]string{surplus.ByPurchases: "by purchases to ", surplus.ByContributions: "by contributions to ", surplus.Equally: "equally to "}[p.By] + class
}

// SurplusView is what sales have brought, and how it was divided.
type SurplusView struct {
	Currency governance.Currency `json:"currency"`
	surplus.Facts
	Left          uint64             `json:"left"` // can be distributed
	Distributions []DistributionView `json:"distributions"`
	Accounts      []CapitalView      `json:"accounts"` // capital accounts
}

// DistributionView is one distribution, with what everybody got.
type DistributionView struct {
	Number uint64 `json:"number"`
	surplus.Distribution
	Says       string              `json:"says"`
	Currency   governance.Currency `json:"currency"`
	Allotments []AllotmentView     `json:"allotments,omitempty"`
}

// AllotmentView is what somebody got of a distribution.
type AllotmentView struct {
	Key  identity.PublicKey `json:"key"`
	Name string             `json:"name"`
	surplus.Allotment
	Due uint64 `json:"due"` // can be taken
}

// CapitalView is somebody's capital account.
type CapitalView struct {
	Key  identity.PublicKey `json:"key"`
	Name string             `json:"name"`
	surplus.Account
}

// Surplus is the whole surplus, without what everybody got.
func Surplus(s *State) SurplusView {
	v := SurplusView{Currency: s.Hall.Currency, Facts: s.Surplus.Facts, Left: s.Surplus.Earned - s.Surplus.Distributed, Distributions: []DistributionView{}, Accounts: []CapitalView{}}
	for number, d := range table.All(&s.Surplus.Distributions) {
		v.Distributions = append(v.Distributions, DistributionView{Number: uint64(number), Distribution: d, Says: partsInWords(d.Parts), Currency: s.Hall.Currency})
	}
	for key, account := range table.All(&s.Surplus.Capital) {
		v.Accounts = append(v.Accounts, CapitalView{key, nameOf(s, key), account})
	}
	return v
}

// Distribution is one distribution with what everybody got: its statement.
func Distribution(s *State, number uint64) (DistributionView, bool) {
	d, ok := s.Surplus.Distributions.Get(table.Number(number))
	v := DistributionView{Number: number, Distribution: d, Says: partsInWords(d.Parts), Currency: s.Hall.Currency}
	for key, own := range s.Surplus.Allotted(number) {
		v.Allotments = append(v.Allotments, AllotmentView{key, nameOf(s, key), own, s.Surplus.Due(number, key)})
	}
	return v, ok
}

// DistributionCSV writes the statement of a distribution for a spreadsheet; see StatementCSV.
func DistributionCSV(w io.Writer, v DistributionView) error {
	out := csv.NewWriter(w)
	head := []string{"key", "name"}
	for _, p := range v.Parts {
		head = append(head, partInWords(p))
	}
	decimal := func(n uint64) string {
		number, _, _ := strings.Cut(v.Currency.Format(n), " ")
		return number
	}
	if err := out.Write(append(head, "allotted", "taken", "payable now")); err != nil {
		return err
	}
	for _, own := range v.Allotments {
		row := []string{own.Key.String(), text.Cell(own.Name)}
		for _, amount := range own.Amounts {
			row = append(row, decimal(amount))
		}
		if err := out.Write(append(row, decimal(own.Total), decimal(own.Taken), decimal(own.Due))); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}
