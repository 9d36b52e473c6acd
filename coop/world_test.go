package coop

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/fold"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/table"
	"github.com/sustainy/coop/tokens"
)

// dawn is when stories begin.
var dawn = event.Time(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli())

// strand is what one key has signed.
type strand struct {
	events []*event.Event
	forked *event.Event // signed with the number of the last
}

type commit struct {
	at    event.Time
	order []*event.Event
}

// world is a cooperative with people in it, each event of whom becomes a commit of its own.
type world struct {
	t         testing.TB
	line      *fold.Timeline[State]
	genesis   *event.Event
	now       event.Time
	commits   []commit
	told      [][]string // by commit: what was refused of its events, and why
	strands   map[string]*strand
	proposals map[string]event.ID
	quiet     bool // inside repeat: what is checked after every command is checked after the last
}

func newWorld(t testing.TB) *world {
	return &world{t: t, now: dawn, strands: make(map[string]*strand), proposals: make(map[string]event.ID)}
}

// keyOf is the key of whoever has this name; "nobody" has the key with which nobody can sign.
func keyOf(name string) identity.Key { return identity.KeyFromSeed(sha256.Sum256([]byte(name))) }

func publicOf(name string) identity.PublicKey {
	if name == "nobody" {
		return identity.Assembly
	}
	return keyOf(name).Public()
}

func (w *world) state() *State { return w.line.Final() }

// command is a line of a story: who, what, to what, and options name=value.
type command struct {
	words   []string
	options map[string]string
}

func parse(t testing.TB, text string) command {
	c := command{options: make(map[string]string)}
	for text = strings.TrimLeft(text, " "); text != ""; text = strings.TrimLeft(text, " ") {
		end := 0
		for quoted := false; end < len(text) && (quoted || text[end] != ' '); end++ {
			quoted = quoted != (text[end] == '"')
		}
		word := text[:end]
		text = text[end:]
		name, value, isOption := strings.Cut(word, "=")
		if !isOption {
			c.words = append(c.words, word)
			continue
		}
		if strings.HasPrefix(value, `"`) {
			unquoted, err := strconv.Unquote(value)
			if err != nil {
				t.Fatalf("%s: %v", word, err)
			}
			value = unquoted
		}
		c.options[name] = value
	}
	return c
}

// word is the n-th word, or "".
func (c command) word(n int) string {
	if n < len(c.words) {
		return c.words[n]
	}
	return ""
}

// get is an option, or otherwise.
func (c command) get(name, otherwise string) string {
	if value, ok := c.options[name]; ok {
		return value
	}
	return otherwise
}

func (c command) list(name string) []string {
	if c.options[name] == "" {
		return nil
	}
	return strings.Split(c.options[name], ",")
}

func (w *world) number(text string) uint64 {
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		w.t.Fatalf("%q is no number", text)
	}
	return n
}

func (w *world) numbers(text, between string) (list []uint64) {
	if text == "" {
		return nil
	}
	for word := range strings.SplitSeq(text, between) {
		list = append(list, w.number(word))
	}
	return list
}

// span reads "90m", "3d" and the like.
func (w *world) span(text string) event.Time {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		return event.Time(w.number(days)) * day
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		w.t.Fatalf("%q is no time", text)
	}
	return event.Time(d.Milliseconds())
}

// play runs one command and returns its output.
//
//	found NAME by=ann,bob …      begins the cooperative (see found)
//	wait 3h                      coop time goes on, with stewards who wake when something is due
//	stall 3h                     coop time goes on in one leap
//	show PROPOSAL, account PROPOSAL, chains PROPOSAL, chain WHO track= tags= if=WHO:WHO, given WHO, members, proposals, allocations, charter, root, due, ledger, market TOKEN, shop, receipt WHOSE N, surplus
//	refound by=ann,bob           whether members can go on without their stewards (see refound)
//	repeat N COMMAND             with % as the number; the output is the last one's
//	WHO VERB …                   signs an event (see draft); "WHO again VERB …" signs a second one with the last number
func (w *world) play(text string) []string {
	c := parse(w.t, text)
	switch c.word(0) {
	case "found":
		return w.found(c)
	case "wait":
		return w.changes(func() { w.wait(w.span(c.word(1))) })
	case "stall":
		w.now += w.span(c.word(1))
		return w.changes(func() { w.commit(nil) })
	case "repeat":
		return w.repeat(text)
	case "refound":
		return w.refound(c)
	case "show", "account", "members", "proposals", "allocations", "charter", "root", "due", "guardians", "recoveries", "classes", "patrons", "chains", "chain", "given", "juries", "ledger", "market", "missions", "standing", "shop", "receipt", "surplus":
		return w.look(c)
	}
	return w.act(c)
}

