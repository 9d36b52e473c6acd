package node

import (
	"bytes"
	"errors"
	"testing"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/finality"
)

// messages are one of each kind, with real events and rounds.
func messages(t testing.TB) (epoch finality.Epoch, all []Message) {
	w := newTown(t, 4)
	if _, err := w.cores[1].Submit(w.now, note(t, "Hello")); err != nil {
		t.Fatal(err)
	}
	w.settle(w.now + 5_000)
	core := w.cores[0]
	frontier := make([]uint64, 4)
	rounds := core.engine.Above(frontier, 5)
	e := core.event(coreTip(t, core))
	opened, err := event.Open(e.Raw)
	if err != nil {
		t.Fatal(err)
	}
	return core.epoch, []Message{
		{Hello: core.hello(nil)},
		{Get: &Get{Events: []event.ID{opened.ID}, Rounds: []event.ID{event.ID(rounds[0].ID)}, Frontier: frontier}},
		{Tail: &Tail{Salt: 7, Low: 1, High: 1<<64 - 1, Short: []uint64{1 << 63}}},
		{Want: &Want{Salt: 7, Short: []uint64{9}}},
		{Read: &Read{From: From{Index: 3, Skip: 4}, Bytes: 5}},
		{Bundle: &Bundle{Events: []*event.Event{opened}, Rounds: rounds, Next: &From{Index: 1}, More: true}},
		{Bundle: &Bundle{End: true}},
	}
}

func coreTip(t testing.TB, c *Core) event.ID {
	id, _, ok := c.graph.Tip(testKey(1).Public())
	if !ok {
		t.Fatal("no tip")
	}
	return id
}

func TestMessagesSurviveTheWire(t *testing.T) {
	epoch, all := messages(t)
	for i, m := range all {
		frame := m.Frame()
		again, err := ParseMessage(&epoch, frame)
		if err != nil {
			t.Fatalf("message %d: %v", i, err)
		}
		if !bytes.Equal(again.Frame(), frame) {
			t.Errorf("message %d is written differently after it was read", i)
		}
	}
}

// One bad event or round spoils the whole frame: who relays it has not looked.
func TestMessagesAreVerified(t *testing.T) {
	epoch, all := messages(t)
	for i, m := range all {
		frame := m.Frame()
		for at := range frame {
			bad := bytes.Clone(frame)
			bad[at] ^= 0x40
			read, err := ParseMessage(&epoch, bad)
			if err == nil && m.Bundle != nil && len(m.Bundle.Events) > 0 && !bytes.Equal(read.Frame(), bad) {
				t.Fatalf("message %d with byte %d changed is accepted as something else", i, at)
			}
			if err == nil && m.Bundle != nil && at > 8 && at < len(frame)-16 && len(m.Bundle.Events) > 0 {
				t.Fatalf("message %d with byte %d changed is accepted", i, at)
			}
		}
	}
	if _, err := ParseMessage(&epoch, make([]byte, MaxFrame+1)); !errors.Is(err, ErrFrame) {
		t.Errorf("too large: %v", err)
	}
}

func FuzzParseMessage(f *testing.F) {
	epoch, all := messages(f)
	for _, m := range all {
		f.Add(m.Frame())
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		m, err := ParseMessage(&epoch, frame)
		if err != nil {
			return
		}
		if again := m.Frame(); !bytes.Equal(again, frame) {
			t.Fatalf("%x read, %x written", frame, again)
		}
	})
}
