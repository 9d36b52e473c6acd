package daemon

import (
	"net/http"

	"github.com/sustainy/coop/coop"
)

// missionRoutes are the routes about missions.
func (d *Daemon) missionRoutes(on func(string, answer)) {
	on("GET /v1/coops/{coop}/missions", view(func(v *picture) any { return coop.Missions(v.State) }))
	on("GET /v1/coops/{coop}/missions/{mission}", d.getMission)
	on("GET /v1/coops/{coop}/mission-terms", view(func(v *picture) any { return v.State.Missions.Terms }))
	on("GET /v1/coops/{coop}/awards", view(func(v *picture) any { return coop.Awards(v.State) }))
	on("GET /v1/coops/{coop}/standing", view(func(v *picture) any { return coop.Standing(v.State) }))
	on("GET /v1/coops/{coop}/submissions/{submission}", d.getSubmission)
}

// getMission finds a mission by id, part of it, or title; of several with one title, the one under way.
func (d *Daemon) getMission(r *http.Request) (any, error) {
	v, room, err := d.picture(r)
	if err != nil {
		return nil, err
	}
	final, err := room.view(r.Context())
	if err != nil {
		return nil, err
	}
	d.forgetHidden(room.id, final.State)
	views := coop.Missions(v.State)
	all := make([]named, len(views))
	for i, m := range views {
		all[i] = named{m.ID.String(), m.Title, m.Phase.Over()}
	}
	i, err := pick("mission", r.PathValue("mission"), all, "coop mission list")
	if err != nil {
		return nil, err
	}
	m, _ := coop.Mission(v.State, views[i].ID)
	return m, nil
}

// getSubmission finds a submission by id, part of it, or title, with its mission.
func (d *Daemon) getSubmission(r *http.Request) (any, error) {
	v, _, err := d.picture(r)
	if err != nil {
		return nil, err
	}
	var all []named
	var entries []coop.EntryView
	for _, brief := range coop.Missions(v.State) {
		m, _ := coop.Mission(v.State, brief.ID)
		for _, x := range m.Submissions {
			all, entries = append(all, named{id: x.ID.String(), name: x.Title}), append(entries, coop.EntryView{Mission: brief, Submission: x})
		}
	}
	i, err := pick("submission", r.PathValue("submission"), all, "coop mission show MISSION")
	if err != nil {
		return nil, err
	}
	return entries[i], nil
}
