package demo

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/sustainy/coop/content"
	"github.com/sustainy/coop/coop"
	"github.com/sustainy/coop/daemon"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/missions"
	"github.com/sustainy/coop/testnet"
	"github.com/sustainy/coop/tokens"
)

// The people of the story, besides the founders behind the peers.
const (
	customers = 140 // buy with money they have in the cooperative
	outsiders = 60  // pay a cashier
	makers    = 12  // enter missions
)

const (
	votingLasts = time.Hour
	phaseLasts  = time.Hour // of a mission
)

//go:embed texts
var texts embed.FS

// work is one mission of the story: who enters it with which text, and how it is funded and judged.
type work struct {
	name    string   // of the directory with its texts, and of its token
	entries [2][]int // makers who contribute to each submission; the first one submits
	listing missions.Listing
	id      event.ID
	entry   [2]event.ID
}

// StoryReport is what came of the story.
type StoryReport struct {
	Peers    []StoryPeer    `json:"peers"`
	Equal    bool           `json:"equal"` // every peer has the same state and the same ledger
	Missions []StoryMission `json:"missions"`
	Books    coop.Books     `json:"books"` // of the export, added up on their own
	Events   uint64         `json:"events"`

	Currency    governance.Currency `json:"-"`
	Differences []string            `json:"-"`
}

// StoryPeer is what one peer says.
type StoryPeer struct {
	Name string `json:"name"`
	Root string `json:"root"`
}

// StoryMission is what became of a mission.
type StoryMission struct {
	Title  string `json:"title"`
	Phase  string `json:"phase"`
	Winner string `json:"winner"`
	Raised uint64 `json:"raised"` // minor units
	Paid   uint64 `json:"paid"`   // of that, in prizes
	Earned uint64 `json:"earned"` // by sales since, for the holders of its token
}

// tale is one run of the story.
type tale struct {
	crowd
	people  []*person // customers, then makers
	works   []*work
	listing event.ID // the proposal that listed the missions
	later   event.ID // the mission that nobody enters
	bundle  event.ID
	product event.ID
	bought  []event.ID
}

func (t *tale) customer(i int) *person { return t.people[i] }
func (t *tale) maker(i int) *person    { return t.people[customers+i] }

// Story plays the whole way of value through real peers: missions are listed, funded, entered, judged and
// awarded; their work is sold in a bundle to two hundred buyers who steer what they pay; the makers claim what it earned
// and sell units of their tokens; and in the end every peer has the same ledger, and every receipt adds up.
func Story(ctx context.Context, o Options) (report *StoryReport, err error) {
	t := &tale{crowd: crowd{stage: stage{Options: o}}}
	if err := t.start(ctx); err != nil {
		return nil, err
	}
	defer func() {
		if !o.Keep {
			err = errors.Join(err, t.net.Down(context.WithoutCancel(ctx)))
		}
	}()
	for _, chapter := range []func(context.Context) error{t.join, t.list, t.fund, t.enter, t.reveal, t.judge, t.offer, t.buy, t.earn, t.share} {
		if err := chapter(ctx); err != nil {
			return nil, err
		}
	}
	return t.close(ctx)
}

func (t *tale) start(ctx context.Context) (err error) {
	charter, params := testnet.Charter(votingLasts), governance.DefaultParams()
	for i := range charter.Classes {
		c := &charter.Classes[i]
		c.Admission, c.Sponsors, c.Invite = governance.AdmitOpen, 0, false
	}
	params.Grace = event.Time(grace.Milliseconds())
	began := time.Now()
	t.net, err = testnet.Up(ctx, testnet.Options{Dir: filepath.Join(t.Dir, "net"), Nodes: Peers, Stewards: Stewards, Seed: t.Seed,
		Binary: t.Binary, Charter: &charter, Params: &params, Attached: !t.Keep})
	if err != nil {
		return err
	}
	t.Say("%d peers, %d of them stewards, have founded a cooperative (%s)", Peers, Stewards, since(began))
	return nil
}

// join lets everybody apply; the doors of this cooperative are open.
func (t *tale) join(ctx context.Context) error {
	for i := range customers {
		t.people = append(t.people, t.person("customer", i))
	}
	for i := range makers {
		t.people = append(t.people, t.person("maker", i))
	}
	for i, p := range t.people {
		class := "customer"
		if i >= customers {
			class = "producer"
		}
		if _, err := t.says(p, governance.KindMemberApply, governance.MemberApply{Name: p.name, Classes: []string{class}}); err != nil {
			return err
		}
	}
	if err := t.hand(ctx); err != nil {
		return err
	}
	t.Say("%d customers and %d makers have joined", customers, makers)
	return nil
}

