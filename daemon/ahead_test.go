package daemon

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/network"

	"github.com/sustainy/coop/archive"
	"github.com/sustainy/coop/content"
	"github.com/sustainy/coop/coop"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/finality"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/node"
)

// crowd lets many people join a cooperative who have much to say of themselves, so that its state has several pieces,
// and then its stewards certify it.
func (p *peer) crowd(id event.ID, from int) {
	p.t.Helper()
	const people, atOnce = 2500, 50
	for n := from; n < from+people; n += atOnce {
		var raws [][]byte
		for i := n; i < n+atOnce; i++ {
			var seed [32]byte
			binary.BigEndian.PutUint64(seed[:], uint64(i+1))
			d, err := event.NewDraft(governance.KindMemberApply, governance.MemberApply{Name: fmt.Sprintf("Member %d", i), Classes: []string{"member"}, Statement: strings.Repeat("I am here. ", 80)})
			if err != nil {
				p.t.Fatal(err)
			}
			e, err := event.Seal(identity.KeyFromSeed(seed), event.Slot{Coop: id, At: event.Time(time.Now().UnixMilli())}, d)
			if err != nil {
				p.t.Fatal(err)
			}
			raws = append(raws, e.Raw)
		}
		body, err := event.Marshal(raws)
		if err != nil {
			p.t.Fatal(err)
		}
		var taken Taken
		if err := p.Send(context.Background(), Path("coops", id.String(), "take"), "application/cbor", bytes.NewReader(body), &taken); err != nil {
			p.t.Fatal(err)
		}
		e, _ := event.Open(raws[len(raws)-1])
		if o := p.final(id, e.ID); o.Refusal != "" {
			p.t.Fatal(o.Refusal)
		}
	}
	p.certify(id)
}

// certify makes the stewards, of whom p is the only one, certify what there is.
func (p *peer) certify(id event.ID) {
	p.t.Helper()
	p.clock += int64(2 * coop.CheckpointEvery)
	p.post("/v1/testnet/clock", Shift{p.clock}, nil)
	if o := p.final(id, p.propose(id, fmt.Sprintf("Clock %d", p.clock))); o.Refusal != "" {
		p.t.Fatal(o.Refusal)
	}
}

// enter lets p take part in other's cooperative, and does not wait.
func (p *peer) enter(other *peer, id event.ID) {
	p.t.Helper()
	var s Status
	other.get("/v1/status", &s)
	var o Offer
	p.post("/v1/look", Look{id, s.Addrs}, &o)
	p.post("/v1/join", Join{Genesis: o.Genesis, Addrs: s.Addrs}, nil)
}

