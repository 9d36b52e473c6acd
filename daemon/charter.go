package daemon

import (
	"net/http"

	"github.com/sustainy/coop/coop"
	"github.com/sustainy/coop/home"
)

// getProposedCharter answers with the charter that a proposal would set.
func (d *Daemon) getProposedCharter(r *http.Request) (any, error) {
	v, _, err := d.picture(r)
	if err != nil {
		return nil, err
	}
	id, err := findProposal(v.State, r.PathValue("proposal"))
	if err != nil {
		return nil, err
	}
	c, ok := coop.ProposedCharter(v.State, id)
	if !ok {
		return nil, &home.Problem{Code: CodeNotFound, What: "this proposal does not change the charter", Next: "coop proposal show " + id.Short()}
	}
	return c, nil
}
