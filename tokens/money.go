package tokens

import (
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/table"
	"github.com/sustainy/coop/text"
)

// textKey makes a text a key of a table.
func textKey(s string) table.Text { return table.Text(s) }

// Cashier is a member who brings money in and out on behalf of all, so much in a period.
type Cashier struct {
	Cap      uint64     `cbor:"cap" json:"cap"` // minor units to issue, and as many to redeem, in a period
	Period   event.Time `cbor:"period" json:"period"`
	Since    event.Time `cbor:"since" json:"since"`       // coop time of the appointment, when the first period began
	Number   uint64     `cbor:"number" json:"number"`     // of the period that the next two are of
	Issued   uint64     `cbor:"issued" json:"issued"`     // minor units
	Redeemed uint64     `cbor:"redeemed" json:"redeemed"` // minor units
}

// Receipt is what brought money in or out.
type Receipt struct {
	By     identity.PublicKey `cbor:"by" json:"by"` // the cashier, or the Assembly
	Amount uint64             `cbor:"amount" json:"amount"`
	Out    bool               `cbor:"out" json:"out"` // redeemed
	At     event.Time         `cbor:"at" json:"at"`
	Event  event.ID           `cbor:"event" json:"event"`
}

// IssueMoney is the body of tokens.issue: money has come in, so the member gets as much of the currency.
type IssueMoney struct {
	To      identity.PublicKey `cbor:"to" json:"to"` // the Assembly: the treasury
	Amount  uint64             `cbor:"amount" json:"amount"`
	Receipt string             `cbor:"receipt" json:"receipt"` // what proves it outside; counts once
	Memo    string             `cbor:"memo" json:"memo"`
}

// RedeemMoney is the body of tokens.redeem: so much of the currency is paid out, from the cashier's own
// account, to which the member who wanted it has transferred it; the Assembly's from the treasury.
type RedeemMoney struct {
	Amount  uint64 `cbor:"amount" json:"amount"`
	Receipt string `cbor:"receipt" json:"receipt"`
	Memo    string `cbor:"memo" json:"memo"`
}

// Appoint is the body of tokens.appoint, an act of the Assembly: a member becomes cashier, under these
// terms from now on.
type Appoint struct {
	Member identity.PublicKey `cbor:"member" json:"member"`
	Cap    uint64             `cbor:"cap" json:"cap"`       // 0 ends the appointment
	Period event.Time         `cbor:"period" json:"period"` // milliseconds
}

// Credit is the body of tokens.credit, an act of the Assembly: members of a class may owe so much.
type Credit struct {
	Class string `cbor:"class" json:"class"`
	Limit uint64 `cbor:"limit" json:"limit"` // minor units; 0: nothing
}

// IssueMoney brings money in.
func (s *State) IssueMoney(a Act, b IssueMoney) error {
	to := Member(b.To)
	cashier, err := s.cashier(a, b.Amount, b.Receipt, b.Memo)
	if err != nil {
		return err
	}
	if to == a.By && !a.assembly() {
		return ErrCashierSelf
	}
	if err := mayHold(a.People, RuleMembers, to); err != nil {
		return err
	}
	if err := s.mayIssue(a, cashier, b.Amount); err != nil {
		return err
	}

	s.TakeIn(a, b.Amount, b.Receipt)
	s.Move(Currency, Issue, to, b.Amount, a.ID)
	return nil
}

// CanTakeIn tells why who acts cannot bring so much money in for this receipt, or nil.
func (s *State) CanTakeIn(a Act, amount uint64, receipt, memo string) error {
	cashier, err := s.cashier(a, amount, receipt, memo)
	if err != nil {
		return err
	}
	return s.mayIssue(a, cashier, amount)
}

// TakeIn books money that CanTakeIn allows; whoever calls it moves as much from the issue.
func (s *State) TakeIn(a Act, amount uint64, receipt string) {
	c := s.present(a)
	c.Issued += amount
	s.book(a, c, receipt, amount, false)
}

func (s *State) mayIssue(a Act, c Cashier, amount uint64) error {
	if !a.assembly() && amount > c.Cap-c.Issued {
		return ErrCap
	}
	if !s.fits(amount) {
		return ErrTooMuch
	}
	return nil
}

