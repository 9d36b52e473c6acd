package coop

import (
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/fold"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/table"
	"github.com/sustainy/coop/text"
	"github.com/sustainy/coop/tokens"
)

// Entry is one line of a statement: what one step of the order did to one account. Amounts are in minor
// units of the currency or in units of a token; one of In and Out is 0.
type Entry struct {
	At    event.Time   `json:"at"` // coop time
	Asset tokens.Asset `json:"asset"`
	Name  string       `json:"name"` // of the asset: the currency's code, or the token's
	In    uint64       `json:"in"`
	Out   uint64       `json:"out"`
	Has   uint64       `json:"has"` // afterwards
	Owes  uint64       `json:"owes"`
	What  string       `json:"what"` // the kind of event; "market", "ended", "sale", "mission" or "decision" where there is none
	With  string       `json:"with,omitempty"`
	Memo  string       `json:"memo,omitempty"`
	Event event.ID     `json:"event"` // of a decision, its proposal; zero where there is none
}

// byDecision is what does things where a proposal has passed.
const byDecision = "decision"

// Teller writes the statement of one account by following the whole order once more. The state keeps
// balances and no history: this is where history comes from, and it cannot differ from the balances,
// because it only looks at how they change.
type Teller struct {
	Entries []Entry

	state   State
	account tokens.Account
	last    table.Table[tokens.Asset, tokens.Balance]
	moves   []move // of the account, since it was looked at last
}

// NewTeller begins at the genesis of a cooperative; the Assembly's account is the treasury.
func NewTeller(genesis State, member identity.PublicKey) *Teller {
	t := &Teller{state: genesis, account: tokens.Member(member)}
	t.state.Ledger.Watch(t.see)
	return t
}

// Refound follows a re-founding between two commits.
func (t *Teller) Refound(r *governance.Refounding) { t.state.Hall.Refound(r) }

// Commit follows one commit, which the block anchor made final.
func (t *Teller) Commit(index uint64, anchor [32]byte, at event.Time, order []*event.Event) {
	s := &t.state
	Seed(s, index, anchor)
	advance(s, at, func(what string, by event.ID) {
		p, _ := s.Hall.Proposals.Get(by)
		t.look(Entry{At: at, What: what, Event: by, With: p.Title})
	})
	for _, e := range order {
		env := fold.Env{ID: e.ID, Key: e.Key, Seq: e.Seq, At: e.At, Index: index, Time: at, Final: true}
		if machine.Apply(s, env, event.Draft{Kind: e.Kind, Body: e.Body}) != nil {
			t.moves = nil
			continue
		}
		if len(t.moves) > 0 {
			entry := Entry{At: at, What: string(e.Kind), Event: e.ID}
			entry.With, entry.Memo = t.about(e)
			t.look(entry)
		}
	}
	MoveOn(s)
	t.look(Entry{At: at, What: "market"})
}

// look adds lines for every asset of which the account has another amount than before.
func (t *Teller) look(e Entry) {
	moves := t.moves
	t.moves = nil
	var assets []tokens.Asset
	for _, m := range moves {
		if !slices.Contains(assets, m.asset) {
			assets = append(assets, m.asset)
		}
	}
	slices.SortFunc(assets, tokens.Asset.Compare) // the currency is the first
	for _, asset := range assets {
		name := t.state.Hall.Currency.Code
		if asset != tokens.Currency {
			name = t.state.tokenName(asset)
		}
		t.compare(asset, name, e, moves)
	}
}

// compare adds a line for each cause for which one asset of the account is another amount than before; if the
// moves that were seen do not come to it, one for all.
func (t *Teller) compare(asset tokens.Asset, name string, e Entry, moves []move) {
	before, _ := t.last.Get(asset)
	now := t.state.Ledger.Balance(asset, t.account)
	if now.Has == before.Has && now.Owes == before.Owes {
		return
	}
	t.last.Set(asset, now)
	e.Asset, e.Name = asset, name
	from, to := before.Net(), now.Net()
	causes, sum := grouped(moves, asset, e)
	if from+sum != to {
		causes = []Entry{e}
		causes[0].In, causes[0].Out = uint64(max(to-from, 0)), uint64(max(from-to, 0))
	}
	for _, cause := range causes {
		from += int64(cause.In) - int64(cause.Out)
		cause.Has, cause.Owes = uint64(max(from, 0)), uint64(max(-from, 0))
		t.Entries = append(t.Entries, cause)
	}
}

// about tells with whom, and what the author said of it.
func (t *Teller) about(e *event.Event) (with, memo string) {
	s := &t.state
	device, _ := s.Hall.Devices.Get(e.Key)
	author := device.Member
	var other identity.PublicKey
	d := event.Draft{Kind: e.Kind, Body: e.Body}
	switch e.Kind {
	case tokens.KindTransfer:
		b, _ := read[tokens.Transfer](d)
		other, memo = b.To, b.Memo
	case tokens.KindIssue:
		b, _ := read[tokens.IssueMoney](d)
		other, memo = b.To, strings.TrimSpace(b.Receipt+" "+b.Memo)
	case tokens.KindRedeem:
		b, _ := read[tokens.RedeemMoney](d)
		return "", strings.TrimSpace(b.Receipt + " " + b.Memo)
	case tokens.KindPay:
		b, _ := read[tokens.Pay](d)
		return "holders of " + s.tokenName(b.Asset), b.Memo
	case tokens.KindClaim:
		b, _ := read[tokens.Claim](d)
		return "income of " + s.tokenName(b.Asset), ""
	case tokens.KindOrder:
		b, _ := read[tokens.PlaceOrder](d)
		return "the market of " + s.tokenName(b.Asset), fmt.Sprintf("%s %s at %s", b.Side, units(b.Units), s.Hall.Currency.Format(b.Price))
	default:
		return t.aboutShop(d)
	}
	if t.account == tokens.Member(author) {
		return s.whom(other), memo
	}
	return s.whom(author), memo
}

// StatementCSV writes a statement for a spreadsheet. What members wrote cannot become a formula there
// (text.Cell); amounts are decimals of whole units, in two columns, so that none begins with a sign.
func StatementCSV(w io.Writer, c governance.Currency, entries []Entry) error {
	out := csv.NewWriter(w)
	if err := out.Write([]string{"time", "asset", "in", "out", "has", "owes", "what", "with", "memo", "event"}); err != nil {
		return err
	}
	for _, e := range entries {
		decimal := func(n uint64) string {
			if e.Asset != tokens.Currency {
				return fmt.Sprint(n)
			}
			number, _, _ := strings.Cut(c.Format(n), " ")
			return number
		}
		row := []string{e.At.String(), e.Name, decimal(e.In), decimal(e.Out), decimal(e.Has), decimal(e.Owes), e.What, text.Cell(e.With), text.Cell(e.Memo), e.Event.String()}
		if err := out.Write(row); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}
