package daemon

import (
	"net/http"
	"strings"

	"github.com/sustainy/coop/coop"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/home"
	"github.com/sustainy/coop/identity"
)

// getMandates lists what members have delegated, of all or of ?member=.
func (d *Daemon) getMandates(r *http.Request) (any, error) {
	v, _, err := d.picture(r)
	if err != nil {
		return nil, err
	}
	of, err := memberIn(v, r.URL.Query().Get("member"))
	if err != nil {
		return nil, err
	}
	return coop.Mandates(v.State, of), nil
}

// getTravel tells how the votes on a proposal travel, with the chain of ?member=, were it not for what
// each ?if=MEMBER=TO supposes.
func (d *Daemon) getTravel(r *http.Request) (any, error) {
	v, err := d.checked(r)
	if err != nil {
		return nil, err
	}
	id, err := findProposal(v.State, r.PathValue("proposal"))
	if err != nil {
		return nil, err
	}
	of, supposed, err := supposedIn(v, r)
	if err != nil {
		return nil, err
	}
	t, _ := v.State.Hall.Travel(id, of, supposed)
	return t, nil
}

// getForesee tells how votes would travel on a proposal of ?track= with each ?tag=.
func (d *Daemon) getForesee(r *http.Request) (any, error) {
	v, _, err := d.picture(r)
	if err != nil {
		return nil, err
	}
	of, supposed, err := supposedIn(v, r)
	if err != nil {
		return nil, err
	}
	q := r.URL.Query()
	tracks := v.State.Hall.Charter.Tracks
	track := tracks[0]
	if name := q.Get("track"); name != "" {
		var known bool
		if track, known = v.State.Hall.Charter.Track(name); !known {
			return nil, &home.Problem{Code: CodeNotFound, What: "the charter has no track " + name, Next: "coop charter"}
		}
	}
	return v.State.Hall.Foresee(track, q["tag"], of, supposed), nil
}

// memberIn finds a member, or none if nobody is named.
func memberIn(v *picture, text string) (identity.PublicKey, error) {
	if text == "" {
		return identity.PublicKey{}, nil
	}
	return findMember(v, text)
}

func supposedIn(v *picture, r *http.Request) (of identity.PublicKey, supposed []governance.Supposed, err error) {
	q := r.URL.Query()
	if of, err = memberIn(v, q.Get("member")); err != nil {
		return of, nil, err
	}
	for _, text := range q["if"] {
		who, to, ok := strings.Cut(text, "=")
		if !ok {
			return of, nil, usage("suppose something as MEMBER=DELEGATE, or MEMBER=nobody, not %q", text)
		}
		var x governance.Supposed
		if x.Member, err = findMember(v, who); err != nil {
			return of, nil, err
		}
		if to != "nobody" {
			if x.To, err = findMember(v, to); err != nil {
				return of, nil, err
			}
		}
		supposed = append(supposed, x)
	}
	return of, supposed, nil
}
