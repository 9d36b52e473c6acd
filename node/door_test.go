package node

import (
	"bytes"
	"fmt"
	"hash/maphash"
	"sync"
	"testing"

	"github.com/sustainy/coop/event"
)

// notes are n sealed events, every fifth with a damaged signature and every seventh cut short.
func notes(t *testing.T, n int) [][]byte {
	t.Helper()
	var raws [][]byte
	for i := range n {
		d, err := event.NewDraft("test.note", map[string]string{"text": fmt.Sprint(i)})
		if err != nil {
			t.Fatal(err)
		}
		e, err := event.Seal(testKey(i%9), event.Slot{Coop: event.ID{1}, At: start}, d)
		if err != nil {
			t.Fatal(err)
		}
		raw := bytes.Clone(e.Raw)
		if i%5 == 4 {
			raw[len(raw)-1] ^= 1
		}
		if i%7 == 6 {
			raw = raw[:len(raw)-1]
		}
		raws = append(raws, raw)
	}
	return raws
}

// However many calls come at once and share their work, each gets the verdicts of event.OpenAll for
// its own events, again and again.
func TestOpenerAgreesWithOpenAll(t *testing.T) {
	raws := notes(t, 700)
	want, refused := event.OpenAll(raws)
	door := newOpener()
	var wait sync.WaitGroup
	for caller := range 24 {
		wait.Go(func() {
			for from := caller * 7 % 50; from < len(raws); {
				to := min(len(raws), from+1+(from*31+caller*17)%90)
				if caller == 0 {
					from, to = 0, len(raws) // one caller with enough for all cores
				}
				events, errs := door.openAll(raws[from:to])
				for i := range to - from {
					switch {
					case errs[i] != refused[from+i]:
						t.Errorf("event %d: %v, want %v", from+i, errs[i], refused[from+i])
					case errs[i] == nil && (events[i].ID != want[from+i].ID || !bytes.Equal(events[i].Raw, raws[from+i])):
						t.Errorf("event %d is another one", from+i)
					case errs[i] != nil && events[i] != nil:
						t.Errorf("event %d is refused and there", from+i)
					}
				}
				from = to
			}
		})
	}
	wait.Wait()
	if len(seats) != 0 || len(door.queue) != 0 {
		t.Fatalf("%d at work, %d waiting", len(seats), len(door.queue))
	}
}

// An event is opened once: its bytes are its own, a changed signature is another event, and what is
// remembered is bounded.
func TestOpenerRemembers(t *testing.T) {
	door := newOpener()
	raw := notes(t, 1)[0]
	first, _ := door.openAll([][]byte{raw})
	frame := Message{Bundle: &Bundle{Events: first}}.Frame()
	epoch, _ := messages(t)
	m, err := NewReader(epoch).Parse(frame)
	if err != nil {
		t.Fatal(err)
	}
	clear(frame)
	if !bytes.Equal(m.Bundle.Events[0].Raw, raw) {
		t.Fatal("the event is a part of the frame in which it came")
	}
	second, _ := door.openAll([][]byte{bytes.Clone(raw)})
	if first[0] != second[0] {
		t.Error("it was opened twice")
	}
	forged := bytes.Clone(raw)
	forged[len(forged)-1] ^= 1
	for range 2 {
		if _, errs := door.openAll([][]byte{forged}); errs[0] != event.ErrSignature {
			t.Fatalf("a forged copy: %v", errs[0])
		}
	}
	other := notes(t, 2)[1]
	door.fresh[maphash.Bytes(door.seed, other)] = first[0] // as if the hashes were equal
	if got, _ := door.openAll([][]byte{other}); !bytes.Equal(got[0].Raw, other) {
		t.Error("an event is taken for another with the same hash")
	}
	for i := range 3 * rememberedCount {
		door.remember(uint64(i), first[0])
		if len(door.fresh) > rememberedCount || len(door.stale) > rememberedCount || door.size > rememberedBytes+event.MaxEnvelope {
			t.Fatalf("it remembers %d and %d events, %d bytes", len(door.fresh), len(door.stale), door.size)
		}
	}
	big := &event.Event{Raw: make([]byte, event.MaxEnvelope)}
	for i := range 200 {
		door.remember(uint64(i), big)
	}
	if n := len(door.fresh); n*event.MaxEnvelope > rememberedBytes+event.MaxEnvelope {
		t.Errorf("it remembers %d large events", n)
	}
}
