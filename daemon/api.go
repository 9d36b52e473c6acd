package daemon

import (
	"context"
	"encoding/hex"
	"net/http"
	"time"

	"github.com/sustainy/coop/coop"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/home"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/node"
	"github.com/sustainy/coop/table"
)

// routes is everything the daemon answers. {coop} is an id, the beginning or end of one, a name, or
// "-" for the only one there is; so are {member}, {proposal} and {event}, without "-".
func (d *Daemon) routes() http.Handler {
	mux := http.NewServeMux()
	on := func(pattern string, a answer) { mux.Handle(pattern, d.noticed(a)) }
	on("GET /v1/status", func(r *http.Request) (any, error) { return d.status(r.Context()), nil })
	on("POST /v1/stop", d.postStop)
	on("GET /v1/doctor", d.getDoctor)
	on("POST /v1/look", d.postLook)
	on("POST /v1/consent", d.postConsent)
	on("POST /v1/found", d.postFound)
	on("POST /v1/join", d.postJoin)

	on("GET /v1/coops/{coop}", d.getCoop)
	on("POST /v1/coops/{coop}/leave", d.postLeave)
	on("POST /v1/coops/{coop}/submit", d.postSubmit)
	on("POST /v1/coops/{coop}/try", d.postTry)
	on("POST /v1/coops/{coop}/device-request", d.postDeviceRequest)
	on("GET /v1/coops/{coop}/pin", d.getPin)
	on("GET /v1/coops/{coop}/light", d.getLight)
	on("POST /v1/coops/{coop}/refound/{step}", d.postRefound)
	mux.HandleFunc("POST /v1/coops/{coop}/take", d.postTake) // reads CBOR too, and more of it
	on("GET /v1/coops/{coop}/slot/{key}", d.getSlot)
	on("GET /v1/coops/{coop}/wait/{event}", d.getWait)
	on("GET /v1/coops/{coop}/overview", view(func(v *picture) any { return coop.Describe(v.State) }))
	on("GET /v1/coops/{coop}/charter", view(func(v *picture) any { return coop.Charter(v.State) }))
	on("GET /v1/coops/{coop}/members", view(func(v *picture) any { return coop.Members(v.State) }))
	on("GET /v1/coops/{coop}/members/{member}", d.getMember)
	on("GET /v1/coops/{coop}/stewards", view(func(v *picture) any { return coop.Office(v.State) }))
	on("GET /v1/coops/{coop}/invites", view(func(v *picture) any { return invites(v.State) }))
	on("GET /v1/coops/{coop}/proposals", view(func(v *picture) any { return coop.Proposals(v.State) }))
	on("GET /v1/coops/{coop}/proposals/{proposal}", d.getProposal)
	on("GET /v1/coops/{coop}/proposals/{proposal}/explain", d.getExplain)
	on("GET /v1/coops/{coop}/proposals/{proposal}/charter", d.getProposedCharter)
	on("GET /v1/coops/{coop}/patronage", view(func(v *picture) any { return coop.Patrons(v.State) }))
	on("GET /v1/coops/{coop}/proposals/{proposal}/chains", d.getTravel)
	on("GET /v1/coops/{coop}/chains", d.getForesee)
	on("GET /v1/coops/{coop}/mandates", d.getMandates)
	on("GET /v1/coops/{coop}/programs", view(func(v *picture) any { return coop.Programs(v.State) }))
	on("GET /v1/coops/{coop}/programs/{program}", d.getProgram)
	on("GET /v1/coops/{coop}/past", d.getPast)
	on("GET /v1/coops/{coop}/juries", view(func(v *picture) any { return coop.Juries(v.State) }))
	on("GET /v1/coops/{coop}/allocations", view(func(v *picture) any { return coop.Allocations(v.State) }))
	d.ledgerRoutes(on)
	d.missionRoutes(on)
	d.shopRoutes(on)
	d.fileRoutes(on, mux)
	on("GET /v1/coops/{coop}/events", d.getEvents)
	on("GET /v1/coops/{coop}/events/{event}", d.getEvent)
	on("GET /v1/coops/{coop}/stats", d.getStats)
	on("GET /v1/coops/{coop}/finality", view(func(v *picture) any { return append([]uint32{}, v.Finality...) })) // ms, of events given in here
	on("POST /v1/coops/{coop}/check", d.postCheck)
	mux.HandleFunc("GET /v1/coops/{coop}/export", d.getExport)
	mux.HandleFunc("POST /v1/import", d.postImport)
	if d.testnet {
		on("POST /v1/testnet/block", d.postBlock)
		on("POST /v1/testnet/clock", d.postClock)
	}
	on("/", func(r *http.Request) (any, error) {
		return nil, &home.Problem{Code: CodeNotFound, What: "this daemon does not know " + r.Method + " " + r.URL.Path,
			Why: "it is version " + Version, Next: "coop down; coop up, if coop was updated while the daemon ran"}
	})
	return bind(d, mux)
}

