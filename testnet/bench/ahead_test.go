package bench

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/sustainy/coop/daemon"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/home"
	"github.com/sustainy/coop/identity"
)

// household is a whole daemon, spoken to over its socket.
type household struct {
	*daemon.Client
	device identity.PublicKey
}

// live starts a daemon that shows a certified state if it lacks so many events.
func live(b *testing.B, name string, ahead uint64) *household {
	b.Helper()
	paths := home.At(filepath.Join(b.TempDir(), name))
	h, err := home.Create(paths, home.New{Name: name, Open: true})
	if err != nil {
		b.Fatal(err)
	}
	h.Config.Listen, h.Config.Quiet = daemon.Loopback, true
	if err := errors.Join(h.SaveConfig(), h.Close()); err != nil {
		b.Fatal(err)
	}
	if h, err = home.Open(paths); err != nil {
		b.Fatal(err)
	}
	key, err := h.Unlock(home.Passphrase{})
	if err != nil {
		b.Fatal(err)
	}
	d, err := daemon.Open(daemon.Options{Home: h, Key: key, Testnet: true, AheadEvents: ahead})
	if err != nil {
		b.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- d.Run(context.Background()) }()
	b.Cleanup(func() {
		d.Stop()
		if err := errors.Join(<-ended, d.Close()); err != nil {
			b.Error(err)
		}
	})
	p := &household{daemon.Dial(paths), h.Device}
	if err := p.Await(context.Background(), ended); err != nil {
		b.Fatal(err)
	}
	return p
}

func (p *household) post(b *testing.B, path string, in, out any) {
	b.Helper()
	if err := p.Post(context.Background(), path, in, out); err != nil {
		b.Fatal(err)
	}
}

func (p *household) coop(b *testing.B, id event.ID) (s daemon.CoopStatus) {
	b.Helper()
	if err := p.Get(context.Background(), daemon.Path("coops", id.String()), &s); err != nil {
		b.Fatal(err)
	}
	return s
}

func (p *household) take(b *testing.B, id event.ID, raws [][]byte) {
	b.Helper()
	body, err := event.Marshal(raws)
	if err != nil {
		b.Fatal(err)
	}
	var taken daemon.Taken
	if err := p.Send(context.Background(), daemon.Path("coops", id.String(), "take"), "application/cbor", bytes.NewReader(body), &taken); err != nil {
		b.Fatal(err)
	}
	last, err := event.Open(raws[len(raws)-1])
	if err == nil {
		err = p.Get(context.Background(), daemon.Path("coops", id.String(), "wait", last.ID.String())+"?timeout=1m", new(daemon.Outcome))
	}
	if err != nil {
		b.Fatal(err)
	}
}

// join begins to take part in other's cooperative.
func (p *household) join(b *testing.B, other *household, id event.ID) {
	b.Helper()
	var s daemon.Status
	if err := other.Get(context.Background(), "/v1/status", &s); err != nil {
		b.Fatal(err)
	}
	var o daemon.Offer
	p.post(b, "/v1/look", daemon.Look{Coop: id, Addrs: s.Addrs}, &o)
	p.post(b, "/v1/join", daemon.Join{Genesis: o.Genesis, Addrs: s.Addrs}, nil)
}

// BenchmarkJoin is the time from joining a cooperative with many events, on loopback, until its state as certified can
// be read, beside the time until another peer, which shows none, has taken in and checked the whole history.
func BenchmarkJoin(b *testing.B) {
	old := live(b, "old", 0)
	f := daemon.Foundation{Consents: []daemon.Consent{}, Text: governance.Founding{Name: "Bench", Currency: governance.Currency{Code: "EUR", Decimals: 2}, Charter: charter(), Params: governance.DefaultParams(),
		Founders: []governance.Founder{{Key: old.device, Name: "steward", Classes: []string{"voter"}}}, Stewards: []identity.PublicKey{old.device}}}
	var s daemon.CoopStatus
	old.post(b, "/v1/found", f, &s)
	m, raws := apply(b, s.ID, 1000)
	old.take(b, s.ID, raws)
	poll := seal(b, m.keys[0], event.After(s.ID, m.last[0], event.Time(time.Now().UnixMilli())), governance.KindProposalOpen, governance.ProposalOpen{Title: "Bench", Track: "general"})
	m.last[0], m.poll = poll, poll.ID
	old.take(b, s.ID, [][]byte{poll.Raw})
	for given := 1002; given < *loadEvents; given += 1000 {
		batch := make([][]byte, 1000)
		for i := range batch {
			batch[i] = m.ballot(b).Raw
		}
		old.take(b, s.ID, batch)
	}
	old.post(b, "/v1/testnet/clock", daemon.Shift{OffsetMS: 60_000}, nil)
	old.take(b, s.ID, [][]byte{m.ballot(b).Raw}) // at which the steward certifies
	want := old.coop(b, s.ID)
	for b.Loop() {
		full := joined(b, old, want, 1<<60, func(s daemon.CoopStatus) bool { return s.Root == want.Root && s.Certified == nil })
		shown := joined(b, old, want, 0, func(s daemon.CoopStatus) bool { return s.Root == want.Root && s.Certified != nil && s.Certified.Shown })
		b.ReportMetric(full.Seconds(), "full-s")
		b.ReportMetric(shown.Seconds(), "shown-s")
		b.ReportMetric(shown.Seconds()/full.Seconds(), "of-full")
	}
}

// joined is how long it takes from joining until a new home's state is as it is asked for.
func joined(b *testing.B, old *household, want daemon.CoopStatus, ahead uint64, is func(daemon.CoopStatus) bool) time.Duration {
	fresh := live(b, "fresh", ahead)
	began := time.Now()
	fresh.join(b, old, want.ID)
	for {
		s := fresh.coop(b, want.ID)
		if is(s) {
			return time.Since(began)
		}
		if s.Commits >= want.Commits && s.Certified == nil && ahead == 0 {
			b.Log("the history was there before the certified state")
			return time.Since(began)
		}
		time.Sleep(5 * time.Millisecond)
	}
}
