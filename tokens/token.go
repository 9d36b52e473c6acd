package tokens

import (
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/text"
)

// Rule is how units of a token may change hands.
type Rule string

// The rules.
const (
	RuleFree     Rule = "free"          // to everybody known in the cooperative, members or not
	RuleMembers  Rule = "members"       // to members; so is the currency
	RuleApproval Rule = "coop-approval" // to members, once the members together approve
	RuleNone     Rule = "none"          // not at all
)

func (r Rule) known() bool {
	return r == RuleFree || r == RuleMembers || r == RuleApproval || r == RuleNone
}

// tradable tells whether units can be bought and sold on the market.
func (r Rule) tradable() bool { return r == RuleFree || r == RuleMembers }

// Token is an achievement, of which so many units exist for ever.
type Token struct {
	Name    string     `cbor:"name" json:"name"`
	Supply  uint64     `cbor:"supply" json:"supply"`
	Rule    Rule       `cbor:"rule" json:"rule"`
	Refusal bool       `cbor:"refusal" json:"refusal"` // the cooperative's orders to buy are served first
	Income  uint64     `cbor:"income" json:"income"`   // of all holders together, ever, in minor units of the currency
	Claimed uint64     `cbor:"claimed" json:"claimed"` // of that
	Trades  uint64     `cbor:"trades" json:"trades"`   // batches in which units changed hands
	Created event.Time `cbor:"created" json:"created"`
	Event   event.ID   `cbor:"event" json:"event"` // that made it
	Last    event.ID   `cbor:"last" json:"last"`   // that last paid income
}

// Share is how many units of a new token somebody gets.
type Share struct {
	To     identity.PublicKey `cbor:"to" json:"to"` // the Assembly: the treasury
	Amount uint64             `cbor:"amount" json:"amount"`
}

// Create is the body of tokens.create, an act of the Assembly: a token comes into being, all its units
// in the hands of these. NewAsset(proposal, Number) names it.
type Create struct {
	Number  uint64  `cbor:"number" json:"number"` // tells apart the tokens that one proposal makes
	Name    string  `cbor:"name" json:"name"`     // a label
	Rule    Rule    `cbor:"rule" json:"rule"`
	Refusal bool    `cbor:"refusal" json:"refusal"`
	Shares  []Share `cbor:"shares" json:"shares"`
}

// ChangeRule is the body of tokens.rule, an act of the Assembly. Orders of a token that is not tradable
// any more rest until they end.
type ChangeRule struct {
	Asset   Asset `cbor:"asset" json:"asset"`
	Rule    Rule  `cbor:"rule" json:"rule"`
	Refusal bool  `cbor:"refusal" json:"refusal"`
}

// Waiting is a transfer that the members have to approve. Its units are in escrow.
type Waiting struct {
	Asset  Asset      `cbor:"asset" json:"asset"`
	From   Account    `cbor:"from" json:"from"`
	To     Account    `cbor:"to" json:"to"`
	Amount uint64     `cbor:"amount" json:"amount"`
	Memo   string     `cbor:"memo" json:"memo"`
	Until  event.Time `cbor:"until" json:"until"` // then the units go back
}

// Transfer is the body of tokens.transfer.
type Transfer struct {
	Asset  Asset              `cbor:"asset" json:"asset"` // zero: the currency
	To     identity.PublicKey `cbor:"to" json:"to"`       // the Assembly: the treasury
	Amount uint64             `cbor:"amount" json:"amount"`
	Memo   string             `cbor:"memo" json:"memo"`
}

// Approve is the body of tokens.approve, an act of the Assembly.
type Approve struct {
	Transfer event.ID `cbor:"transfer" json:"transfer"`
}

// Cancel is the body of tokens.cancel: an order or a waiting transfer ends, and what was in escrow goes
// back. The Assembly can end any waiting transfer: that refuses the approval.
type Cancel struct {
	ID event.ID `cbor:"id" json:"id"`
}

// Create makes a token.
func (s *State) Create(a Act, b Create) error {
	if !a.assembly() {
		return ErrAssemblyOnly
	}
	if !text.Label(b.Name) {
		return ErrTokenName
	}
	asset := NewAsset(a.ID, b.Number)
	if s.Names.Has(textKey(b.Name)) || s.Tokens.Has(asset) {
		return ErrNameTaken
	}
	if !b.Rule.known() || b.Refusal && !b.Rule.tradable() {
		return ErrRule
	}
	supply, err := b.supply(a.People)
	if err != nil {
		return err
	}

	s.Tokens.Set(asset, Token{Name: b.Name, Supply: supply, Rule: b.Rule, Refusal: b.Refusal, Created: a.Time, Event: a.ID})
	s.Names.Set(textKey(b.Name), asset)
	for _, share := range b.Shares {
		s.Move(asset, Issue, Member(share.To), share.Amount, a.ID)
	}
	return nil
}

