package daemon

import (
	"net/http"

	"github.com/sustainy/coop/archive"
)

// Pinned is what this peer vouches for to whom it invites; see node.Pin.
type Pinned struct {
	Pin []byte `json:"pin"`
}

func (d *Daemon) getPin(r *http.Request) (any, error) {
	n, err := d.reader(r)
	if err != nil {
		return nil, err
	}
	p, err := n.Pin(r.Context())
	return Pinned{p.Raw()}, err
}

// Lit is a proof without events, as archive.OpenLight reads it.
type Lit struct {
	Raw []byte `json:"raw"`
}

// getLight gives the proof of who the stewards are and what they signed last.
func (d *Daemon) getLight(r *http.Request) (any, error) {
	room, err := d.room(r.PathValue("coop"))
	if err != nil {
		return nil, err
	}
	n, err := room.ask()
	if err != nil {
		return nil, err
	}
	steps, last, err := n.Light(r.Context())
	if err != nil {
		return nil, err
	}
	return Lit{archive.Light(room.genesis, steps, last)}, nil
}

// PinRaw is the link's pin as Join takes it; nil without.
func (l *Link) PinRaw() []byte {
	if l.Pin == nil {
		return nil
	}
	return l.Pin.Raw()
}
