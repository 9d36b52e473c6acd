// Package bench measures whole peers, each figure beside a floor or a peer taken in the same run: the
// bare cost of signatures, of three broadcast rounds, of writing.
package bench

import (
	"os"
	"testing"

	"github.com/sustainy/coop/daemon"
)

func TestMain(m *testing.M) {
	daemon.TuneMemory() // as in a daemon
	os.Exit(m.Run())
}
