package node

import (
	"slices"
	"strings"
	"testing"

	"github.com/sustainy/coop/event"
)

// slowLine is the last peer's only way to the others: so many bytes a second come in, one frame after
// the other, and each sender keeps so much waiting as package p2p does.
type slowLine struct {
	*town
	perSecond int
	backlog   int

	free    event.Time // when the line is idle again
	waiting []parcel
	came    int // bytes over the line
}

type parcel struct {
	at     event.Time
	from   Peer
	letter Letter
	size   int
}

// carry lets time pass until the last peer has as many commits as the first, at most for so long.
func (l *slowLine) carry(most event.Time) {
	end := l.now + most
	last := len(l.cores) - 1
	for l.cores[last].commits < l.cores[0].commits {
		next := end
		for i, core := range l.cores {
			out := core.Tick(l.now, false)
			if err := l.stores[i].Append(out.Keep); err != nil {
				l.t.Fatal(err)
			}
			for _, letter := range out.Send {
				l.post(testKey(i).Public(), letter)
			}
			if out.Wake != 0 {
				next = min(next, out.Wake)
			}
		}
		if len(l.waiting) > 0 {
			next = min(next, l.waiting[0].at)
		}
		if l.now = max(l.now, next); l.now >= end {
			l.t.Fatalf("after %d s there are %d commits of %d; %d MB came", most/1000, l.cores[last].commits, l.cores[0].commits, l.came>>20)
		}
		for len(l.waiting) > 0 && l.waiting[0].at <= l.now {
			p := l.waiting[0]
			l.waiting = l.waiting[1:]
			l.hand(p)
		}
	}
}

func (l *slowLine) post(from Peer, letter Letter) {
	p := parcel{at: l.now + 20, from: from, letter: letter, size: len(letter.Frame())}
	if letter.To == testKey(len(l.cores)-1).Public() {
		queued := p.size
		for _, other := range l.waiting {
			if other.from == from && other.letter.To == letter.To {
				queued += other.size
			}
		}
		if queued > l.backlog {
			return
		}
		l.free = max(l.free, l.now) + event.Time(1000*p.size/l.perSecond)
		p.at += l.free - l.now
		l.came += p.size
	}
	at, _ := slices.BinarySearchFunc(l.waiting, p.at+1, func(p parcel, at event.Time) int { return int(p.at) - int(at) })
	l.waiting = slices.Insert(l.waiting, at, p)
}

func (l *slowLine) hand(p parcel) {
	for i, core := range l.cores {
		if testKey(i).Public() != p.letter.To {
			continue
		}
		m, err := ParseMessage(&core.epoch, p.letter.Frame())
		if err != nil {
			l.t.Fatal(err)
		}
		core.Handle(l.now, p.from, m)
	}
}

// Whose line is so slow that a page takes longer than a silent peer is waited for, catches up all the
// same, and does not ask everybody for the same again and again.
func TestCatchUpOverASlowLine(t *testing.T) {
	for _, stewards := range []int{1, 3} {
		for _, perSecond := range []int{5_000, 20_000, 250_000} {
			w, size := behind(t, stewards, 80)
			line := &slowLine{town: w, perSecond: perSecond, backlog: 8 << 20}
			began := w.now
			line.carry(event.Time(4_000 * size / perSecond))
			if line.came > size*3/2 {
				t.Errorf("%d stewards, %d bytes a second: of %d KB came %d KB in %d s", stewards, perSecond, size>>10, line.came>>10, (w.now-began)/1000)
			}
		}
	}
}

// behind is a town whose last peer, no steward, missed so many large events.
func behind(t *testing.T, stewards, events int) (w *town, size int) {
	w = newTown(t, stewards)
	away, author := w.cores[stewards], w.cores[stewards-1]
	for i, core := range w.cores[:stewards] {
		core.Down(w.now, testKey(stewards).Public())
		away.Down(w.now, testKey(i).Public())
	}
	w.cut[stewards] = true
	d, err := event.NewDraft("test.large", map[string]string{"text": strings.Repeat("x", event.MaxCore-1000)})
	if err != nil {
		t.Fatal(err)
	}
	key := testKey(stewards - 1)
	for range events {
		e, err := event.Seal(key, author.Slot(key.Public(), w.now), d)
		if err != nil {
			t.Fatal(err)
		}
		if err := author.Take(w.now, []*event.Event{e})[0]; err != nil {
			t.Fatal(err)
		}
		size += len(e.Raw)
		w.settle(w.now + 300)
	}
	for i, core := range w.cores[:stewards] {
		core.Up(w.now, testKey(stewards).Public())
		away.Up(w.now, testKey(i).Public())
	}
	return w, size
}
