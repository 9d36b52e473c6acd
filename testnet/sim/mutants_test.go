package sim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// mutant is a mistake that an honest programmer could make, and the test that must notice.
type mutant struct {
	name string
	file string // in the repository
	old  string // occurs once in it
	new  string
	test string // "" : TestSeeds, which finds it within so many seeds
	pkg  string // "" : this one
}

// within is how many seeds TestSeeds may need to find a mistake.
const within = 6000

// mutants are in the order of the protocol's list of schedules; what the list does not name follows.
var mutants = []mutant{
	{"A1: votes are counted for a leader, not for a block", "finality/accept.go",
		"if other.vote == b.vote && b.vote != nil {", "if other.vote != nil && b.vote != nil {", "TestA1LeaderEquivocates", ""},
	{"A1: a convicted leader forfeits a wave that others may have committed", "finality/commit.go",
		"		chain = append(chain, next)\n", "		if !e.liars.has(next.Steward) {\n			chain = append(chain, next)\n		}\n", "TestA1LeaderEquivocates", ""},
	{"A2: one certificate is a commit", "finality/commit.go",
		"if w.deciders.count() < e.q || e.halt != nil {", "if e.halt != nil {", "TestA2OneCertificateIsNoCommit", ""},
	{"A3: what is known is ordered, not what the anchor builds on", "finality/commit.go",
		"e.stack = append(e.stack[:0], anchor)\n", "e.stack = append(append(e.stack[:0], e.rows[e.top].all...), anchor)\n", "TestA3LateBlocksDoNotChangeASegment", ""},
	{"A4: certificates are counted, not their authors", "finality/commit.go",
		"w.deciders = w.deciders.with(c.Steward)", "w.deciders = w.deciders.with(w.deciders.count())", "TestA4TwoCertificatesOfOneSteward", ""},
	{"A4: a block may build on two blocks of one steward", "finality/accept.go",
		"p.Steward <= parents[i-1].Steward", "p.Steward < parents[i-1].Steward", "TestA4ForksOfVotesAndDecisions", ""},
	{"A4: a block may build on fewer blocks than a quorum", "finality/round.go",
		"len(c.Parents) >= ep.Q()", "len(c.Parents) >= 1", "TestA4ThinBlocks", ""},
	{"A5: a block that gets no vote is not built on", "finality/steward.go",
		"		choice := of(parents, e.leader(number))\n",
		"		choice := of(parents, e.leader(number))\n		if phaseOf(number) == vote && choice != nil && !choice.timely {\n			return nil\n		}\n",
		"TestA5UntimelyBlockIsBuiltOn", ""},
	{"A6: a block that builds on a convicted steward's is invalid", "finality/accept.go",
		"	if !onePerSteward(b.parents, b.Number-1) {\n",
		"	for _, p := range b.parents {\n		if e.liars.has(p.Steward) {\n			return false\n		}\n	}\n	if !onePerSteward(b.parents, b.Number-1) {\n",
		"TestA6ConvictedForksAreBuiltOn", ""},
	{"A7: a quorum is 2f+1", "finality/epoch.go",
		"return (ep.N()+ep.F())/2 + 1", "return 2*ep.F() + 1", "TestA7QuorumBearsItsLiars", ""},
	{"A7: a fork of what is final passes in silence", "finality/commit.go",
		"func (e *Engine) stop(wave uint64, have, found *node) {\n	if e.halt != nil {", "func (e *Engine) stop(wave uint64, have, found *node) {\n	if true {", "TestA7TooManyLiarsAreFound", ""},
	{"A7: who finds a fork of what is final tells nobody", "node/sync.go",
		"	if c.alarmed {\n", "	if true {\n", "TestA7TooManyLiarsAreFound", ""},
	{"A8: nobody waits for the leader", "finality/steward.go",
		"return row.authors.has(leader) ||", "return true ||", "TestA8SlowLeaderKeepsItsWaves", ""},
	{"A12: a deadline that has passed is no work", "node/core.go",
		"return ok && c.now >= at && c.time < at", "return ok && c.now >= at && c.time < at && false", "TestA12PollsCloseInAnIdleCooperative", ""},
	{"A12: coop time is that of the anchor's parents", "finality/commit.go",
		"	e.time = max(e.time, anchor.At)\n",
		"	at := anchor.At\n	for _, p := range anchor.parents {\n		at = min(at, p.At)\n	}\n	e.time = max(e.time, at)\n", "TestA12BackdatedBallotAfterIdling", ""},
	{"A14: blocks from the future are held back", "finality/engine.go",
		"	case r.Number > e.round+MaxAhead:\n", "	case r.Number > e.round+MaxAhead, from != \"\" && r.At > now+e.ep.Params.Tolerance:\n", "TestA14LyingClocks", ""},
	{"A14: coop time may fall", "finality/commit.go",
		"e.time = max(e.time, anchor.At)", "e.time = anchor.At", "TestA14LyingClocks", ""},
	{"A14: every leader's clock is voted for", "finality/steward.go",
		"choice != nil && choice.timely", "choice != nil", "TestA14LyingClocks", ""},
	{"A15: nothing missing is asked for", "node/fetch.go",
		"	rounds, events := c.engine.Missing(maxWants)\n", "	return\n	rounds, events := c.engine.Missing(maxWants)\n", "TestA15EventsOfOneSteward", ""},
	{"A17: gossip knows a frame by what is signed", "testnet/sim/network.go",
		"f.heard = sha256.Sum256(bytes)", "f.heard = sha256.Sum256(bytes[:len(bytes)-min(len(bytes), 68)])", "TestA17BrokenSignatureAhead", ""},
	{"A19: what a steward lists is taken only if the own policy likes it", "node/core.go",
		"if c.wants.required(e.ID) || c.graph.Required(e.ID) {", "if false {", "TestA19JunkOfANeededSteward", ""},

	{"a quorum is one too few", "finality/epoch.go", "return (ep.N()+ep.F())/2 + 1", "return (ep.N() + ep.F()) / 2", "", ""},
	{"waves that were passed over are forgotten", "finality/commit.go", "		chain = append(chain, next)\n", "		_ = next\n", "", ""},
	{"a segment is in the order of arrival", "finality/events.go", "ranked{sha256.Sum256(tie[:]), it}", "ranked{sha256.Sum256(tie[:0]), it}", "", ""},
	{"a peer speaks before it keeps", "testnet/sim/peer.go",
		"	if p.dies(BeforeKeep,", "	if p.speak(out); p.core == nil {\n		return\n	}\n	if p.dies(BeforeKeep,", "", ""},
	{"a steward does not keep its own blocks", "node/restore.go",
		"	c.out.Keep.Rounds = append(c.out.Keep.Rounds, crdt.Blob{ID: r.ID, Raw: r.Raw})\n",
		"	if r.Steward != c.seat {\n		c.out.Keep.Rounds = append(c.out.Keep.Rounds, crdt.Blob{ID: r.ID, Raw: r.Raw})\n	}\n", "", ""},
	{"tails are compared with the same neighbours only", "node/sync.go", "all[c.beat.turn%len(all)]", "all[c.beat.turn*greetingsAtWork%len(all)]",
		"TestTailsAreComparedWithAll", "./node"},
	{"something is said before it is kept", "node/node.go", "	n.writing = t\n	if t.lasting() {\n", "	n.writing = t\n	n.speak(&t.Effects)\n	if t.lasting() {\n", "TestKeptBeforeSaid", "./node"},
	{"the guard is not raised for events", "node/core.go", "	c.signed.Events = e.Seq + 1\n	c.out.Mark = c.signed\n", "", "TestRollbackOfAMember", ""},
	{"a greeting that is not answered is not repeated", "node/sync.go", "unsure && c.beat.words < lastWords", "unsure && false", "TestLostGreeting", ""},
	{"the guard is not compared with the data", "node/epoch.go", "		c.lost = c.signed\n		return\n", "		c.lost = c.signed\n", "", ""},
	{"a peer that starts again leaves its guard behind", "node/epoch.go",
		"		c.signed, c.out.Mark = shown, shown // a crash kept the guard behind, and what is on disk will be told\n", "		c.signed = shown\n", "TestRestartRaisesTheGuard", ""},
	{"a steward that starts again trusts its guard alone", "node/epoch.go",
		"finality.NewSteward(c.engine, c.seat, issued)", "finality.NewSteward(c.engine, c.seat, issued-min(issued, 1))", "", ""},
	{"nobody catches up by commits", "node/fetch.go", "	if !c.fetch.active() {\n		c.fetchFrom(", "	if false {\n		c.fetchFrom(", "", ""},
	{"tails are not compared", "node/sync.go", "for _, t := range c.tail.ranges(c.salt()) {", "for _, t := range c.tail.ranges(c.salt())[:0] {", "", ""},
	{"what nobody has is asked for without end", "node/fetch.go", "			w.tired = true\n			continue\n", "", "", ""},
	{"a claim to have more commits is believed for ever", "node/fetch.go", "n.stalls, n.hello.Commits = 0, 0", "n.stalls = 0", "", ""},
	{"old timers wait for a clock that was set back", "node/core.go", "		c.rewind(c.last - now)\n", "", "", ""},
	{"each number of a device counts as often as it is signed", "governance/strand.go", "	if env.Seq < d.Next {\n", "	if false {\n", "", ""},
	{"a ballot after the end counts", "governance/ballot.go", "	if !p.inTime(s.Time, env.At) {\n", "	if false {\n", "TestLateBallots", ""},
	{"A9: a device whose disk is older signs on in a new epoch", "node/epoch.go", "c.signed.Events > shown.Events || c.signed.Epoch > shown.Epoch ||", "c.signed.Events > shown.Events ||", "TestA9CrashAroundSigning", ""},
	{"A10: what was committed beyond the end of an epoch counts", "node/core.go", "			c.succeed(end, commit, step.Commits[i+1:])\n			return\n", "			_ = i\n			defer c.succeed(end, step.Commits[len(step.Commits)-1], nil)\n", "TestA10BoundaryByDifferentCommits", ""},
	{"A10: what was void stays final", "finality/succeed.go", "			delete(e.pool.final, id)\n", "			_ = id\n", "TestA10BoundaryByDifferentCommits", ""},
	{"A10: open events are not offered to the next stewards", "node/epoch.go", "	c.offerAll()\n", "", "TestA10BoundaryByDifferentCommits", ""},
	{"A11: keys of the past are kept", "node/seal.go", "	if s == c.handover && c.keys != nil {\n", "	if false {\n", "TestA11FormerStewardsForge", ""},
	{"A11: rounds of an epoch that has ended are accepted", "finality/engine.go", "if r.Epoch != e.ep.Number {", "if r.Epoch > e.ep.Number {", "TestEpochEndsAtItsAnchor", "./finality"},
	{"A13: who begins an epoch does not wait for its certificate", "node/epoch.go", "c.handover != nil && !c.handover.Complete() {", "false {", "TestNobodySignsBeforeTheCertificate", "./node"},
	{"A13: a stall takes the vote away", "governance/deadline.go", "		s.stall(t)\n", "", "TestA13QuorumLostOverADeadline", ""},
	{"A16: a restored device stays suspended", "governance/fault.go", "d.Suspended, d.Cleared = false, d.Next", "d.Cleared = d.Next", "TestA16RestoredPhone", ""},
	{"A16: who sees a device fork shows it to nobody", "node/core.go", "	c.charge()\n", "", "TestA16ForksAreShownByPeers", ""},
	{"A16: all show a fork at once", "node/charge.go", "* chargeEvery\n", "* 0 * chargeEvery\n", "TestStewardsInTurn", "./node"},
	{"A16: forgiven forks are shown again", "node/charge.go", " && fork.Seq >= d.Cleared", "", "TestSettledForkIsNotCharged", "./node"},
	{"A19: a full block is too much", "finality/round.go", "case len(c.Inc) > MaxInc ||", "case len(c.Inc) >= MaxInc ||", "TestA19FullBlocksOfJunk", ""},
	{"signatures under a hand-over are not asked for", "node/sync.go", "	c.reseal(from, h)\n", "", "TestHandoverUnderFire", ""},
	{"a certificate needs no signatures", "finality/checkpoint.go", "return n.have.count() >= n.ep.Q()", "return n.have.count() >= 0", "", ""},
	{"a signature under a checkpoint is not looked at", "finality/checkpoint.go", "		case !identity.Verify(n.ep.Stewards[s.Steward], text, identity.Signature(s.Sig)):\n			sound", "		case len(text) == 0:\n			sound", "TestNotaryGathers", "./finality"},
	{"round blocks of an epoch to come are taken for the present one's", "node/seal.go", "		default:\n			c.later.put(from, raw)\n			c.outrun(from)\n", "		default:\n			bad++\n", "TestBlocksOfAnEpochToComeAreKept", "./node"},
	{"the base of an epoch is the cooperative", "coop/chronicle.go", "	next.Base = end.Hash()\n", "", "TestCatchUpThroughEpochs", "./node"},
	{"A11: a newcomer does not look at the checkpoint of its invite", "node/core.go", "		c.pinned() // otherwise when the next epoch has begun\n", "", "TestPin", "./node"},
	{"A11: a newcomer does not look at the epoch of its invite", "node/epoch.go", "	c.pinned()\n", "", "TestPin", "./node"},
	{"A11: a light proof is not held against its pin", "archive/light.go", "if r.Epochs[pin.Epoch].Base != hex.EncodeToString(pin.Base[:]) {", "if false {", "TestForgedLight", "./archive"},
	{"a hand-over waits for ever for stewards who do not come", "governance/steward.go", "if _, ready := s.handover(); !ready {", "if false {", "TestHandoverLapses", ""},
	{"that a hand-over lapses is no work", "governance/deadline.go", "		handover = s.Lapses()\n", "", "TestHandoverLapses", ""},
	{"a re-founding is not kept", "node/refound.go", "	c.keepBeside(raw)\n", "", "TestRefounding", "./node"},
	{"A23: who comes back is not shown a re-founding before round blocks", "node/refound.go", "h.Commits < s.Checkpoint().Index+1 {", "h.Commits <= s.Checkpoint().Index+1 {", "TestA23RefoundingAfterALostQuorum", ""},
	{"A23: a re-founding that was followed is not kept", "node/refound.go", "	c.keepBeside(raw)\n", "", "TestA23RefoundingAfterALostQuorum", ""},
	{"A23: nobody tells who knew more", "node/refound.go", "		if n.told++; n.told&(n.told-1) == 0 {\n", "		if n.told++; n.told < 0 {\n", "TestRefoundingTakesNothingBack", "./node"},
	{"A24: what only one block wanted is offered for ever", "node/admit.go", "	if c.stranger(e) || ", "	if ", "TestA24WhatOnlyVoidBlocksWanted", ""},
	{"A24: what builds on junk that became final stays aside", "node/admit.go", "	if final || len", "	if len", "TestA24WhatBuildsOnJunk", ""},
	{"A24: what a required event builds on is not required", "node/core.go", " || c.graph.Required(e.ID)", "", "TestStrangersAreSetAside", "./node"},
	{"A24: own events build on what nobody takes", "node/core.go", " && !c.tail.aside[id] {", " {", "TestStrangersAreSetAside", "./node"},
	{"A23: who knew more says nothing and goes on", "node/refound.go", "		c.doubt, c.steward = ErrConstitutionalFork, nil\n", "", "TestA23WhoKnewMoreStops", ""},
	{"A23: who has stopped greets for ever", "node/sync.go", "	working := c.doubt == nil && (", "	working := (", "TestA23WhoKnewMoreStops", ""},
	{"what somebody has not got can be spent", "tokens/ledger.go", "debt > s.Overdraft(people, from)", "debt > MaxAmount", "", ""},
	{"units in an order stay with who offers them", "tokens/order.go", "	s.Move(asset, a.By, Escrow(a.ID), amount, a.ID)\n", "	if o.Side == Buy {\n		s.Move(asset, a.By, Escrow(a.ID), amount, a.ID)\n	}\n", "", ""},
	{"a constitutional fork passes in silence", "node/refound.go", "		c.doubt, c.steward = ErrConstitutionalFork, nil\n", "", "TestRefoundingTakesNothingBack", "./node"},
	{"peers are greeted in the order of a map", "node/sync.go", "	slices.SortFunc(all, Peer.Compare)\n", "", "TestEqualSeedsEqualTraces", ""},
}