// TestAStateIsShownBeforeItsHistory: who joins sees what the stewards certified while the history is still to come, is
// told so, signs nothing, and has it all in the end.
func TestAStateIsShownBeforeItsHistory(t *testing.T) {
	ana, ben := newPeer(t, "ana"), newPeer(t, "ben")
	id := ana.found("Roof")
	ana.crowd(id, 0)
	ana.daemon.withhold.Store(true)
	ben.enter(ana, id)
	eventually(t, "a certified state", func() bool { c := ben.coop(id).Certified; return c != nil && c.Shown })

	s, want := ben.coop(id), ana.coop(id)
	if s.Root != want.Root || s.Members != want.Members || s.Commits == want.Commits || s.Certified.Signed != 1 || s.Certified.Of != 1 || s.Certified.Commits != want.Commits {
		t.Errorf("%+v is shown of %+v", s, want)
	}
	if titles := ben.titles(id); len(titles) != 1 || titles[0] != ana.titles(id)[0] {
		t.Errorf("%q", titles)
	}
	noticed := ""
	ben.Notice = func(text string) { noticed = text }
	var members []coop.MemberView
	ben.get(Path("coops", id.String(), "members"), &members)
	if uint64(len(members)) != want.Members || !strings.HasPrefix(noticed, "shown as certified by 1 of 1 stewards at commit") || !strings.Contains(noticed, "still checking the history: 0 %") {
		t.Errorf("%d members, noticed %q", len(members), noticed)
	}
	apply := governance.MemberApply{Name: "Ben", Classes: []string{"member"}}
	_, err := ben.submit(id, governance.KindMemberApply, apply)
	wantCode(t, err, CodeRefused)
	var all []coop.ProposalView
	ben.get(Path("coops", id.String(), "proposals"), &all)
	for _, path := range []string{Path("coops", id.String(), "proposals", all[0].ID.String(), "explain"), Path("coops", id.String(), "proposals", all[0].ID.String(), "chains")} {
		wantCode(t, ben.Get(context.Background(), path, nil), CodeNotFinal)
	}
	wantCode(t, ben.Stream(context.Background(), Path("coops", id.String(), "export"), io.Discard), CodeNotFinal)

	ana.daemon.withhold.Store(false)
	eventually(t, "the history", func() bool { c := ben.coop(id); return c.Certified == nil && c.Commits == want.Commits })
	if s := ben.coop(id); s.Root != want.Root || s.Halted != "" {
		t.Errorf("%+v is not %+v", s, want)
	}
	applied, err := ben.submit(id, governance.KindMemberApply, apply)
	if err != nil {
		t.Fatal(err)
	}
	if o := ben.final(id, applied); o.Refusal != "" {
		t.Error(o.Refusal)
	}
	noticed = ""
	ben.get(Path("coops", id.String(), "members"), &members)
	eventually(t, "a clean directory", func() bool {
		left, err := filepath.Glob(filepath.Join(ben.daemon.home.Paths.SnapshotsDir(id), proofFile))
		return err == nil && len(left) == 0
	})
	if noticed != "" {
		t.Errorf("noticed %q", noticed)
	}
}

// answers makes a peer hand out snapshots in its own way: proof and piece may change what is honest, or answer nothing
// (nil).
func (p *peer) answers(proof func([]byte) []byte, piece func(n int, offset uint64, honest []byte) []byte) {
	room := p.daemon.all()[0]
	var asked atomic.Int64
	p.daemon.host.Libp2p().SetStreamHandler(snapshotProtocol, func(s network.Stream) {
		defer s.Reset()
		var head [64]byte
		if _, err := io.ReadFull(s, head[:]); err != nil {
			return
		}
		o, err := room.newest(context.Background())
		if err != nil {
			return
		}
		id := content.ID(head[32:])
		if id == (content.ID{}) {
			id = o.id
			if _, err := s.Write(framed(proof(o.proof))); err != nil {
				return
			}
		}
		for {
			var question [8]byte
			if _, err := io.ReadFull(s, question[:]); err != nil {
				return
			}
			offset := binary.BigEndian.Uint64(question[:])
			honest, _ := room.shelf.store.Prove(id, offset)
			answer := piece(int(asked.Add(1)), offset, honest)
			if answer == nil {
				_, _ = io.ReadFull(s, question[:]) // until the other gives up
				return
			}
			if _, err := s.Write(framed(answer)); err != nil {
				return
			}
		}
	})
}

func same(b []byte) []byte { return b }

// flip changes one bit in the middle.
func flip(b []byte) []byte {
	b = bytes.Clone(b)
	b[len(b)/2] ^= 1
	return b
}