type daemonKey struct{}

// bind lets routes that are no methods find the daemon.
func bind(d *Daemon, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), daemonKey{}, d)))
	})
}

// view makes a route of what can be said from the final state; ?provisional=1 asks for everything
// known instead.
func view(f func(*picture) any) answer {
	return func(r *http.Request) (any, error) {
		v, _, err := r.Context().Value(daemonKey{}).(*Daemon).picture(r)
		if err != nil {
			return nil, err
		}
		return f(v), nil
	}
}

// picture freezes the cooperative that a request is about.
func (d *Daemon) picture(r *http.Request) (*picture, *room, error) {
	room, err := d.room(r.PathValue("coop"))
	if err != nil {
		return nil, nil, err
	}
	v, err := room.view(r.Context())
	if err != nil {
		return nil, nil, err
	}
	if r.URL.Query().Get("provisional") == "1" {
		v.State = v.Provisional
	}
	return v, room, nil
}

func (d *Daemon) postStop(*http.Request) (any, error) {
	d.Stop()
	return struct{}{}, nil
}

func (d *Daemon) getCoop(r *http.Request) (any, error) {
	room, err := d.room(r.PathValue("coop"))
	if err != nil {
		return nil, err
	}
	return room.status(r.Context()), nil
}

func (d *Daemon) getMember(r *http.Request) (any, error) {
	v, _, err := d.picture(r)
	if err != nil {
		return nil, err
	}
	key, err := findMember(v, r.PathValue("member"))
	if err != nil {
		return nil, err
	}
	m, _ := coop.Member(v.State, key)
	for device, d := range table.All(&v.State.Hall.Devices) {
		if d.Member == key {
			m.Devices = append(m.Devices, coop.DeviceView{Key: device, Since: d.Since, Suspended: d.Suspended, Revoked: d.Revoked})
		}
	}
	return m, nil
}

func (d *Daemon) getProposal(r *http.Request) (any, error) {
	v, _, err := d.picture(r)
	if err != nil {
		return nil, err
	}
	id, err := findProposal(v.State, r.PathValue("proposal"))
	if err != nil {
		return nil, err
	}
	p, _ := coop.Proposal(v.State, id)
	return p, nil
}

// Explanation is why a proposal stands where it stands.
type Explanation struct {
	ID      event.ID           `json:"id"`
	Lines   []string           `json:"lines"`
	Account governance.Account `json:"account"`
}

func (d *Daemon) getExplain(r *http.Request) (any, error) {
	v, err := d.checked(r)
	if err != nil {
		return nil, err
	}
	return Explain(v.State, r.PathValue("proposal"))
}

// Explain explains a proposal of a state, found by its id or the end or beginning of it.
func Explain(s *coop.State, proposal string) (Explanation, error) {
	id, err := findProposal(s, proposal)
	if err != nil {
		return Explanation{}, err
	}
	account, _ := coop.Account(s, id)
	return Explanation{id, coop.Explain(s, id), account}, nil
}

// Submission is a draft to be signed with this device's key.
type Submission struct {
	Kind event.Kind `json:"kind"`
	Body []byte     `json:"body"` // canonical CBOR
}