func (w *world) repeat(text string) (out []string) {
	_, rest, _ := strings.Cut(text, " ")
	times, rest, _ := strings.Cut(rest, " ")
	n := w.number(times)
	for i := range n {
		w.quiet = i < n-1
		out = w.play(strings.ReplaceAll(rest, "%", fmt.Sprint(i)))
	}
	return out
}

// wait commits nothing, whenever something is due and at the end.
func (w *world) wait(d event.Time) {
	until := w.now + d
	for w.now < until {
		w.now = until
		if due, any := Next(w.state()); any && due < until {
			w.now = due
		}
		w.commit(nil)
	}
}

// anchorOf stands for the anchor of a commit.
func anchorOf(commit int) [32]byte { return sha256.Sum256([]byte("anchor " + strconv.Itoa(commit))) }

func (w *world) commit(order []*event.Event) []fold.Receipt {
	w.line.Begin(anchorOf(len(w.commits)))
	receipts := w.line.Commit(uint64(len(w.commits)), w.now, order)
	w.commits = append(w.commits, commit{w.now, order})
	var told []string
	for _, r := range receipts {
		told = append(told, r.Refusal)
	}
	w.told = append(w.told, told)
	if !w.quiet {
		for _, broken := range Invariants(w.state()) {
			w.t.Errorf("after commit %d: %v", len(w.commits), broken)
		}
	}
	return receipts
}

// changes tells who and what stands otherwise after f.
func (w *world) changes(f func()) []string {
	before := w.standing()
	f()
	var out []string
	for _, line := range w.standing() {
		if !slices.Contains(before, line) {
			out = append(out, line)
		}
	}
	return out
}

// standing is a line for every member and every proposal.
func (w *world) standing() []string {
	if w.quiet {
		return nil
	}
	var out []string
	for _, m := range table.All(&w.state().Hall.Members) {
		out = append(out, fmt.Sprintf("%s: %s", m.Name, m.Status))
	}
	for name, id := range w.proposals {
		if p, ok := w.state().Hall.Proposals.Get(id); ok {
			out = append(out, fmt.Sprintf("%s: %s", name, p.Phase))
		}
	}
	out = append(out, missionLines(w.state())...)
	out = append(out, w.office()...)
	slices.Sort(out)
	return slices.Compact(out) // missions may have one title
}

// act signs an event and commits it. A refusal must leave the root as it was.
func (w *world) act(c command) []string {
	who := c.word(0)
	again := c.word(1) == "again"
	if again {
		c.words = slices.Delete(c.words, 1, 2)
	}
	e := w.sign(who, again, w.draft(who, c), w.dated(c))
	earlier := maps.Clone(w.proposals)
	if c.word(1) == "propose" || c.word(1) == "publish" || c.word(1) == "submit" {
		w.proposals[c.word(2)] = e.ID
	}
	var before [32]byte
	if !w.quiet {
		before = Root(w.state())
	}
	var refusal string
	changed := w.changes(func() { refusal = w.commit([]*event.Event{e})[0].Refusal })
	if refusal == "" {
		return append([]string{"ok"}, changed...)
	}
	w.proposals = earlier
	if !w.quiet && Root(w.state()) != before {
		w.t.Errorf("%v: refused, and yet the state has changed", c)
	}
	return append([]string{"refused: " + refusal}, changed...)
}

// dated is what the author's clock says: coop time, or dated=-1h, or dated=+1h.
func (w *world) dated(c command) event.Time {
	text := c.get("dated", "+0s")
	if text[0] == '-' {
		return w.now - w.span(text[1:])
	}
	return w.now + w.span(text[1:])
}

func (w *world) sign(who string, again bool, d event.Draft, at event.Time) *event.Event {
	s := w.strands[who]
	if s == nil {
		s = &strand{}
		w.strands[who] = s
	}
	slot := event.Slot{Coop: w.state().Hall.Coop, At: at}
	last := len(s.events) - 1
	if again {
		last--
	}
	if last >= 0 {
		slot = event.After(slot.Coop, s.events[last], at)
	}
	e, err := event.Seal(keyOf(who), slot, d)
	if err != nil {
		w.t.Fatalf("%s cannot sign: %v", who, err)
	}
	if again {
		s.forked = e
	} else {
		s.events = append(s.events, e)
	}
	return e
}

