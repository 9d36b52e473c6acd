package daemon

import (
	"net/http"
	"strings"

	"github.com/sustainy/coop/coop"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/identity"
)

// getProgram shows a published program, found by id, part of it or name.
func (d *Daemon) getProgram(r *http.Request) (any, error) {
	v, _, err := d.picture(r)
	if err != nil {
		return nil, err
	}
	id, err := findProgram(v.State, r.PathValue("program"))
	if err != nil {
		return nil, err
	}
	p, _ := coop.Program(v.State, id)
	return p, nil
}

// findProgram finds a program by id, part of it or name. Of several versions with one name it is the one
// that no other replaces.
func findProgram(s *coop.State, text string) (event.ID, error) {
	var all []named
	var ids []event.ID
	for _, p := range coop.Programs(s) {
		n := named{id: p.ID.String(), name: p.Name}
		if !p.Newer.IsZero() {
			n.name = ""
		}
		all, ids = append(all, n), append(ids, p.ID)
	}
	i, err := pick("program", text, all, "coop program list")
	if err != nil {
		return event.ID{}, err
	}
	return ids[i], nil
}

// getPast is what programs with each ?watch= and ?set=KEY=VALUE would have seen of all past proposals, and
// what ?member= voted on them; with ?proposal= of that one, past or not.
func (d *Daemon) getPast(r *http.Request) (any, error) {
	v, _, err := d.picture(r)
	if err != nil {
		return nil, err
	}
	q := r.URL.Query()
	of, err := memberIn(v, q.Get("member"))
	if err != nil {
		return nil, err
	}
	var watches []identity.PublicKey
	for _, text := range q["watch"] {
		key, err := findMember(v, text)
		if err != nil {
			return nil, err
		}
		watches = append(watches, key)
	}
	var settings []governance.Setting
	for _, text := range q["set"] {
		key, value, _ := strings.Cut(text, "=")
		settings = append(settings, governance.Setting{Key: key, Value: value})
	}
	if text := q.Get("proposal"); text != "" {
		id, err := findProposal(v.State, text)
		if err != nil {
			return nil, err
		}
		one, _ := coop.Past(v.State, id, of, watches, settings)
		return []coop.PastView{one}, nil
	}
	return coop.Pasts(v.State, of, watches, settings), nil
}