// Submitted is an event that is durable here.
type Submitted struct {
	ID  event.ID `json:"id"`
	Seq uint64   `json:"seq"`
}

// submission reads a draft, and gives the node that may sign it.
func (d *Daemon) submission(r *http.Request) (*node.Node, event.Draft, error) {
	var s Submission
	if err := decode(r, &s); err != nil {
		return nil, event.Draft{}, err
	}
	n, err := d.writer(r)
	return n, event.Draft{Kind: s.Kind, Body: s.Body}, err
}

func (d *Daemon) postSubmit(r *http.Request) (any, error) {
	n, draft, err := d.submission(r)
	if err != nil {
		return nil, err
	}
	e, err := n.Submit(r.Context(), draft)
	if err != nil {
		return nil, err
	}
	return Submitted{e.ID, e.Seq}, nil
}

// postTry answers as postSubmit would if it refused, and signs nothing.
func (d *Daemon) postTry(r *http.Request) (any, error) {
	n, draft, err := d.submission(r)
	if err != nil {
		return nil, err
	}
	return struct{}{}, n.Try(r.Context(), draft)
}

// Slot is the next free place in a key's strand, for who seals elsewhere.
type Slot struct {
	Coop event.ID `json:"coop"`
	Seq  uint64   `json:"seq"`
	Prev event.ID `json:"prev"`
}

func (d *Daemon) getSlot(r *http.Request) (any, error) {
	key, err := identity.ParsePublicKey(r.PathValue("key"))
	if err != nil {
		return nil, usage("%v", err)
	}
	n, err := d.reader(r)
	if err != nil {
		return nil, err
	}
	s, err := n.Slot(r.Context(), key)
	return Slot{s.Coop, s.Seq, s.Prev}, err
}

// Outcome is what became of an event.
type Outcome struct {
	ID      event.ID   `json:"id"`
	Final   bool       `json:"final"`
	Level   string     `json:"level"`
	Commit  uint64     `json:"commit"`
	Time    event.Time `json:"time"`
	Refusal string     `json:"refusal,omitempty"` // why it came to nothing
}

// getWait waits until an event is final, at most ?timeout=; without it tells how certain it is now.
func (d *Daemon) getWait(r *http.Request) (any, error) {
	id, err := event.ParseID(r.PathValue("event"))
	if err != nil {
		return nil, usage("%v", err)
	}
	n, err := d.reader(r)
	if err != nil {
		return nil, err
	}
	patience, err := wait(r)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	if patience > 0 {
		o, err := n.Wait(ctx, id)
		if err != nil {
			return nil, err
		}
		return Outcome{ID: id, Final: true, Level: "final", Commit: o.Index, Time: o.Time, Refusal: o.Refusal}, nil
	}
	level, err := n.Level(r.Context(), id)
	return Outcome{ID: id, Level: level.String(), Final: level.String() == "final"}, err
}

// wait reads how long a request may wait.
func wait(r *http.Request) (time.Duration, error) {
	text := r.URL.Query().Get("timeout")
	if text == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, usage("?timeout= is a length of time, such as 30s")
	}
	return min(d, maxWait), nil
}

// postConsent signs a founding text that others wrote, with this device's key.
func (d *Daemon) postConsent(r *http.Request) (any, error) {
	var text governance.Founding
	if err := decode(r, &text); err != nil {
		return nil, err
	}
	for _, f := range text.Founders {
		if f.Key == d.home.Device {
			c := text.Consent(d.key)
			return Consent{c.Key, hex.EncodeToString(c.Sig[:])}, nil
		}
	}
	return nil, &home.Problem{Code: CodeNotPermitted, What: "this device is none of the founders", Why: "its key " + d.home.Device.String() + " is not in the text",
		Next: "ask who wrote the text to add: " + d.home.Device.String()}
}

// Consent is a founder's signature of a founding text.
type Consent struct {
	Key identity.PublicKey `json:"key"`
	Sig string             `json:"sig"` // hexadecimal
}
