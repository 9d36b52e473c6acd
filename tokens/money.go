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
	cashier, err := s.cashier(a, b.Amount, b.Receipt, b.Memo)
	if err != nil {
		return err
	}
	to := Member(b.To)
	if to == a.By && !a.assembly() {
		return ErrCashierSelf
	}
	if err := mayHold(a.People, RuleMembers, to); err != nil {
		return err
	}
	if !a.assembly() && b.Amount > cashier.Cap-cashier.Issued {
		return ErrCap
	}
	if !s.fits(b.Amount) {
		return ErrTooMuch
	}

	cashier.Issued += b.Amount
	s.book(a, cashier, b.Receipt, b.Amount, false)
	s.Move(Currency, Issue, to, b.Amount, a.ID)
	return nil
}

// RedeemMoney pays money out.
func (s *State) RedeemMoney(a Act, b RedeemMoney) error {
	cashier, err := s.cashier(a, b.Amount, b.Receipt, b.Memo)
	if err != nil {
		return err
	}
	if !a.assembly() && b.Amount > cashier.Cap-cashier.Redeemed {
		return ErrCap
	}
	if has, _ := s.Money.Get(a.By); b.Amount > has.Has { // nobody pays out what they owe
		return ErrFunds
	}
	if issued, _ := s.Money.Get(Issue); b.Amount > issued.Owes {
		return ErrNotIssued
	}

	cashier.Redeemed += b.Amount
	s.book(a, cashier, b.Receipt, b.Amount, true)
	s.Move(Currency, a.By, Issue, b.Amount, a.ID)
	return nil
}

// cashier checks what issue and redeem have in common, and finds the cashier in the present period.
func (s *State) cashier(a Act, amount uint64, receipt, memo string) (c Cashier, err error) {
	c, appointed := s.Cashiers.Get(a.By.Key())
	if !appointed && !a.assembly() {
		return c, ErrNotCashier
	}
	if appointed {
		if number := uint64((a.Time - c.Since) / c.Period); number != c.Number {
			c.Number, c.Issued, c.Redeemed = number, 0, 0
		}
	}
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
