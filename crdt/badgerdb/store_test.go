package badgerdb

import (
	"testing"

	"github.com/sustainy/coop/crdt"
	"github.com/sustainy/coop/crdt/storetest"
)

func TestStore(t *testing.T) {
	storetest.Run(t,
		func(t testing.TB) crdt.Store {
			db := mustOpen(t, tempDir(t))
			t.Cleanup(func() { db.Close() })
			return db
		},
		func(t testing.TB, s crdt.Store) crdt.Store {
			db := s.(*DB)
			mustClose(t, db)
			db = mustOpen(t, db.dir)
			t.Cleanup(func() { db.Close() })
			return db
		})
}