// RedeemMoney pays money out.
func (s *State) RedeemMoney(a Act, b RedeemMoney) error {
	cashier, err := s.cashier(a, b.Amount, b.Receipt, b.Memo)
	if err != nil {
		return err
	}
	if has, _ := s.Money.Get(a.By); b.Amount > has.Has { // nobody pays out what they owe
		return ErrFunds
	}
	if err := s.mayRedeem(a, cashier, b.Amount); err != nil {
		return err
	}

	s.GiveOut(a, b.Amount, b.Receipt)
	s.Move(Currency, a.By, Issue, b.Amount, a.ID)
	return nil
}

// CanGiveOut tells why who acts cannot pay so much money out for this receipt, or nil.
func (s *State) CanGiveOut(a Act, amount uint64, receipt, memo string) error {
	cashier, err := s.cashier(a, amount, receipt, memo)
	if err != nil {
		return err
	}
	return s.mayRedeem(a, cashier, amount)
}

// GiveOut books money that CanGiveOut allows; whoever calls it moves as much to the issue.
func (s *State) GiveOut(a Act, amount uint64, receipt string) {
	c := s.present(a)
	c.Redeemed += amount
	s.book(a, c, receipt, amount, true)
}

func (s *State) mayRedeem(a Act, c Cashier, amount uint64) error {
	if !a.assembly() && amount > c.Cap-c.Redeemed {
		return ErrCap
	}
	if issued, _ := s.Money.Get(Issue); amount > issued.Owes {
		return ErrNotIssued
	}
	return nil
}

// cashier checks what issue and redeem have in common, and finds the cashier in the present period.
func (s *State) cashier(a Act, amount uint64, receipt, memo string) (c Cashier, err error) {
	if !a.assembly() && !s.Cashiers.Has(a.By.Key()) {
		return c, ErrNotCashier
	}
	c = s.present(a)
	if amount < 1 || amount > MaxAmount {
		return c, ErrAmount
	}
	if !text.Line(receipt, MaxReceipt) {
		return c, ErrReceipt
	}
	if !text.Prose(memo, MaxMemo) {
		return c, ErrMemo
	}
	if s.Receipts.Has(textKey(receipt)) {
		return c, ErrReceiptUsed
	}
	return c, nil
}

// present is the cashier who acts, if one does, in the present period.
func (s *State) present(a Act) Cashier {
	c, appointed := s.Cashiers.Get(a.By.Key())
	if !appointed {
		return c
	}
	if number := uint64((a.Time - c.Since) / c.Period); number != c.Number {
		c.Number, c.Issued, c.Redeemed = number, 0, 0
	}
	return c
}

// book notes a receipt, and what its cashier has done.
func (s *State) book(a Act, c Cashier, receipt string, amount uint64, out bool) {
	if !a.assembly() {
		s.Cashiers.Set(a.By.Key(), c)
	}
	s.Receipts.Set(textKey(receipt), Receipt{By: a.By.Key(), Amount: amount, Out: out, At: a.Time, Event: a.ID})
}

// Appoint makes a member cashier, or ends that.
func (s *State) Appoint(a Act, b Appoint) error {
	if !a.assembly() {
		return ErrAssemblyOnly
	}
	if b.Cap == 0 {
		if !s.Cashiers.Has(b.Member) {
			return ErrNoAppointment
		}
		s.Cashiers.Delete(b.Member)
		return nil
	}
	if !a.People.Person(b.Member).Member {
		return ErrNoMember
	}
	if b.Cap > MaxAmount || b.Period < hour || b.Period > MaxPeriod {
		return ErrCashierTerms
	}

	s.Cashiers.Set(b.Member, Cashier{Cap: b.Cap, Period: b.Period, Since: a.Time})
	return nil
}

// Credit sets how much the members of a class may owe. Who owes more already only cannot spend.
func (s *State) Credit(a Act, b Credit) error {
	if !a.assembly() {
		return ErrAssemblyOnly
	}
	if b.Limit > MaxAmount {
		return ErrAmount
	}

	s.Most = max(s.Most, b.Limit)
	if b.Limit == 0 {
		s.Overdrafts.Delete(textKey(b.Class))
		return nil
	}
	s.Overdrafts.Set(textKey(b.Class), b.Limit)
	return nil
}