// supply checks the shares of a new token and adds them up.
func (b *Create) supply(people Register) (uint64, error) {
	if len(b.Shares) < 1 || len(b.Shares) > MaxShares {
		return 0, ErrShares
	}
	supply := uint64(0)
	holders := make([]identity.PublicKey, 0, len(b.Shares))
	for _, share := range b.Shares {
		if share.Amount < 1 || share.Amount > MaxAmount-supply {
			return 0, ErrAmount
		}
		if err := mayHold(people, b.Rule, Member(share.To)); err != nil {
			return 0, err
		}
		supply += share.Amount
		holders = append(holders, share.To)
	}
	if !text.Distinct(holders) {
		return 0, ErrShares
	}
	return supply, nil
}

// ChangeRule changes how a token may change hands.
func (s *State) ChangeRule(a Act, b ChangeRule) error {
	if !a.assembly() {
		return ErrAssemblyOnly
	}
	t, ok := s.Tokens.Get(b.Asset)
	if !ok {
		return ErrUnknownToken
	}
	if !b.Rule.known() || b.Refusal && !b.Rule.tradable() {
		return ErrRule
	}

	t.Rule, t.Refusal = b.Rule, b.Refusal
	s.Tokens.Set(b.Asset, t)
	s.Fresh.Set(b.Asset, struct{}{}) // orders that crossed while the token was off the market
	return nil
}

// rule is how an asset may change hands.
func (s *State) rule(asset Asset) (Rule, error) {
	if asset == Currency {
		return RuleMembers, nil
	}
	t, ok := s.Tokens.Get(asset)
	if !ok {
		return "", ErrUnknownToken
	}
	return t.Rule, nil
}

// Transfer hands on money or units of a token. The Assembly transfers what the treasury has, whatever
// the token's rule.
func (s *State) Transfer(a Act, b Transfer) error {
	rule, err := s.rule(b.Asset)
	if err != nil {
		return err
	}
	to := Member(b.To)
	if to == a.By {
		return ErrSelf
	}
	if rule == RuleNone && !a.assembly() {
		return ErrNotTransferable
	}
	if err := mayHold(a.People, rule, to); err != nil {
		return err
	}
	if !text.Prose(b.Memo, MaxMemo) {
		return ErrMemo
	}
	if err := s.Affords(a.People, b.Asset, a.By, b.Amount); err != nil {
		return err
	}
	if rule != RuleApproval || a.assembly() {
		s.Move(b.Asset, a.By, to, b.Amount, a.ID)
		return nil
	}
	if s.full(a.By) {
		return ErrOpenFull
	}

	w := Waiting{Asset: b.Asset, From: a.By, To: to, Amount: b.Amount, Memo: b.Memo, Until: a.Time + ApprovalPeriod}
	s.Waiting.Set(a.ID, w)
	s.Owned.Set(Stake{a.By, b.Asset, a.ID}, struct{}{})
	s.Agenda.Set(Due{w.Until, a.ID}, struct{}{})
	s.Move(b.Asset, a.By, Escrow(a.ID), b.Amount, a.ID)
	return nil
}

// Approve lets a waiting transfer pass.
func (s *State) Approve(a Act, b Approve) error {
	if !a.assembly() {
		return ErrAssemblyOnly
	}
	w, ok := s.Waiting.Get(b.Transfer)
	if !ok {
		return ErrNotOpen
	}
	if err := mayHold(a.People, RuleMembers, w.To); err != nil {
		return err
	}

	s.finish(b.Transfer, w, w.To, a.ID)
	return nil
}

// finish ends a waiting transfer: its units go to an account, the income that came meanwhile to the
// one who had them.
func (s *State) finish(id event.ID, w Waiting, to Account, by event.ID) {
	s.Move(w.Asset, Escrow(id), to, w.Amount, by)
	s.Inherit(w.Asset, Escrow(id), w.From)
	s.Waiting.Delete(id)
	s.Owned.Delete(Stake{w.From, w.Asset, id})
	s.Agenda.Delete(Due{w.Until, id})
}

// Cancel ends an order or a waiting transfer.
func (s *State) Cancel(a Act, b Cancel) error {
	if w, ok := s.Waiting.Get(b.ID); ok {
		if w.From != a.By && !a.assembly() {
			return ErrNotYours
		}
		s.finish(b.ID, w, w.From, a.ID)
		return nil
	}
	o, ok := s.Orders.Get(b.ID)
	if !ok {
		return ErrNotOpen
	}
	if o.Owner != a.By {
		return ErrNotYours
	}
	s.drop(b.ID, o, a.ID)
	return nil
}
