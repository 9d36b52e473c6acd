package daemon

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/fxamacker/cbor/v2"

	"github.com/sustainy/coop/coop"
	"github.com/sustainy/coop/crdt"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/node"
)

// Page is a stretch of a peer's log. Since is where to go on.
type Page struct {
	Items []Item `json:"items"`
	Since uint64 `json:"since"`
}

// pollLog is how often a waiting request looks at the log.
const pollLog = 50 * time.Millisecond

var errPageFull = errors.New("the page is full")

// getEvents answers with the events from ?since= on, in the order in which this peer accepted them,
// at most ?limit=. If there are none it waits up to ?timeout= for one.
func (d *Daemon) getEvents(r *http.Request) (any, error) {
	room, err := d.room(r.PathValue("coop"))
	if err != nil {
		return nil, err
	}
	since, err := number(r, "since", 0)
	if err != nil {
		return nil, err
	}
	limit, err := number(r, "limit", MaxTail)
	if err != nil {
		return nil, err
	}
	patience, err := wait(r)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	for {
		page, err := room.page(r.Context(), since, min(limit, MaxTail))
		if err != nil || len(page.Items) > 0 {
			return page, err
		}
		select {
		case <-ctx.Done():
			return page, nil
		case <-d.stop:
			return page, nil
		case <-time.After(pollLog):
		}
	}
}

func number(r *http.Request, name string, otherwise uint64) (uint64, error) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0, usage("?%s= is a number", name)
	}
	return n, nil
}

func (r *room) page(ctx context.Context, since, limit uint64) (Page, error) {
	page := Page{Items: []Item{}, Since: since}
	var events []*event.Event
	err := r.read(func(s crdt.Store) error {
		if since >= s.Count().Events || limit == 0 {
			return nil
		}
		err := s.Events(since, func(n uint64, raw []byte) error {
			e, err := event.Open(raw)
			if err != nil {
				return err
			}
			events = append(events, e)
			page.Since = n + 1
			if uint64(len(events)) >= limit {
				return errPageFull
			}
			return nil
		})
		if errors.Is(err, errPageFull) {
			return nil
		}
		return err
	})
	if err != nil || len(events) == 0 {
		return page, err
	}
	v, err := r.view(ctx)
	if err != nil {
		return page, err
	}
	n, err := r.ask()
	if err != nil {
		return page, err
	}
	for i, e := range events {
		item, err := describe(ctx, n, v, page.Since-uint64(len(events)-i), e)
		if err != nil {
			return page, err
		}
		page.Items = append(page.Items, item)
	}
	return page, nil
}

func describe(ctx context.Context, n *node.Node, v *picture, at uint64, e *event.Event) (Item, error) {
	level, err := n.Level(ctx, e.ID)
	if err != nil {
		return Item{}, err
	}
	item := Item{N: at, ID: e.ID, Kind: e.Kind, Key: e.Key, Seq: e.Seq, At: e.At, Level: level.String()}
	if m, ok := coop.Member(v.Provisional, e.Key); ok {
		item.Author = m.Name
	}
	return item, nil
}

// getEvent shows one event, found by its id or by the end of it.
func (d *Daemon) getEvent(r *http.Request) (any, error) {
	v, room, err := d.picture(r)
	if err != nil {
		return nil, err
	}
	e, at, err := room.find(r.PathValue("event"))
	if err != nil {
		return nil, err
	}
	n, err := room.ask()
	if err != nil {
		return nil, err
	}
	item, err := describe(r.Context(), n, v, at, e)
	if err != nil {
		return nil, err
	}
	refusal := ""
	if item.Level == node.Final.String() {
		o, err := n.Wait(r.Context(), e.ID)
		if err != nil {
			return nil, err
		}
		refusal = o.Refusal
	}
	body, err := readable(e.Body)
	return Detail{Item: item, Refusal: refusal, Coop: e.Coop, Prev: e.Prev, Deps: e.Deps,
		Says: coop.Says(v.Provisional, event.Draft{Kind: e.Kind, Body: e.Body}), Body: body, Raw: e.Raw}, err
}

func (r *room) find(text string) (*event.Event, uint64, error) {
	var all []named
	var raws [][]byte
	err := r.read(func(s crdt.Store) error {
		return s.Events(0, func(_ uint64, raw []byte) error {
			id, ok := crdt.EnvelopeID(raw)
			if !ok {
				return crdt.ErrDamaged
			}
			all, raws = append(all, named{id: id.String()}), append(raws, raw)
			return nil
		})
	})
	if err != nil {
		return nil, 0, err
	}
	i, err := pick("event", text, all, "coop events")
	if err != nil {
		return nil, 0, err
	}
	e, err := event.Open(raws[i])
	return e, uint64(i), err
}

// readable turns a body into what JSON can show: keys and signatures as hexadecimal, links as ids.
func readable(body []byte) (any, error) {
	var v any
	if err := cbor.Unmarshal(body, &v); err != nil {
		return nil, err
	}
	return plain(v), nil
}

// Taken is the verdict on each event of a request, in its order: empty for one that is durable here.
type Taken struct {
	Verdicts []string `json:"verdicts"`
}

// sealed is a request with events that were sealed elsewhere.
type sealed struct {
	Events [][]byte `json:"events"`
}

// postTake takes events that were sealed elsewhere: a CBOR array of envelopes (application/cbor), or
// JSON with a list of base64 texts.
func (d *Daemon) postTake(w http.ResponseWriter, r *http.Request) {
	large := answer(func(*http.Request) (any, error) { return d.take(r, http.MaxBytesReader(w, r.Body, MaxTake)) })
	large.ServeHTTP(w, r.Clone(r.Context()))
}

func (d *Daemon) take(r *http.Request, body io.Reader) (any, error) {
	n, err := d.writer(r)
	if err != nil {
		return nil, err
	}
	raws, err := envelopes(r, body)
	if err != nil {
		return nil, err
	}
	errs, err := n.Take(r.Context(), raws)
	if err != nil {
		return nil, err
	}
	t := Taken{Verdicts: make([]string, len(errs))}
	for i, e := range errs {
		if e != nil {
			t.Verdicts[i] = e.Error()
		}
	}
	return t, nil
}

func envelopes(r *http.Request, body io.Reader) ([][]byte, error) {
	if r.Header.Get("Content-Type") != "application/cbor" {
		r.Body = io.NopCloser(body)
		var s sealed
		if err := decode(r, &s); err != nil {
			return nil, err
		}
		if len(s.Events) > MaxTaken {
			return nil, usage("at most %d events in one request", MaxTaken)
		}
		return s.Events, nil
	}
	text, err := io.ReadAll(body)
	if err != nil {
		return nil, usage("the request could not be read: %v", err)
	}
	var raws [][]byte
	if err := takeMode.Unmarshal(text, &raws); err != nil {
		return nil, usage("the request is no CBOR array of byte strings: %v", err)
	}
	return raws, nil
}

// takeMode reads a CBOR array of at most MaxTaken byte strings.
var takeMode = newTakeMode()

func newTakeMode() cbor.DecMode {
	mode, err := cbor.DecOptions{MaxArrayElements: MaxTaken, MaxNestedLevels: 4, IndefLength: cbor.IndefLengthForbidden, TagsMd: cbor.TagsForbidden}.DecMode()
	if err != nil {
		panic("daemon: invariant: the decoding options are valid: " + err.Error())
	}
	return mode
}