// TestLiarsDoNotStopACertifiedState: garbage, another size, silence and a state that is no longer handed out cost
// time and nothing else.
func TestLiarsDoNotStopACertifiedState(t *testing.T) {
	ana := newPeer(t, "ana")
	id := ana.found("Roof")
	ana.crowd(id, 0)
	ana.daemon.withhold.Store(true)
	for name, piece := range map[string]func(n int, offset uint64, honest []byte) []byte{
		"garbage": func(n int, offset uint64, honest []byte) []byte {
			if offset == content.Piece && n < 4 {
				return flip(honest)
			}
			return honest
		},
		"another size": func(n int, offset uint64, honest []byte) []byte {
			if n == 1 {
				other := bytes.Clone(honest)
				other[0]++
				return other
			}
			return honest
		},
		"silence": func(n int, offset uint64, honest []byte) []byte {
			if n == 3 {
				return nil
			}
			return honest
		},
		"no longer handed out": func(n int, offset uint64, honest []byte) []byte {
			if n == 3 {
				ana.renew(id)
			}
			if n >= 3 && honest == nil {
				return []byte{}
			}
			return honest
		},
	} {
		t.Run(name, func(t *testing.T) {
			ana.answers(same, piece)
			ben := newPeer(t, "ben")
			ben.stop()
			ben.piece = time.Second
			ben.start()
			ben.enter(ana, id)
			eventually(t, "a certified state", func() bool { c := ben.coop(id).Certified; return c != nil && c.Shown })
			if s, want := ben.coop(id), ana.coop(id); s.Root != want.Root {
				t.Errorf("%+v is shown of %+v", s, want)
			}
			ben.stop()
		})
	}
}

