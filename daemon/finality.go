package daemon

import "net/http"

// getFinality is how long each of the latest events given in here took to become final, in
// milliseconds.
func (d *Daemon) getFinality(r *http.Request) (any, error) {
	v, _, err := d.picture(r)
	if err != nil {
		return nil, err
	}
	return append([]uint32{}, v.Finality...), nil
}
