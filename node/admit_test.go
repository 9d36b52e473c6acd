package node

import (
	"errors"
	"slices"
	"testing"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/governance"
)

// strand makes events of a key that nobody knows, each after the one before.
func (w *town) strand(key, n int) (events []*event.Event) {
	w.t.Helper()
	slot := event.Slot{Coop: w.cores[0].coop, At: w.now}
	for range n {
		d, err := event.NewDraft("test.large", map[string]string{"text": "junk"})
		if err != nil {
			w.t.Fatal(err)
		}
		e, err := event.Seal(testKey(key), slot, d)
		if err != nil {
			w.t.Fatal(err)
		}
		events, slot.Seq, slot.Prev = append(events, e), e.Seq+1, e.ID
	}
	return events
}

// TestStrangersAreSetAside: what a stranger writes is taken only if a round block contains it or what builds on
// it. It is offered to nobody then, and no own event builds on it, until the stranger is none any more.
func TestStrangersAreSetAside(t *testing.T) {
	w := newTown(t, 4)
	core, from := w.cores[0], testKey(1).Public()
	junk := w.strand(77, 3)
	if err := core.accept(from, junk[0]); !errors.Is(err, ErrStranger) {
		t.Fatalf("a stranger's event was taken: %v", err)
	}
	core.wants.needed[junk[1].ID] = true // the block lists the second, which builds on the first
	for _, e := range []*event.Event{junk[1], junk[0], junk[2]} {
		if err := core.accept(from, e); err != nil {
			t.Fatal(err)
		}
	}
	if core.graph.Get(junk[2].ID) == nil || core.graph.Waiting() > 0 {
		t.Fatal("what a round block needs was not taken, with what it builds on")
	}
	none := &Tail{Low: 0, High: 1<<64 - 1}
	if lacks, _ := core.tail.compare(none); core.tail.len() != 0 || len(core.tail.ranges(1)[0].Short) != 0 || len(lacks) != 0 {
		t.Errorf("%d events of a stranger are offered", core.tail.len())
	}
	if _, unknown := core.tail.compare(&Tail{Salt: 1, High: 1<<64 - 1, Short: []uint64{short(1, junk[0].ID)}}); len(unknown) != 0 {
		t.Error("what was set aside is asked for")
	}
	own := w.submit(0, governance.KindMemberInvite, governance.MemberInvite{Key: testKey(50).Public(), Uses: 1, Expires: w.now + 1000})
	for _, e := range junk {
		if slices.Contains(own.Deps, e.ID) {
			t.Error("an own event builds on what nobody else would take")
		}
	}
	if core.tail.len() != 1 || core.Level(junk[0].ID) != Seen {
		t.Errorf("%d pending, the junk is %v", core.tail.len(), core.Level(junk[0].ID))
	}
	core.line.Final().Hall.Devices.Set(junk[0].Key, governance.Device{})
	if core.takeBack(false); core.tail.len() != 4 {
		t.Errorf("%d pending after the stranger has become a device, want 4", core.tail.len())
	}
}