// TestOnlySoundProofsCount: a certificate without a quorum, of another cooperative, not that of the invite, or cut
// short shows nothing.
func TestOnlySoundProofsCount(t *testing.T) {
	ana, eve := newPeer(t, "ana"), newPeer(t, "eve")
	id, other := ana.found("Roof"), eve.found("Roof")
	ana.certify(id)
	eve.certify(other)
	room, otherRoom := ana.daemon.all()[0], eve.daemon.all()[0]
	o, err := room.newest(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := otherRoom.newest(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if a, err := room.proven(o.proof); err != nil || content.ID(a.cert.Checkpoint.State) != o.id {
		t.Fatal(err)
	}
	if err := eve.daemon.host.Connect(context.Background(), ana.daemon.host.Addrs()[0]); err != nil {
		t.Fatal(err)
	}
	outside := outsideRoom(eve.daemon, id)
	if _, err := outside.askProof(context.Background(), ana.daemon.home.Device); err == nil {
		t.Error("somebody outside of the cooperative's network gets a proof")
	}
	if again, err := room.newest(context.Background()); err != nil || again != o {
		t.Error("it was written twice", err)
	}
	_, cert, err := archive.FollowLight(o.proof, nil)
	if err != nil {
		t.Fatal(err)
	}
	n, err := room.ask()
	if err != nil {
		t.Fatal(err)
	}
	c, err := n.Snapshot(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	c.State.Hall.Purpose = "Something else"
	if _, err := room.shelf.write(room.genesis, c); !errors.Is(err, node.ErrFalseState) {
		t.Error("a state is handed out that nobody signed", err)
	}
	var b bytes.Buffer
	if err := otherRoom.shelf.store.WriteTo(&b, foreign.id); err != nil {
		t.Fatal(err)
	}
	if _, err := room.shelf.store.Add(&b); err != nil {
		t.Fatal(err)
	}
	if err := room.unfold(&ahead{cert: cert}, foreign.id, o.proof); !errors.Is(err, errOtherState) {
		t.Error("the state of another cooperative is shown", err)
	}
	unsigned := *cert
	unsigned.Signatures = nil
	claimed := *cert
	claimed.Checkpoint.State[0]++
	for name, proof := range map[string][]byte{"of another cooperative": foreign.proof, "a bit flipped": flip(o.proof), "cut short": o.proof[:len(o.proof)-1], "nothing": {},
		"of no state": archive.Light(room.genesis, nil, nil), "nobody signed": archive.Light(room.genesis, nil, &unsigned), "another state": archive.Light(room.genesis, nil, &claimed),
		"signed by others": archive.Light(room.genesis, nil, func() *finality.Certificate { _, c, _ := archive.FollowLight(foreign.proof, nil); return c }())} {
		if _, err := room.proven(proof); err == nil {
			t.Errorf("a proof %s counts", name)
		}
	}
}

// outsideRoom is what somebody can ask from who does not take part.
func outsideRoom(d *Daemon, id event.ID) *room { return &room{d: d, id: id} }

// TestARestartGoesOn: what was fetched before is not fetched again, unless nobody hands it out any more.
func TestARestartGoesOn(t *testing.T) {
	ana := newPeer(t, "ana")
	id := ana.found("Roof")
	ana.crowd(id, 0)
	ana.daemon.withhold.Store(true)
	for want, name := range []string{1: "still there", 2: "gone"} {
		if name == "" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			ben := newPeer(t, "ben")
			var firsts, again atomic.Int64
			ana.answers(same, func(n int, offset uint64, honest []byte) []byte {
				if offset == 0 && honest != nil {
					firsts.Add(1)
				}
				if offset == content.Piece && again.Load() == 0 {
					return nil // and no more
				}
				return append([]byte{}, honest...)
			})
			ben.enter(ana, id)
			part := func() (size int64) {
				files, _ := filepath.Glob(filepath.Join(ben.daemon.home.Paths.SnapshotsDir(id), "*.part"))
				for _, f := range files {
					if info, err := os.Stat(f); err == nil {
						size = info.Size()
					}
				}
				return size
			}
			eventually(t, "the first piece", func() bool { return part() == content.Piece })
			ben.stop()
			if name == "gone" {
				ana.renew(id)
			}
			again.Store(1)
			ben.start()
			eventually(t, "a certified state", func() bool { c := ben.coop(id).Certified; return c != nil && c.Shown })
			if firsts.Load() != int64(want) {
				t.Errorf("the first piece was fetched %d times", firsts.Load())
			}
			ben.stop()
		})
	}
}

// renew has another state certified, and hands out the one before no more.
func (p *peer) renew(id event.ID) {
	p.t.Helper()
	p.certify(id)
	room := p.daemon.all()[0]
	room.shelf.mu.Lock()
	for _, old := range room.shelf.offers {
		old.made, old.asked = time.Time{}, time.Time{}
	}
	room.shelf.mu.Unlock()
	if _, err := room.newest(context.Background()); err != nil {
		p.t.Error(err)
	}
}

// TestALieOfTheStewardsIsTold: a state that a quorum signed and that does not follow from the history is shown as what
// they certified, until the history is there. Then the peer says that it is false, shows its own, and signs nothing.
func TestALieOfTheStewardsIsTold(t *testing.T) {
	ana, ben := newPeer(t, "ana"), newPeer(t, "ben")
	id := ana.found("Roof")
	ana.crowd(id, 0)
	ana.daemon.withhold.Store(true)
	room := ana.daemon.all()[0]
	n, err := room.ask()
	if err != nil {
		t.Fatal(err)
	}
	c, err := n.Snapshot(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	c.State.Hall.Purpose = "Something else"
	p := c.Certificate.Checkpoint
	p.State = coop.Root(c.State)
	sig := p.Sign(ana.daemon.key)
	c.Certificate = &finality.Certificate{Version: 1, Checkpoint: p, Signatures: []finality.Signature{{Sig: sig[:]}}}
	room.shelf.mu.Lock()
	_, err = room.shelf.write(room.genesis, c)
	room.shelf.mu.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	ben.enter(ana, id)
	eventually(t, "what was certified", func() bool { c := ben.coop(id).Certified; return c != nil && c.Shown })
	var o coop.Overview
	if ben.get(Path("coops", id.String(), "overview"), &o); o.Purpose != "Something else" {
		t.Errorf("%+v", o)
	}
	ana.daemon.withhold.Store(false)
	eventually(t, "the truth", func() bool { return ben.coop(id).Halted == node.ErrFalseState.Error() })
	if ben.get(Path("coops", id.String(), "overview"), &o); o.Purpose == "Something else" || ben.coop(id).Certified != nil {
		t.Errorf("%+v", o)
	}
	if _, err := ben.submit(id, governance.KindMemberApply, governance.MemberApply{Name: "Ben", Classes: []string{"member"}}); err == nil {
		t.Error("it signs")
	}
}
