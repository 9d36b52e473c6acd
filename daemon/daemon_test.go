package daemon

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/gologshim"

	"github.com/sustainy/coop/coop"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/home"
	"github.com/sustainy/coop/identity"
)

func TestMain(m *testing.M) {
	gologshim.SetDefaultHandler(slog.DiscardHandler)
	os.Exit(m.Run())
}

// patience bounds waiting for real disks and networks; a test that needs it has failed.
const patience = 20 * time.Second

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	pause := 10 * time.Millisecond
	for end := time.Now().Add(patience); !ok(); time.Sleep(pause) {
		pause = min(2*pause, 160*time.Millisecond) // to ask is work for a daemon too
		if time.Now().After(end) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// peer is a daemon in this process, spoken to over its socket.
type peer struct {
	*Client
	t      *testing.T
	dir    string
	free   atomic.Uint64 // bytes that the disk says are free
	piece  time.Duration // see Options.PieceTimeout
	clock  int64         // ms by which it was moved
	daemon *Daemon
	ended  chan error
}

func newPeer(t *testing.T, name string, choose ...func(*home.Config)) *peer {
	t.Helper()
	p := &peer{t: t, dir: filepath.Join(t.TempDir(), name)}
	p.free.Store(1 << 40)
	h, err := home.Create(home.At(p.dir), home.New{Name: name, Open: true})
	if err != nil {
		t.Fatal(err)
	}
	h.Config.Listen, h.Config.Quiet = Loopback, true
	for _, c := range choose {
		c(&h.Config)
	}
	if err := errors.Join(h.SaveConfig(), h.Close()); err != nil {
		t.Fatal(err)
	}
	p.Client = Dial(home.At(p.dir))
	p.start()
	t.Cleanup(p.stop)
	return p
}

func (p *peer) start() {
	p.t.Helper()
	h, err := home.Open(home.At(p.dir))
	if err != nil {
		p.t.Fatal(err)
	}
	key, err := h.Unlock(home.Passphrase{})
	if err != nil {
		p.t.Fatal(err)
	}
	p.daemon, err = Open(Options{Home: h, Key: key, Testnet: true, FreeSpace: func(string) (uint64, error) { return p.free.Load(), nil }, PieceTimeout: p.piece, AheadEvents: 1000})
	if err != nil {
		p.t.Fatal(err)
	}
	p.ended = make(chan error, 1)
	go func() { p.ended <- p.daemon.Run(context.Background()) }()
	if err := errors.Join(p.daemon.Ready(context.Background(), nil), p.Await(context.Background(), p.ended)); err != nil {
		p.t.Fatal(err)
	}
}

func (p *peer) stop() {
	if p.daemon == nil {
		return
	}
	p.daemon.Stop()
	if err := errors.Join(<-p.ended, p.daemon.Close()); err != nil {
		p.t.Errorf("stopping: %v", err)
	}
	p.daemon = nil
}

func (p *peer) get(path string, out any) {
	p.t.Helper()
	if err := p.Get(context.Background(), path, out); err != nil {
		p.t.Fatalf("%s: %v", path, err)
	}
}

func (p *peer) post(path string, in, out any) {
	p.t.Helper()
	if err := p.Post(context.Background(), path, in, out); err != nil {
		p.t.Fatalf("%s: %v", path, err)
	}
}

// found founds a cooperative with an open class and quick votes.
func (p *peer) found(name string) event.ID {
	p.t.Helper()
	key := p.daemon.home.Device
	f := Foundation{Consents: []Consent{}, Text: governance.Founding{Name: name, Currency: governance.Currency{Code: "EUR", Decimals: 2}, Params: governance.DefaultParams(),
		Founders: []governance.Founder{{Key: key, Name: p.daemon.home.Config.Name, Classes: []string{"member"}}}, Stewards: []identity.PublicKey{key},
		Charter: governance.Charter{
			Classes: []governance.Class{{Name: "member", Admission: governance.AdmitOpen, Votes: true}},
			Tracks: []governance.Track{{Name: "general", Method: governance.YesNo, Quorum: governance.Quorum{Kind: governance.QuorumNone, Share: governance.Ratio{Den: 1}},
				Threshold: governance.Threshold{Share: governance.Ratio{Num: 1, Den: 2}, Over: true}, Voting: 3_600_000, Open: 99}},
			Limits: governance.Limits{Daily: 10_000, Text: 1000, Statement: 1000, Reason: 1000, Candidates: 100},
		}}}
	f.Text.Params.Grace, f.Text.Params.Stall = 100, 86_400_000
	var s CoopStatus
	p.post("/v1/found", f, &s)
	return s.ID
}

func (p *peer) submit(coop event.ID, kind event.Kind, body any) (event.ID, error) {
	p.t.Helper()
	d, err := event.NewDraft(kind, body)
	if err != nil {
		p.t.Fatal(err)
	}
	var s Submitted
	err = p.Post(context.Background(), Path("coops", coop.String(), "submit"), Submission{d.Kind, d.Body}, &s)
	return s.ID, err
}

func (p *peer) propose(coop event.ID, title string) event.ID {
	p.t.Helper()
	id, err := p.submit(coop, governance.KindProposalOpen, governance.ProposalOpen{Title: title, Track: "general"})
	if err != nil {
		p.t.Fatal(err)
	}
	return id
}

func (p *peer) final(coop, id event.ID) Outcome {
	p.t.Helper()
	var o Outcome
	p.get(Path("coops", coop.String(), "wait", id.String())+"?timeout=20s", &o)
	return o
}

func (p *peer) coop(id event.ID) (s CoopStatus) {
	p.t.Helper()
	p.get(Path("coops", id.String()), &s)
	return s
}

func (p *peer) titles(id event.ID) (titles []string) {
	p.t.Helper()
	var all []coop.ProposalView
	p.get(Path("coops", id.String(), "proposals"), &all)
	for _, proposal := range all {
		titles = append(titles, proposal.Title)
	}
	return titles
}

// join lets p take part in other's cooperative and apply.
func (p *peer) join(other *peer, id event.ID) {
	p.t.Helper()
	var s Status
	other.get("/v1/status", &s)
	var o Offer
	p.post("/v1/look", Look{id, s.Addrs}, &o)
	p.post("/v1/join", Join{Genesis: o.Genesis, Addrs: s.Addrs}, nil)
	eventually(p.t, "the first peer", func() bool { return p.coop(id).Peers > 0 })
	applied, err := p.submit(id, governance.KindMemberApply, governance.MemberApply{Name: p.daemon.home.Config.Name, Classes: []string{"member"}})
	if err != nil {
		p.t.Fatal(err)
	}
	if o := p.final(id, applied); o.Refusal != "" {
		p.t.Fatal(o.Refusal)
	}
}

func wantCode(t *testing.T, err error, code home.Code) {
	t.Helper()
	var p *home.Problem
	if !errors.As(err, &p) || p.Code != code || p.What == "" {
		t.Errorf("got %v, expected %s", err, code)
	}
}

func TestTheSocketIsItsOwnersAlone(t *testing.T) {
	p := newPeer(t, "ana")
	info, err := os.Stat(home.At(p.dir).Socket())
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	if dir, err := os.Stat(filepath.Dir(home.At(p.dir).Socket())); err != nil || dir.Mode().Perm() != 0o700 {
		t.Errorf("%v %v", dir.Mode(), err)
	}
	req, _ := http.NewRequest(http.MethodGet, "http://coop/v1/status", nil)
	req.Header.Set("Origin", "http://evil.example")
	res, err := p.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusForbidden {
		t.Errorf("a web page was answered: %s", res.Status)
	}
}

func TestRequestsAreStrict(t *testing.T) {
	p := newPeer(t, "ana")
	id := p.found("Roof")
	send := func(path, contentType, body string) error {
		return p.Send(context.Background(), path, contentType, strings.NewReader(body), nil)
	}
	submit := Path("coops", id.String(), "submit")
	for name, body := range map[string]string{
		"no JSON": "hello", "unknown field": `{"kind":"member.leave","body":"oA==","more":1}`, "trailing": `{"kind":"member.leave","body":"oA=="} {}`,
		"wrong type": `{"kind":7}`, "empty": "", "too long": `{"kind":"` + strings.Repeat("a", MaxBody) + `"}`,
	} {
		if err := send(submit, "application/json", body); err == nil {
			t.Errorf("%s was taken", name)
		} else {
			wantCode(t, err, CodeUsage)
		}
	}
	take := Path("coops", id.String(), "take")
	for name, body := range map[string]string{"no CBOR": "hello", "not bytes": "\x82\x01\x02", "indefinite": "\x9f\xff", "trailing": "\x80\x00", "tagged": "\xc1\x80"} {
		if err := send(take, "application/cbor", body); err == nil {
			t.Errorf("%s was taken", name)
		} else {
			wantCode(t, err, CodeUsage)
		}
	}
	wantCode(t, p.Get(context.Background(), "/v1/nosuch", nil), CodeNotFound)
	wantCode(t, p.Get(context.Background(), Path("coops", "nosuch"), nil), CodeNotFound)
	wantCode(t, p.Get(context.Background(), Path("coops", id.String(), "wait", "nosuch"), nil), CodeUsage)
	wantCode(t, p.Get(context.Background(), Path("coops", id.String(), "events")+"?since=x", nil), CodeUsage)
	wantCode(t, p.Post(context.Background(), "/v1/join", Join{Genesis: []byte("no event")}, nil), CodeRefused)
}

// Events that were sealed elsewhere come in by the bulk, each with its verdict.
func TestTake(t *testing.T) {
	p := newPeer(t, "ana")
	id := p.found("Roof")
	outsider := identity.KeyFromSeed([32]byte{42})
	var slot Slot
	p.get(Path("coops", id.String(), "slot", outsider.Public().String()), &slot)
	if slot.Seq != 0 || slot.Coop != id {
		t.Fatalf("%+v", slot)
	}
	apply, _ := event.NewDraft(governance.KindMemberApply, governance.MemberApply{Name: "Olga", Classes: []string{"member"}})
	propose, _ := event.NewDraft(governance.KindProposalOpen, governance.ProposalOpen{Title: "Lamp", Track: "general"})
	first, err := event.Seal(outsider, event.Slot{Coop: id, At: event.Time(time.Now().UnixMilli())}, apply)
	if err != nil {
		t.Fatal(err)
	}
	second, err := event.Seal(outsider, event.After(id, first, first.At), propose)
	if err != nil {
		t.Fatal(err)
	}
	stranger, _ := event.Seal(identity.KeyFromSeed([32]byte{43}), event.Slot{Coop: id, At: first.At}, propose)
	body, err := event.Marshal([][]byte{first.Raw, second.Raw, []byte("noise"), stranger.Raw})
	if err != nil {
		t.Fatal(err)
	}
	var taken Taken
	if err := p.Send(context.Background(), Path("coops", id.String(), "take"), "application/cbor", bytes.NewReader(body), &taken); err != nil {
		t.Fatal(err)
	}
	if len(taken.Verdicts) != 4 || taken.Verdicts[0] != "" || taken.Verdicts[1] != "" || taken.Verdicts[2] == "" || taken.Verdicts[3] == "" {
		t.Fatalf("%q", taken.Verdicts)
	}
	if o := p.final(id, second.ID); o.Refusal != "" {
		t.Error(o.Refusal)
	}
	if titles := p.titles(id); len(titles) != 1 || titles[0] != "Lamp" {
		t.Errorf("%q", titles)
	}
	// The same again, as JSON, is no harm.
	p.post(Path("coops", id.String(), "take"), sealed{[][]byte{first.Raw}}, &taken)
	if len(taken.Verdicts) != 1 || taken.Verdicts[0] != "" {
		t.Errorf("%q", taken.Verdicts)
	}
}

// A full disk stops writing, keeps reading, says why, and ends by itself.
func TestFullDisk(t *testing.T) {
	p := newPeer(t, "ana")
	id := p.found("Roof")
	p.final(id, p.propose(id, "Ladder"))
	p.free.Store(leastFree - 1)
	_, err := p.submit(id, governance.KindProposalOpen, governance.ProposalOpen{Title: "Lamp", Track: "general"})
	if err == nil {
		t.Fatal("something was acknowledged on a full disk")
	}
	eventually(t, "the reading side", func() bool { s := p.coop(id); return s.Problem != nil && s.Events > 0 })
	if s := p.coop(id); s.Problem.Code != CodeDiskFull || s.Problem.Next == "" {
		t.Errorf("%+v", s.Problem)
	}
	if titles := p.titles(id); len(titles) != 1 || titles[0] != "Ladder" {
		t.Errorf("what was final can't be read: %q", titles)
	}
	_, err = p.submit(id, governance.KindProposalOpen, governance.ProposalOpen{Title: "Lamp", Track: "general"})
	wantCode(t, err, CodeDiskFull)
	var h Health
	p.get("/v1/doctor", &h)
	if len(h.Findings) == 0 || h.Findings[0].Code != CodeDiskFull {
		t.Errorf("the doctor finds %+v", h.Findings)
	}
	p.free.Store(1 << 40)
	eventually(t, "it to go on", func() bool { return p.coop(id).Problem == nil && !p.coop(id).Opening })
	if o := p.final(id, p.propose(id, "Hammer")); o.Refusal != "" {
		t.Error(o.Refusal)
	}
}

// One cooperative's damage leaves the others alone, and is no reason not to start.
func TestDamageStopsOneCooperative(t *testing.T) {
	p := newPeer(t, "ana")
	roof, cellar := p.found("Roof"), p.found("Cellar")
	p.final(roof, p.propose(roof, "Ladder"))
	p.final(cellar, p.propose(cellar, "Shelf"))
	p.stop()
	anchors, err := filepath.Glob(filepath.Join(home.At(p.dir).StoreDir(roof), "live", "anchor"))
	if err != nil || len(anchors) != 1 {
		t.Fatal(anchors, err)
	}
	if err := os.Truncate(anchors[0], 10); err != nil {
		t.Fatal(err)
	}
	p.start()
	eventually(t, "both to be looked at", func() bool { return !p.coop(cellar).Opening && p.coop(roof).Problem != nil })
	if s := p.coop(roof); s.Problem.Code != CodeStore || !strings.Contains(s.Problem.Error(), "coop repo rebuild") {
		t.Errorf("%+v", s.Problem)
	}
	wantCode(t, p.Get(context.Background(), Path("coops", "Roof", "proposals"), new(any)), CodeStore)
	if o := p.final(cellar, p.propose(cellar, "Lamp")); o.Refusal != "" {
		t.Error(o.Refusal)
	}
}

func TestLeaveAndComeBackWhileItRuns(t *testing.T) {
	p := newPeer(t, "ana")
	roof, cellar := p.found("Roof"), p.found("Cellar")
	p.final(roof, p.propose(roof, "Ladder"))
	genesis := p.daemon.rooms[roof].genesis
	wantCode(t, p.Get(context.Background(), Path("coops", "-"), nil), CodeAmbiguous)
	var left Left
	p.post(Path("coops", "roof", "leave"), struct{}{}, &left)
	if _, err := os.Stat(left.Aside); err != nil {
		t.Error(err)
	}
	wantCode(t, p.Get(context.Background(), Path("coops", roof.String()), nil), CodeNotFound)
	if s := p.coop(cellar); s.Problem != nil {
		t.Error(s.Problem)
	}
	p.post("/v1/join", Join{Genesis: genesis.Raw}, nil)
	if s := p.coop(roof); s.Observer != "" || s.Problem != nil {
		t.Errorf("after coming back: %q %v", s.Observer, s.Problem)
	}
	p.final(roof, p.propose(roof, "Lamp"))
}

// Two peers, cut off from each other and let through again; and a clock that jumps over a deadline.
func TestTestnetHooks(t *testing.T) {
	ana, ben := newPeer(t, "ana"), newPeer(t, "ben")
	id := ana.found("Roof")
	ben.join(ana, id)
	proposal := ana.propose(id, "Ladder")
	ana.final(id, proposal)

	ben.post("/v1/testnet/block", Block{Peers: []identity.PublicKey{ana.daemon.home.Device}}, nil)
	eventually(t, "the partition", func() bool { return ben.coop(id).Peers == 0 && ana.coop(id).Peers == 0 })
	lamp := ben.propose(id, "Lamp")
	var o Outcome
	if ben.get(Path("coops", id.String(), "wait", lamp.String()), &o); o.Final {
		t.Error("it became final without a steward")
	}
	var h Health
	ben.get("/v1/doctor", &h)
	if len(h.Coops) != 1 || len(h.Coops[0].Peers) == 0 || h.Coops[0].Peers[0].Up || h.Coops[0].Peers[0].Next == "" {
		t.Errorf("the doctor doesn't explain: %+v", h.Coops)
	}
	ben.post("/v1/testnet/block", Block{}, nil)
	if o := ben.final(id, lamp); o.Refusal != "" {
		t.Error(o.Refusal)
	}

	for _, p := range []*peer{ana, ben} {
		p.post("/v1/testnet/clock", Shift{OffsetMS: 2 * 3_600_000}, nil)
	}
	phase := func(p *peer) governance.Phase {
		var v coop.ProposalView
		p.get(Path("coops", id.String(), "proposals", proposal.String()), &v)
		return v.Phase
	}
	eventually(t, "the vote's end", func() bool { return phase(ana) == governance.Expired && phase(ben) == governance.Expired })
}

// A daemon that is no testnet's has no such doors.
func TestHooksAreBehindTheirFlag(t *testing.T) {
	p := newPeer(t, "ana")
	p.stop()
	h, err := home.Open(home.At(p.dir))
	if err != nil {
		t.Fatal(err)
	}
	key, err := h.Unlock(home.Passphrase{})
	if err != nil {
		t.Fatal(err)
	}
	d, err := Open(Options{Home: h, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- d.Run(context.Background()) }()
	if err := p.Await(context.Background(), ended); err != nil {
		t.Fatal(err)
	}
	wantCode(t, p.Post(context.Background(), "/v1/testnet/block", Block{}, nil), CodeNotFound)
	wantCode(t, p.Post(context.Background(), "/v1/testnet/clock", Shift{}, nil), CodeNotFound)
	d.Stop()
	if err := errors.Join(<-ended, d.Close()); err != nil {
		t.Error(err)
	}
}

// The log can be followed: a request waits for the next event.
func TestEventsCanBeFollowed(t *testing.T) {
	p := newPeer(t, "ana")
	id := p.found("Roof")
	path := Path("coops", id.String(), "events")
	var page Page
	p.get(path+"?limit=1", &page)
	if len(page.Items) != 1 || page.Items[0].Kind != governance.KindCoopFound || page.Since != 1 {
		t.Fatalf("%+v", page)
	}
	next := make(chan Page, 1)
	go func() {
		var page Page
		_ = p.Get(context.Background(), path+"?since=1&timeout=20s", &page) // an error shows as an empty page
		next <- page
	}()
	want := p.propose(id, "Ladder")
	if page := <-next; len(page.Items) != 1 || page.Items[0].ID != want || page.Items[0].N != 1 {
		t.Errorf("%+v", page)
	}
	var detail Detail
	text := want.String()
	p.get(Path("coops", "-", "events", text[len(text)-10:]), &detail)
	if body, _ := json.Marshal(detail.Body); detail.ID != want || !strings.Contains(string(body), `"title":"Ladder"`) {
		t.Errorf("%s", body)
	}
	wantCode(t, p.Get(context.Background(), Path("coops", "-", "events", text[:7]), nil), CodeAmbiguous)
}

// An export over the socket is what an import takes.
func TestExportAndImportThroughDaemons(t *testing.T) {
	ana, ben := newPeer(t, "ana"), newPeer(t, "ben")
	id := ana.found("Roof")
	for _, title := range []string{"Ladder", "Lamp", "Hammer"} {
		ana.final(id, ana.propose(id, title))
	}
	var file bytes.Buffer
	if err := ana.Stream(context.Background(), Path("coops", "Roof", "export"), &file); err != nil {
		t.Fatal(err)
	}
	half := io.LimitReader(bytes.NewReader(file.Bytes()), int64(file.Len()/2))
	wantCode(t, ben.Send(context.Background(), "/v1/import", "application/vnd.ipld.car", half, nil), CodeArchive)
	if left, _ := filepath.Glob(filepath.Join(home.At(ben.dir).CoopsDir(), "*")); len(left) != 0 {
		t.Errorf("a bad archive left %q", left)
	}
	if err := ben.Send(context.Background(), "/v1/import", "application/vnd.ipld.car", bytes.NewReader(file.Bytes()), nil); err != nil {
		t.Fatal(err)
	}
	if a, b := ana.coop(id), ben.coop(id); a.Root != b.Root || a.Commits != b.Commits || a.Rounds != b.Rounds {
		t.Errorf("%+v\n%+v", a, b)
	}

	// Who has imported it can serve it to a third: the commits' pages fit the rounds.
	cleo := newPeer(t, "cleo")
	ana.stop()
	var s Status
	ben.get("/v1/status", &s)
	var o Offer
	cleo.post("/v1/look", Look{id, s.Addrs}, &o)
	cleo.post("/v1/join", Join{Genesis: o.Genesis, Addrs: s.Addrs}, nil)
	eventually(t, "the third to have it all", func() bool { return cleo.coop(id).Root == ben.coop(id).Root && cleo.coop(id).Commits > 0 })
}
