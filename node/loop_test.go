package node

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sustainy/coop/crdt"
	"github.com/sustainy/coop/event"
)

// gated is a store whose Append waits for a word, which may be an error.
type gated struct {
	*crdt.Memory
	mu   sync.Mutex // Memory serves one at a time
	word chan error
}

func (g *gated) Append(b crdt.Batch) error {
	if err := <-g.word; err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.Memory.Append(b)
}

func (g *gated) Round(id [32]byte) ([]byte, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.Memory.Round(id)
}

// ear hears what a node publishes.
type ear struct {
	mu    sync.Mutex
	heard []string
}

func (e *ear) Publish(topic string, frame []byte) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.heard = append(e.heard, topic)
}

func (e *ear) Send(Peer, string, []byte) bool { return true }

func (e *ear) count() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.heard)
}

type bubbleClock struct{}

func (bubbleClock) Now() event.Time                        { return event.Time(time.Now().UnixMilli()) }
func (bubbleClock) After(d time.Duration) <-chan time.Time { return time.After(d) }

type marks struct{}

func (marks) Mark(Mark) error      { return nil }
func (marks) Silence(string) error { return nil }

// running starts a member's node on a gated store, in a bubble in which time stands until all wait.
func running(t *testing.T) (n *Node, store *gated, net *ear, ran chan error, cancel func()) {
	t.Helper()
	genesis := founded(t, 4)
	store, net = &gated{Memory: crdt.NewMemory(), word: make(chan error)}, &ear{}
	if err := store.Memory.Append(crdt.Batch{Events: []*event.Event{genesis}}); err != nil {
		t.Fatal(err)
	}
	n, err := Open(Options{Genesis: genesis, Key: testKey(4), Store: store, Net: net, Clock: bubbleClock{}, Guard: marks{}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ran = make(chan error, 1)
	go func() { ran <- n.Run(ctx) }()
	synctest.Wait()
	return n, store, net, ran, cancel
}

// alone runs f with such a node.
func alone(t *testing.T, f func(t *testing.T, n *Node, store *gated, net *ear, ran chan error)) {
	synctest.Test(t, func(t *testing.T) {
		n, store, net, ran, cancel := running(t)
		f(t, n, store, net, ran)
		cancel()
	})
}

// submitted submits a proposal and tells what came of it.
func submitted(t *testing.T, n *Node, title string) chan error {
	answer := make(chan error, 1)
	d := note(t, title)
	go func() {
		_, err := n.Submit(t.Context(), d)
		answer <- err
	}()
	synctest.Wait()
	return answer
}

// What a turn says is said, and who waits for it answered, when it is kept and not before, in order;
// the next turn is heard meanwhile.
func TestKeptBeforeSaid(t *testing.T) {
	alone(t, func(t *testing.T, n *Node, store *gated, net *ear, ran chan error) {
		first := submitted(t, n, "First")
		second := submitted(t, n, "Second")
		if len(first)+len(second) > 0 || net.count() > 0 {
			t.Fatal("something was said before it was kept")
		}
		store.word <- nil
		synctest.Wait()
		if len(first) != 1 || len(second) != 0 || net.count() != 1 {
			t.Fatalf("after the first turn was kept: answered %d and %d, said %d times", len(first), len(second), net.count())
		}
		store.word <- nil
		synctest.Wait()
		if len(second) != 1 || net.count() != 2 {
			t.Fatalf("after the second turn was kept: answered %d, said %d times", len(second), net.count())
		}
		if err := errors.Join(<-first, <-second); err != nil {
			t.Fatal(err)
		}
		if got := store.Memory.Count().Events; got != 3 {
			t.Fatalf("%d events are kept", got)
		}
	})
}

// While a turn is being written, many inputs share the next one.
func TestTurnsAreShared(t *testing.T) {
	alone(t, func(t *testing.T, n *Node, store *gated, net *ear, ran chan error) {
		var answers []chan error
		for i := range 3 {
			answers = append(answers, submitted(t, n, fmt.Sprint("Proposal ", i)))
		}
		store.word <- nil
		store.word <- nil
		synctest.Wait()
		for i, a := range answers {
			if len(a) != 1 {
				t.Fatalf("submission %d waits for a third write", i)
			}
			if err := <-a; err != nil {
				t.Fatal(err)
			}
		}
	})
}

// Who does not wait for an answer is given none: what was begun for them may still be written by the loop.
func TestWhoGivesUpIsGivenNothing(t *testing.T) {
	alone(t, func(t *testing.T, n *Node, store *gated, net *ear, ran chan error) {
		first := submitted(t, n, "First")
		soon := func() context.Context {
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Millisecond, cancel)
			return ctx
		}
		if v, err := n.View(soon()); v != nil || !errors.Is(err, context.Canceled) {
			t.Errorf("a view that waits for the disk: %v, %v", v != nil, err)
		}
		if e, err := n.Submit(soon(), note(t, "Second")); e != nil || !errors.Is(err, context.Canceled) {
			t.Errorf("an event that waits for the disk: %v, %v", e != nil, err)
		}
		store.word <- nil
		store.word <- nil // what was signed is kept all the same
		if err := <-first; err != nil {
			t.Fatal(err)
		}
		if v, err := n.View(t.Context()); v == nil || err != nil {
			t.Errorf("a view later: %v", err)
		}
	})
}

// When the disk fails, nothing of that turn is said, the peer stops, and everybody who waits learns it.
func TestDiskFails(t *testing.T) {
	alone(t, func(t *testing.T, n *Node, store *gated, net *ear, ran chan error) {
		first := submitted(t, n, "First")
		second := submitted(t, n, "Second")
		store.word <- crdt.ErrStopped
		synctest.Wait()
		for _, answer := range []chan error{first, second, ran} {
			if err := <-answer; !errors.Is(err, ErrDisk) {
				t.Errorf("it ended with %v", err)
			}
		}
		if net.count() > 0 {
			t.Error("something was said that was not kept")
		}
		if _, err := n.Submit(t.Context(), note(t, "Third")); !errors.Is(err, ErrDisk) {
			t.Errorf("a later call ends with %v", err)
		}
	})
}

// When a peer is told to stop, what is being written is finished and said first.
func TestStopFinishesTheTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, store, net, ran, cancel := running(t)
		answer := submitted(t, n, "First")
		cancel()
		synctest.Wait()
		if len(ran) != 0 {
			t.Fatal("it stopped while it was writing")
		}
		store.word <- nil
		if err := errors.Join(<-ran, <-answer); err != nil || net.count() != 1 {
			t.Fatalf("it ended with %v and said %d things", err, net.count())
		}
	})
}
