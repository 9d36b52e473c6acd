package daemon

import (
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/sustainy/coop/coop"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/missions"
	"github.com/sustainy/coop/table"
)

// forgetHidden removes what the home keeps of submissions that need no secret any more, by what is final: they
// were revealed or withdrawn, or the time to reveal them is over.
func (d *Daemon) forgetHidden(id event.ID, final *coop.State) {
	dir := filepath.Dir(d.home.Paths.HiddenFile(id, [32]byte{}))
	kept, err := os.ReadDir(dir)
	if len(kept) == 0 || err != nil {
		return // there is none, or nobody can look
	}
	for entry, x := range table.All(&final.Missions.Submissions) {
		m, _ := final.Missions.Missions.Get(entry.Mission)
		if early := m.Phase == missions.PhaseOpen || m.Phase == missions.PhaseRevealing; early && x.Revealed == 0 && !x.Withdrawn {
			continue
		}
		name := hex.EncodeToString(x.Commitment[:])
		for _, file := range kept {
			if strings.TrimSuffix(file.Name(), ".json") != name {
				continue
			}
			if err := os.Remove(d.home.Paths.HiddenFile(id, x.Commitment)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				d.log.Error("a submission that needs no secret any more stays in the home", "why", err)
			}
		}
	}
}
