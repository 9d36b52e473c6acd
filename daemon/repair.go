package daemon

import (
	"errors"
	"net/http"

	"github.com/sustainy/coop/coop"
	"github.com/sustainy/coop/crdt"
	"github.com/sustainy/coop/crdt/badgerdb"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/home"
)

// Checked is what a check of a store found.
type Checked struct {
	ID       event.ID `json:"id"`
	Name     string   `json:"name"`
	Whole    Counts   `json:"whole"`    // read and sound
	Promised Counts   `json:"promised"` // what this program acknowledged
	Bytes    uint64   `json:"bytes"`
	Findings []string `json:"findings"`
}

// Counts are what a store holds.
type Counts struct {
	Events  uint64 `json:"events"`
	Rounds  uint64 `json:"rounds"`
	Commits uint64 `json:"commits"`
}

// postCheck reads and hashes everything of a cooperative while it works.
func (d *Daemon) postCheck(r *http.Request) (any, error) {
	room, err := d.room(r.PathValue("coop"))
	if err != nil {
		return nil, err
	}
	var c Checked
	err = room.read(func(s crdt.Store) error {
		c = checked(room.id, room.name(), s)
		return nil
	})
	return c, err
}

func checked(id event.ID, name string, s crdt.Store) Checked {
	report, err := s.Check()
	c := Checked{ID: id, Name: name, Whole: Counts(report.Count), Promised: Counts(report.Promised), Bytes: report.Bytes, Findings: report.Findings}
	if err != nil && len(c.Findings) == 0 {
		c.Findings = []string{err.Error()}
	}
	if c.Findings == nil {
		c.Findings = []string{}
	}
	return c
}

// PickCoop finds a cooperative of a home by name, id or part of it, without a daemon; "-" is the only
// one there is.
func PickCoop(h *home.Home, text string) (*event.Event, error) {
	ids, err := h.Coops()
	if err != nil {
		return nil, err
	}
	var all []named
	for _, id := range ids {
		n := named{id: id.String()}
		if genesis, err := h.Genesis(id); err == nil {
			if s, err := coop.Genesis(genesis); err == nil {
				n.name = s.Hall.Name
			}
		}
		all = append(all, n)
	}
	if text == "-" && len(ids) == 1 {
		return h.Genesis(ids[0])
	}
	if text == "-" {
		return nil, usage("this home is in %d cooperatives: say which with --coop", len(ids))
	}
	i, err := pick("cooperative", text, all, "coop status")
	if err != nil {
		return nil, err
	}
	return h.Genesis(ids[i])
}

// WithStore opens the store of a cooperative whose daemon does not run.
func WithStore(h *home.Home, id event.ID, f func(crdt.Store) error) error {
	store, err := badgerdb.Open(h.Paths.StoreDir(id), badgerdb.Options{MinFree: leastFree, Ballast: -1})
	if err != nil {
		return err
	}
	return errors.Join(f(store), store.Close())
}

// Check reads and hashes everything of a cooperative whose daemon does not run. Damage that keeps the
// store from opening is a finding too.
func Check(h *home.Home, genesis *event.Event) (c Checked, err error) {
	name := ""
	if s, err := coop.Genesis(genesis); err == nil {
		name = s.Hall.Name
	}
	err = WithStore(h, genesis.ID, func(s crdt.Store) error {
		c = checked(genesis.ID, name, s)
		return nil
	})
	var damage *badgerdb.DamageError
	if errors.As(err, &damage) {
		return Checked{ID: genesis.ID, Name: name, Findings: []string{damage.Error()}}, nil
	}
	return c, err
}

// Rebuilt is what a Rebuild did.
type Rebuilt struct {
	ID       event.ID `json:"id"`
	Kept     Counts   `json:"kept"`
	Promised Counts   `json:"promised"` // what this program acknowledged, as far as it can be told
	Apart    uint64   `json:"apart"`    // events that wait for something that was lost
	Moved    string   `json:"moved"`    // where the damaged files are
}

// Rebuild keeps what is whole of a damaged store and puts the rest aside. The daemon must not run.
func Rebuild(h *home.Home, id event.ID) (Rebuilt, error) {
	r, err := badgerdb.Rebuild(h.Paths.StoreDir(id), badgerdb.Options{MinFree: leastFree})
	return Rebuilt{id, Counts(r.Kept), Counts(r.Promised), r.Orphans, r.Moved}, err
}

// Rebind makes this copy of a home the one that signs, in all its cooperatives.
func Rebind(h *home.Home) error {
	ids, err := h.Coops()
	if err != nil {
		return err
	}
	for _, id := range append([]event.ID{{}}, ids...) {
		if err := home.Rebind(h.Paths, id, h.Device); err != nil {
			return err
		}
	}
	return nil
}