// replay folds the whole story again, all at once, and expects the same root; also of who tells the statement
// of the treasury on the way, whose lines add up to what it has.
func (w *world) replay() {
	if w.line == nil {
		return
	}
	genesis, err := Genesis(w.genesis)
	if err != nil {
		w.t.Fatal(err)
	}
	line, teller := NewTimeline(genesis.Copy()), NewTeller(genesis, identity.Assembly)
	for i, c := range w.commits {
		line.Begin(anchorOf(i))
		line.Commit(uint64(i), c.at, c.order)
		teller.Commit(uint64(i), anchorOf(i), c.at, c.order)
	}
	if Root(line.Final()) != Root(w.state()) {
		w.t.Error("the same story has another root")
	}
	if Root(&teller.state) != Root(w.state()) {
		w.t.Error("the statement was told of another state")
	}
	has := uint64(0)
	for _, e := range teller.Entries {
		if e.Asset == tokens.Currency {
			has += e.In - e.Out
		}
	}
	if has != w.state().Ledger.Of(tokens.Treasury, tokens.Currency).Has {
		w.t.Errorf("the statement of the treasury comes to %d", has)
	}
}

// found begins the cooperative. Whoever is in by= founds it; author= signs, consents= consents. Other
// options change one thing of the text.
func (w *world) found(c command) []string {
	f := governance.Founding{
		Name: c.get("name", c.word(1)), Purpose: c.get("purpose", "Good homes for all who live here"),
		Currency: governance.Currency{Code: c.get("currency", "EUR"), Decimals: 2}, Charter: village(),
		Params: governance.DefaultParams(),
	}
	if c.get("charter", "") == "default" {
		f.Charter = DefaultCharter()
	}
	if c.get("charter", "") == "methods" {
		f.Charter = parliament()
	}
	if c.get("charter", "") == "senate" {
		f.Charter = senate(village())
	}
	if c.get("charter", "") == "whole" {
		f.Charter = senate(townhall())
	}
	if c.get("charter", "") == "townhall" {
		f.Charter = townhall()
	}
	if c.get("charter", "") == "delegates" {
		f.Charter = delegates()
	}
	if c.get("charter", "") == "guild" {
		f.Charter = guild()
	}
	if c.get("charter", "") == "everything" {
		f.Charter = withGuild(delegates())
	}
	if c.get("charter", "") == "entire" {
		f.Charter = withGuild(senate(delegates()))
	}
	if silence := c.get("silence", ""); silence != "" {
		f.Charter.Limits.Silence = w.span(silence)
	}
	if c.get("charter", "") == "bank" || c.get("bank", "") != "" {
		f.Charter = bank(f.Charter)
	}
	if c.get("charter", "") == "commissions" || c.get("missions", "") != "" {
		f.Charter = commissions(f.Charter)
	}
	if c.get("charter", "") == "bazaar" || c.get("bazaar", "") != "" {
		f.Charter = bazaar(f.Charter)
	}
	if c.get("charter", "") == "none" {
		f.Charter = governance.Charter{}
	}
	if daily := c.get("daily", ""); daily != "" {
		f.Charter.Limits.Daily = w.number(daily)
	}
	if stall := c.get("stall", ""); stall != "" {
		f.Params.Stall = w.span(stall)
	}
	founders := c.list("by")
	for _, name := range founders {
		f.Founders = append(f.Founders, governance.Founder{Key: publicOf(name), Name: title(name), Classes: classesOf(c, name, c.get("class", votingClass(f.Charter)))})
	}
	for _, name := range strings.Split(c.get("stewards", c.get("by", "")), ",") {
		if name != "none" {
			f.Stewards = append(f.Stewards, publicOf(name))
		}
	}
	author := c.get("author", founders[0])
	body := governance.CoopFound{Text: f}
	for _, name := range strings.Split(c.get("consents", c.get("by", "")), ",") {
		if name != author && name != "" {
			body.Consents = append(body.Consents, f.Consent(keyOf(name)))
		}
	}
	d := w.must(event.NewDraft(governance.KindCoopFound, body))
	slot := event.Slot{At: w.now}
	if c.get("kind", "") != "" {
		d = w.must(event.NewDraft(event.Kind(c.get("kind", "")), governance.MemberLeave{}))
		slot.Coop = event.ID{1}
	}
	e, err := event.Seal(keyOf(author), slot, d)
	if err != nil {
		w.t.Fatal(err)
	}
	genesis, err := Genesis(e)
	if err != nil {
		return []string{"refused: " + err.Error()}
	}
	w.genesis, w.line = e, NewTimeline(genesis)
	w.strands[author] = &strand{events: []*event.Event{e}}
	return []string{fmt.Sprintf("founded %s with %d members", f.Name, len(founders))}
}

func (w *world) must(d event.Draft, err error) event.Draft {
	if err != nil {
		w.t.Fatal(err)
	}
	return d
}

func title(name string) string { return strings.ToUpper(name[:1]) + name[1:] }