// read is one of the texts: its title and what follows.
func read(name string) (title, body string, err error) {
	raw, err := texts.ReadFile("texts/" + name)
	if err != nil {
		return "", "", fmt.Errorf("a text of the story is missing: %w", err)
	}
	title, body, found := strings.Cut(strings.TrimPrefix(string(raw), "# "), "\n")
	if !strings.HasPrefix(string(raw), "# ") || !found {
		title, body = "", string(raw)
	}
	return title, strings.TrimSpace(body), nil
}

// list decides who takes money in, on which terms things are sold, and which missions there are.
func (t *tale) list(ctx context.Context) error {
	t.works = theWorks()
	treasurer := t.treasurer().Device
	actions := []event.Draft{
		must(tokens.KindAppoint, tokens.Appoint{Member: treasurer, Cap: 10_000_000, Period: day}),
		must(tokens.KindIssue, tokens.IssueMoney{Amount: 200_000, Receipt: "bank statement 1", Memo: "membership shares of the first year"}),
		terms(),
	}
	for i, w := range t.works {
		l := &w.listing
		title, brief, err := read(w.name + "/brief.md")
		if err != nil {
			return err
		}
		_, criteria, err := read(w.name + "/criteria.md")
		if err != nil {
			return err
		}
		l.Number, l.Title, l.Brief, l.Criteria = uint64(i), title, brief, criteria
		actions = append(actions, must(missions.KindList, *l))
	}
	actions = append(actions, must(missions.KindList, unanswered(uint64(len(t.works)))))
	id, err := t.decide(ctx, "Money, terms of sale, and the first missions", t.people, actions...)
	if err != nil {
		return err
	}
	t.listing = id
	for i, w := range t.works {
		w.id = missions.NewID(id, uint64(i))
	}
	t.later = missions.NewID(id, uint64(len(t.works)))
	t.Say("the members have appointed a cashier, agreed on terms of sale and listed %d missions", len(t.works)+1)
	for i, p := range t.people {
		if _, err := t.submit(ctx, t.treasurer(), tokens.KindIssue, tokens.IssueMoney{To: p.id(), Amount: 5000, Receipt: fmt.Sprint("transfer ", i)}); err != nil {
			return fmt.Errorf("the cashier cannot book: %w", err)
		}
	}
	return t.settled(ctx)
}

// treasurer is the member who is cashier.
func (t *tale) treasurer() *testnet.Node { return &t.net.Nodes[Peers-1] }

// fund pledges: the customers give, and the treasury matches.
func (t *tale) fund(ctx context.Context) error {
	given := 0
	for i := range customers {
		p, w := t.customer(i), t.works[i%len(t.works)]
		amount := uint64(400 + 10*(i%30))
		if _, err := t.says(p, missions.KindPledge, missions.MakePledge{Mission: w.id, Amount: amount, Comment: "I would use it."}, t.listing); err != nil {
			return err
		}
		given++
	}
	if err := t.hand(ctx); err != nil {
		return err
	}
	t.Say("%d pledges are in escrow", given)
	return t.pass(ctx, phaseLasts)
}

// submission is what a text says, who made it, and its file at the door of who submits it.
func (t *tale) submission(ctx context.Context, w *work, n int) (c missions.Content, err error) {
	name := fmt.Sprintf("%s/%c.md", w.name, 'a'+n)
	if c.Title, c.Text, err = read(name); err != nil {
		return c, err
	}
	raw, err := texts.ReadFile("texts/" + name)
	if err != nil {
		return c, fmt.Errorf("a text of the story is missing: %w", err)
	}
	author := t.maker(w.entries[n][0])
	var f content.File
	path := daemon.Path("coops", t.net.Coop.String(), "files")
	if err := t.net.Nodes[author.door].Client().Send(ctx, path, "application/octet-stream", strings.NewReader(string(raw)), &f); err != nil {
		return c, err
	}
	c.Files = []missions.File{{Name: fmt.Sprintf("%s.md", w.name), CID: f.ID.String(), Size: f.Size}}
	for i, m := range w.entries[n] {
		role := []string{"text", "figures", "review"}[i]
		c.Contributors = append(c.Contributors, missions.Contributor{Member: t.maker(m).id(), Role: role, Share: uint64(3 - i)})
	}
	return c, nil
}

