package daemon

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sustainy/coop/coop"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/home"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/table"
)

// minPart is how many characters of an id people must type. Ids share long beginnings, so tables show their ends.
const minPart = 4

// named is something people may name by its id, the beginning or end of it, or by its name.
type named struct {
	id   string
	name string
	over bool // a name means what is under way, if there is one
}

// fits tells whether text is the name, or the beginning or end of the id.
func (n named) fits(text string) (name, part bool) {
	return strings.EqualFold(n.name, text),
		len(text) >= minPart && (strings.HasPrefix(n.id, text) || strings.HasPrefix(n.id, "did:key:"+text) || strings.HasSuffix(n.id, text))
}

// pick finds what text names: an id, or the only name or id that it fits. A name does not count for more than an id,
// nor for less: otherwise somebody could call theirs as the id of another ends, and be given its votes. what says what
// is looked for, next how to see what there is.
func pick(what, text string, all []named, next string) (int, error) {
	var found, over []int
	for i, n := range all {
		if n.id == text {
			return i, nil
		}
		switch name, part := n.fits(text); {
		case text == "":
		case part || name && !n.over:
			found = append(found, i)
		case name:
			over = append(over, i)
		}
	}
	if len(found) == 0 {
		found = over
	}
	switch len(found) {
	case 0:
		return -1, &home.Problem{Code: CodeNotFound, What: fmt.Sprintf("there is no %s %q here", what, text), Next: next}
	case 1:
		return found[0], nil
	}
	return -1, &home.Problem{Code: CodeAmbiguous, What: fmt.Sprintf("%q names more than one %s", text, what),
		Why: all[found[0]].id + " and " + all[found[1]].id, Next: "type more of the id: " + next}
}

// room finds a cooperative by id or name; "-" is the only one there is.
func (d *Daemon) room(text string) (*room, error) {
	rooms := d.all()
	if text == "-" {
		switch len(rooms) {
		case 1:
			return rooms[0], nil
		case 0:
			return nil, &home.Problem{Code: CodeNotFound, What: "this home is in no cooperative yet", Next: "coop found NAME, or coop join LINK"}
		}
		return nil, &home.Problem{Code: CodeAmbiguous, What: "this home is in several cooperatives", Next: "say which: --coop NAME (coop status lists them)"}
	}
	all := make([]named, len(rooms))
	for i, r := range rooms {
		all[i] = named{id: r.id.String(), name: r.name()}
	}
	i, err := pick("cooperative", text, all, "coop status")
	if err != nil {
		return nil, err
	}
	return rooms[i], nil
}

func sortRooms(rooms []*room) {
	slices.SortFunc(rooms, func(a, b *room) int { return a.id.Compare(b.id) })
}

// findMember finds a member by did:key, part of it, or name, or by the whole key of any device.
func findMember(v *picture, text string) (identity.PublicKey, error) {
	if key, err := identity.ParsePublicKey(text); err == nil {
		if d, ok := v.State.Hall.Devices.Get(key); ok {
			return d.Member, nil
		}
	}
	var all []named
	var keys []identity.PublicKey
	for key, m := range table.All(&v.State.Hall.Members) {
		all, keys = append(all, named{id: key.String(), name: m.Name}), append(keys, key)
	}
	i, err := pick("member", text, all, "coop member list")
	if err != nil {
		return identity.PublicKey{}, err
	}
	return keys[i], nil
}

// findProposal finds a proposal by id, part of it, or title; of several with one title, the one under way.
func findProposal(s *coop.State, text string) (event.ID, error) {
	var all []named
	var ids []event.ID
	for id, p := range table.All(&s.Hall.Proposals) {
		all, ids = append(all, named{id.String(), p.Title, !p.Phase.UnderWay()}), append(ids, id)
	}
	i, err := pick("proposal", text, all, "coop proposal list")
	if err != nil {
		return event.ID{}, err
	}
	return ids[i], nil
}