var foundAfter = regexp.MustCompile(`seed (\d+), after (\d+) seeds`)

// TestMutants plants each mistake and expects its test to fail. It builds the program once for each,
// so it runs only when COOP_MUTANTS is set: make mutants.
func TestMutants(t *testing.T) {
	if os.Getenv("COOP_MUTANTS") == "" {
		t.Skip("SKIPPED: this builds the program once for each mistake: make mutants")
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	builds := newBuilds(t, root)
	for _, m := range mutants {
		t.Run(strings.NewReplacer(" ", "_", ":", "").Replace(m.name), func(t *testing.T) {
			began := time.Now()
			how, err := m.find(root, t.TempDir(), builds)
			if err != nil {
				t.Fatal(err)
			}
			builds.forget(t)
			t.Logf("found by %s, %.0f s", how, time.Since(began).Seconds())
		})
	}
}

// builds is a build cache of our own. What is compiled with a mistake in it is of no use afterwards, and
// dozens of times fill a disk: so it is thrown away after each, and the cache of whoever runs this stays as it is.
type builds struct {
	dir  string
	kept map[string]bool // what is compiled without a mistake
}

func newBuilds(t *testing.T, root string) *builds {
	b := &builds{dir: t.TempDir(), kept: map[string]bool{}}
	command := exec.Command("go", "test", "-vet=off", "-count=1", "-run", "^$", "./testnet/sim", "./node", "./finality")
	command.Dir, command.Env = root, b.env()
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	b.each(t, func(path string) { b.kept[path] = true })
	return b
}

func (b *builds) env() []string { return append(os.Environ(), "COOP_MUTANTS=", "GOCACHE="+b.dir) }

// forget removes what was compiled since the beginning.
func (b *builds) forget(t *testing.T) {
	b.each(t, func(path string) {
		if b.kept[path] {
			return
		}
		if err := os.Remove(path); err != nil {
			t.Error(err)
		}
	})
}

func (b *builds) each(t *testing.T, do func(path string)) {
	err := filepath.WalkDir(b.dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			do(path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestMutantsFit tells when the code has moved on and a mistake can no longer be planted.
func TestMutantsFit(t *testing.T) {
	for _, m := range mutants {
		if _, err := m.planted("../.."); err != nil {
			t.Errorf("%s: %v", m.name, err)
		}
	}
}

// planted is the text of the file with the mistake in it.
func (m *mutant) planted(root string) ([]byte, error) {
	source, err := os.ReadFile(filepath.Join(root, m.file))
	if err != nil {
		return nil, err
	}
	if n := bytes.Count(source, []byte(m.old)); n != 1 {
		return nil, fmt.Errorf("%s has %d places that read %q: write the mutant anew", m.file, n, m.old)
	}
	return bytes.Replace(source, []byte(m.old), []byte(m.new), 1), nil
}

// find runs the mutant's test and tells how the mistake showed.
func (m *mutant) find(root, dir string, builds *builds) (how string, err error) {
	text, err := m.planted(root)
	if err != nil {
		return "", err
	}
	planted := filepath.Join(dir, "planted.go")
	if err := os.WriteFile(planted, text, 0o600); err != nil {
		return "", err
	}
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {filepath.Join(root, m.file): planted}})
	if err != nil {
		return "", err
	}
	list := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(list, overlay, 0o600); err != nil {
		return "", err
	}
	test, pkg := m.test, m.pkg
	if test == "" {
		test = "TestSeeds"
	}
	if pkg == "" {
		pkg = "./testnet/sim"
	}
	args := []string{"test", "-overlay", list, "-vet=off", "-count=1", "-timeout", "20m", "-run", "^" + test + "$", pkg}
	if m.test == "" {
		args = append(args, "-seeds", fmt.Sprint(within))
	}
	command := exec.Command("go", args...)
	command.Dir = root
	command.Env = builds.env()
	out, err := command.CombinedOutput()
	switch {
	case err == nil:
		return "", fmt.Errorf("%s passes with it", test)
	case !bytes.Contains(out, []byte("--- FAIL: ")):
		return "", fmt.Errorf("it does not even run: %s", out[:min(len(out), 2000)])
	}
	if after := foundAfter.FindSubmatch(out); after != nil {
		seed, err := strconv.ParseUint(string(after[1]), 10, 64)
		if err != nil {
			return "", err
		}
		if r := Run(seed, Options{}); len(r.Violations) > 0 {
			return "", fmt.Errorf("nothing is found: seed %d fails without the mistake too", seed)
		}
		return fmt.Sprintf("%s after %s seeds", test, after[2]), nil
	}
	return test, nil
}
