package daemon

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/home"
	"github.com/sustainy/coop/identity"
)

// spoil changes a byte in every copy of some bytes below a directory.
func spoil(t *testing.T, dir string, content []byte) {
	t.Helper()
	spoiled := 0
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		at := bytes.Index(text, content)
		if at < 0 {
			return nil
		}
		spoiled++
		text[at+len(content)/2] ^= 1
		return os.WriteFile(path, text, 0o600)
	})
	if err != nil || spoiled == 0 {
		t.Fatalf("%d copies spoiled, %v", spoiled, err)
	}
}

func (p *peer) raw(coop, id event.ID) []byte {
	p.t.Helper()
	var d Detail
	p.get(Path("coops", coop.String(), "events", id.String()), &d)
	return d.Raw
}

// Ben says two things that nobody hears, and his disk loses one that they build on. The rebuilt store
// keeps the two apart; when Ana has given back what was lost they are heard after all, and Ben, who has
// everything back that he ever signed, signs again without a restart.
func TestNothingIsForgottenWithARebuiltStore(t *testing.T) {
	ana, ben := newPeer(t, "ana"), newPeer(t, "ben")
	id := ana.found("Roof")
	ben.join(ana, id)
	ladder := ben.propose(id, "Ladder")
	ben.final(id, ladder)
	eventually(t, "ana to know it", func() bool { return slices.Contains(ana.titles(id), "Ladder") })
	ben.post("/v1/testnet/block", Block{Peers: []identity.PublicKey{ana.daemon.home.Device}}, nil)
	eventually(t, "the partition", func() bool { return ben.coop(id).Peers == 0 && ana.coop(id).Peers == 0 })
	ben.propose(id, "Lamp")
	ben.propose(id, "Hammer")
	lost := ben.raw(id, ladder)
	ben.stop()

	spoil(t, home.At(ben.dir).StoreDir(id), lost)
	h, err := home.Open(home.At(ben.dir))
	if err != nil {
		t.Fatal(err)
	}
	report, err := Rebuild(h, id)
	if err != nil || report.Apart != 2 {
		t.Fatalf("%+v %v", report, err)
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	ben.start()
	eventually(t, "ana to hear all three", func() bool { return len(ana.titles(id)) == 3 })
	eventually(t, "ben to sign again", func() bool { s := ben.coop(id); return !s.Opening && s.Observer == "" })
	if o := ben.final(id, ben.propose(id, "Saw")); o.Refusal != "" {
		t.Error(o.Refusal)
	}
	eventually(t, "one state", func() bool { return ana.coop(id).Root == ben.coop(id).Root && len(ana.titles(id)) == 4 })
	if s := ana.coop(id); s.Forks != 0 {
		t.Errorf("%d forks", s.Forks)
	}
}

// copyTo copies a store's directory, and putBack puts a copy where the store is.
func copyTo(t *testing.T, from string) (to string) {
	t.Helper()
	to = filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	return to
}

func putBack(t *testing.T, older, store string) {
	t.Helper()
	if err := os.RemoveAll(store); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(store, os.DirFS(older)); err != nil {
		t.Fatal(err)
	}
}

// The power goes between the store's write and the guard's: what the store knows was signed, so the next
// number is a new one.
func TestPowerGoesBeforeTheGuardIsRaised(t *testing.T) {
	p := newPeer(t, "ana")
	id := p.found("Roof")
	p.final(id, p.propose(id, "Ladder"))
	p.stop()
	path := home.At(p.dir).GuardFile(id)
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	p.start()
	p.final(id, p.propose(id, "Lamp"))
	p.stop()
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err == nil {
		_, err = f.WriteAt(before, 0)
	}
	if err != nil || f.Close() != nil {
		t.Fatal(err)
	}
	p.start()
	if o := p.final(id, p.propose(id, "Hammer")); o.Refusal != "" {
		t.Error(o.Refusal)
	}
	if s := p.coop(id); s.Observer != "" || s.Forks != 0 {
		t.Errorf("%+v", s)
	}
}

// An older copy of the store is put back. A steward who is the only one gets everything back from a
// member, round blocks too, and the cooperative goes on.
func TestALoneStewardGetsEverythingBack(t *testing.T) {
	ana, ben := newPeer(t, "ana"), newPeer(t, "ben")
	id := ana.found("Roof")
	ben.join(ana, id)
	ana.stop()
	store := home.At(ana.dir).StoreDir(id)
	older := copyTo(t, store)
	ana.start()
	ana.final(id, ana.propose(id, "Ladder"))
	eventually(t, "ben to have it all", func() bool {
		return ben.coop(id).Root == ana.coop(id).Root && ben.coop(id).Rounds == ana.coop(id).Rounds
	})
	ana.stop()
	putBack(t, older, store)
	ana.start()
	eventually(t, "ana to sign again", func() bool { s := ana.coop(id); return !s.Opening && s.Observer == "" && s.Peers > 0 })
	if o := ben.final(id, ben.propose(id, "Lamp")); o.Refusal != "" {
		t.Error(o.Refusal)
	}
	if a, b := ana.coop(id), ben.coop(id); a.Forks+b.Forks != 0 || a.Halted+b.Halted != "" {
		t.Errorf("%+v\n%+v", a, b)
	}
}

// What nobody else ever had does not come back, so the device goes on observing, and says what helps.
func TestWhatNobodyHasDoesNotComeBack(t *testing.T) {
	ana, ben := newPeer(t, "ana"), newPeer(t, "ben")
	id := ana.found("Roof")
	ben.join(ana, id)
	ben.stop()
	store := home.At(ben.dir).StoreDir(id)
	older := copyTo(t, store)
	ben.start()
	eventually(t, "ana", func() bool { return ben.coop(id).Peers > 0 })
	ben.post("/v1/testnet/block", Block{Peers: []identity.PublicKey{ana.daemon.home.Device}}, nil)
	eventually(t, "the partition", func() bool { return ben.coop(id).Peers == 0 && ana.coop(id).Peers == 0 })
	ben.propose(id, "Lamp")
	ben.stop()
	putBack(t, older, store)
	ana.final(id, ana.propose(id, "Ladder"))
	ben.start()
	eventually(t, "ben to know as much as ana", func() bool { return ben.coop(id).Root == ana.coop(id).Root })
	_, err := ben.submit(id, governance.KindProposalOpen, governance.ProposalOpen{Title: "Hammer", Track: "general"})
	wantCode(t, err, home.CodeObserver)
	if s := ben.coop(id); !strings.Contains(s.Observer, "coop device new") {
		t.Errorf("%q", s.Observer)
	}
}