func secret(w *work, n int) (s [32]byte) {
	copy(s[:], fmt.Sprintf("%s %d, a secret of the story", w.name, n))
	return s
}

// enter commits to the submissions by their hashes.
func (t *tale) enter(ctx context.Context) error {
	for _, w := range t.works {
		for n := range w.entries {
			c, err := t.submission(ctx, w, n)
			if err != nil {
				return err
			}
			author := t.maker(w.entries[n][0])
			hash := c.Commitment(w.id, author.id(), secret(w, n))
			if w.entry[n], err = t.says(author, missions.KindSubmit, missions.Submit{Mission: w.id, Commitment: hash}, t.listing); err != nil {
				return err
			}
		}
	}
	if err := t.hand(ctx); err != nil {
		return err
	}
	t.Say("%d submissions are committed to, nobody can read them yet", 2*len(t.works))
	return t.pass(ctx, phaseLasts)
}

// reveal shows the submissions; all contributors consent but the last one of the first, who then has no part in it.
func (t *tale) reveal(ctx context.Context) error {
	for _, w := range t.works {
		for n, by := range w.entries {
			c, err := t.submission(ctx, w, n)
			if err != nil {
				return err
			}
			entry := missions.Entry{Mission: w.id, ID: w.entry[n]}
			shown, err := t.says(t.maker(by[0]), missions.KindReveal, missions.Reveal{Submission: entry, Content: c, Secret: secret(w, n)}, w.entry[n])
			if err != nil {
				return err
			}
			for i, m := range by[1:] {
				if w == t.works[0] && n == 0 && i == len(by)-2 {
					continue
				}
				if _, err := t.says(t.maker(m), missions.KindConsent, missions.Consent{Submission: entry, Agree: true}, shown); err != nil {
					return err
				}
			}
		}
	}
	if err := t.hand(ctx); err != nil {
		return err
	}
	t.Say("the submissions are revealed, and their contributors consent")
	return t.pass(ctx, phaseLasts)
}

// judge lets the members, the backers and a jury judge, each the mission that is theirs.
func (t *tale) judge(ctx context.Context) error {
	first := func(w *work) missions.Judge {
		return missions.Judge{Mission: w.id, Approve: []event.ID{w.entry[0]}, Reason: "One can build it."}
	}
	for i := range customers {
		p, w := t.customer(i), t.works[0]
		b := first(w)
		switch i % 5 {
		case 3:
			b.Approve = sorted(w.entry[0], w.entry[1])
		case 4:
			b.Approve = []event.ID{missions.NoAward}
		}
		if _, err := t.says(p, missions.KindJudge, b, w.entry[0], w.entry[1]); err != nil {
			return err
		}
		if w = t.works[1]; i%len(t.works) != 1 {
			continue
		}
		b = missions.Judge{Mission: w.id, Rank: [][]event.ID{{w.entry[0]}, {w.entry[1]}, {missions.NoAward}}}
		if i%4 == 0 {
			b.Rank = [][]event.ID{{w.entry[1]}, {missions.NoAward}}
		}
		if _, err := t.says(p, missions.KindJudge, b, w.entry[0], w.entry[1]); err != nil {
			return err
		}
	}
	if err := t.deliberate(ctx, t.works[2], first(t.works[2])); err != nil {
		return err
	}
	if err := t.hand(ctx); err != nil {
		return err
	}
	if err := t.pass(ctx, phaseLasts); err != nil {
		return err
	}
	t.Say("members, backers and a jury by lot have judged")
	return t.pass(ctx, phaseLasts) // in which one can appeal
}

// deliberate lets those vote who were drawn.
func (t *tale) deliberate(ctx context.Context, w *work, b missions.Judge) error {
	var juries []coop.JuryView
	if err := t.net.Nodes[0].Client().Get(ctx, daemon.Path("coops", t.net.Coop.String(), "juries"), &juries); err != nil {
		return err
	}
	sat := 0
	for _, j := range juries {
		for _, juror := range j.Jurors {
			for _, p := range t.people {
				if p.id() != juror.Member {
					continue
				}
				sat++
				if _, err := t.says(p, missions.KindJudge, b, w.entry[0]); err != nil {
					return err
				}
			}
			for i := range t.net.Nodes {
				if t.net.Nodes[i].Device != juror.Member {
					continue
				}
				sat++
				if _, err := t.submit(ctx, &t.net.Nodes[i], missions.KindJudge, b); err != nil {
					return err
				}
			}
		}
	}
	if sat == 0 {
		return errors.New("no jury was drawn")
	}
	return nil
}
