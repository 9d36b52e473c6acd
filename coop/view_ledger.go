package coop

import (
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/table"
	"github.com/sustainy/coop/tokens"
)

// AccountView is one account of one asset. Amounts are minor units of the currency or units of a token.
type AccountView struct {
	Kind      tokens.AccountKind  `json:"kind"`
	Member    *identity.PublicKey `json:"member,omitempty"`
	Name      string              `json:"name"` // of the member, or what the account is
	Asset     tokens.Asset        `json:"asset"`
	Token     string              `json:"token,omitempty"` // name; empty: the currency
	Has       uint64              `json:"has"`
	Owes      uint64              `json:"owes,omitempty"`
	Limit     uint64              `json:"limit,omitempty"`     // overdraft
	Claimable uint64              `json:"claimable,omitempty"` // minor units of the currency
}

// CashierView is a cashier's appointment.
type CashierView struct {
	Member identity.PublicKey `json:"member"`
	Name   string             `json:"name"`
	tokens.Cashier
}

// LedgerView is all that is anywhere. Escrow and income are sums.
type LedgerView struct {
	Currency governance.Currency `json:"currency"`
	Accounts []AccountView       `json:"accounts"`
	Cashiers []CashierView       `json:"cashiers,omitempty"`
}

// TokenView is one achievement token.
type TokenView struct {
	ID tokens.Asset `json:"id"`
	tokens.Token
	Currency governance.Currency `json:"currency"`
	Price    uint64              `json:"price,omitempty"` // of the last batch, in minor units for one unit
	Holders  []AccountView       `json:"holders,omitempty"`
}

// OrderView is an open order, or a transfer that waits for approval.
type OrderView struct {
	ID     event.ID           `json:"id"`
	What   string             `json:"what"` // buy, sell, transfer
	Token  string             `json:"token"`
	Asset  tokens.Asset       `json:"asset"`
	Owner  identity.PublicKey `json:"owner"` // the Assembly: the treasury
	Name   string             `json:"name"`
	Units  uint64             `json:"units"`
	Left   uint64             `json:"left"`
	Price  uint64             `json:"price,omitempty"`
	To     string             `json:"to,omitempty"` // of a transfer
	Memo   string             `json:"memo,omitempty"`
	Placed event.Time         `json:"placed,omitempty"`
	Until  event.Time         `json:"expires"`
}

// BookView is the market of one token: its orders best first, its prices latest first.
type BookView struct {
	Token    TokenView           `json:"token"`
	Currency governance.Currency `json:"currency"`
	Orders   []OrderView         `json:"orders"`
	Waiting  []OrderView         `json:"waiting,omitempty"`
	Prices   []tokens.Price      `json:"prices"`
}

// Ledger is all that is anywhere.
func Ledger(s *State) LedgerView {
	v := LedgerView{Currency: s.Hall.Currency, Accounts: s.accounts(tokens.Currency)}
	for asset := range table.All(&s.Ledger.Tokens) {
		v.Accounts = append(v.Accounts, s.accounts(asset)...)
	}
	for key, c := range table.All(&s.Ledger.Cashiers) {
		v.Cashiers = append(v.Cashiers, CashierView{key, s.whom(key), c})
	}
	return v
}

// accounts are those of an asset; what is in escrow, and unclaimed income, in one line each.
func (s *State) accounts(asset tokens.Asset) (views []AccountView) {
	escrow, income := uint64(0), uint64(0)
	t, _ := s.Ledger.Tokens.Get(asset)
	for account, b := range s.Ledger.Holders(asset) {
		v := AccountView{Kind: account.Kind, Name: string(account.Kind), Asset: asset, Token: t.Name, Has: b.Has, Owes: b.Owes}
		switch account.Kind {
		case tokens.InEscrow:
			escrow += b.Has
			continue
		case tokens.OfIncome, tokens.OfSplit:
			income += b.Has
			continue
		case tokens.OfMember:
			key := account.Key()
			v.Member, v.Name = &key, s.whom(key)
			if asset == tokens.Currency {
				v.Limit = s.Ledger.Overdraft(register{&s.Hall}, account)
			}
		}
		v.Claimable = s.Ledger.Claimable(account, asset)
		views = append(views, v)
	}
	if escrow > 0 {
		views = append(views, AccountView{Kind: tokens.InEscrow, Name: "escrow", Asset: asset, Token: t.Name, Has: escrow})
	}
	if income > 0 {
		views = append(views, AccountView{Kind: tokens.OfIncome, Name: "unclaimed income", Asset: asset, Token: t.Name, Has: income})
	}
	return views
}

// Tokens are all achievement tokens, without their holders.
func Tokens(s *State) []TokenView {
	views := make([]TokenView, 0, s.Ledger.Tokens.Len())
	for asset, t := range table.All(&s.Ledger.Tokens) {
		views = append(views, s.token(asset, t))
	}
	return views
}

func (s *State) token(asset tokens.Asset, t tokens.Token) TokenView {
	t.Income = s.Ledger.Earned(asset)
	v := TokenView{ID: asset, Token: t, Currency: s.Hall.Currency}
	if t.Trades > 0 {
		last, _ := s.Ledger.Prices.Get(tokens.Tick{Asset: asset, N: t.Trades - 1})
		v.Price = last.Price
	}
	return v
}

// Token is one achievement token with its holders.
func Token(s *State, asset tokens.Asset) (TokenView, bool) {
	t, ok := s.Ledger.Tokens.Get(asset)
	if !ok {
		return TokenView{}, false
	}
	v := s.token(asset, t)
	for _, a := range s.accounts(asset) {
		if a.Kind != tokens.OfIssue {
			v.Holders = append(v.Holders, a)
		}
	}
	return v, true
}

// Book is the market of a token.
func Book(s *State, asset tokens.Asset) (BookView, bool) {
	t, ok := s.Ledger.Tokens.Get(asset)
	v := BookView{Token: s.token(asset, t), Currency: s.Hall.Currency, Orders: []OrderView{}, Prices: []tokens.Price{}}
	for r := range table.From(&s.Ledger.Book, tokens.Rank{Asset: asset, Side: tokens.Buy, Price: tokens.MaxAmount}) {
		if r.Asset != asset {
			break
		}
		o, _ := s.Ledger.Orders.Get(r.ID)
		v.Orders = append(v.Orders, OrderView{ID: r.ID, What: string(o.Side), Token: t.Name, Asset: asset, Owner: o.Owner.Key(), Name: s.whom(o.Owner.Key()),
			Units: o.Units, Left: o.Left, Price: o.Price, Placed: o.At, Until: o.Until})
	}
	for id, w := range table.All(&s.Ledger.Waiting) {
		if w.Asset == asset {
			v.Waiting = append(v.Waiting, OrderView{ID: id, What: "transfer", Token: t.Name, Asset: asset, Owner: w.From.Key(), Name: s.whom(w.From.Key()),
				Units: w.Amount, Left: w.Amount, To: s.whom(w.To.Key()), Memo: w.Memo, Until: w.Until})
		}
	}
	for n := t.Trades; n > 0; n-- {
		p, kept := s.Ledger.Prices.Get(tokens.Tick{Asset: asset, N: n - 1})
		if !kept {
			break
		}
		v.Prices = append(v.Prices, p)
	}
	return v, ok
}
