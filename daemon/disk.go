package daemon

import (
	"github.com/sustainy/coop/crdt/badgerdb"
	"github.com/sustainy/coop/event"
)

// leastFree is the free space below which stores refuse to write, and spaceAgain that from which a
// cooperative that stood still goes on: a little more, so that it doesn't go back and forth.
const (
	leastFree  = 256 << 20
	spaceAgain = leastFree + leastFree/8
)

func (d *Daemon) storeOptions() badgerdb.Options {
	o := badgerdb.Options{MinFree: leastFree, FreeSpace: d.freeSpace}
	if d.testnet {
		o.Ballast = -1 // many peers share a disk
	}
	return o
}

func (d *Daemon) hasSpace(id event.ID) bool {
	free, err := d.freeSpace(d.home.Paths.CoopDir(id))
	return err == nil && free >= spaceAgain
}

func (d *Daemon) diskFacts() DiskFacts {
	f := DiskFacts{Path: d.home.Paths.Data, Least: leastFree}
	if free, err := d.freeSpace(f.Path); err == nil {
		f.Free = free
	}
	return f
}
