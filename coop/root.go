package coop

import (
	"crypto/sha256"
	"encoding/binary"
	"hash"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/table"
)

// Root names a state: two states with one root are equal. It is the SHA-256 of "coop/root/1", a zero
// byte, and each part in a fixed order: its name, its number of rows, and its rows in key order, each
// in canonical CBOR behind its length (8 bytes, big-endian).
func Root(s *State) [32]byte {
	h := sha256.New()
	h.Write([]byte("coop/root/1\x00"))
	part(h, "hall", 1)
	row(h, s.Hall.Facts)
	rows(h, "hall.members", &s.Hall.Members)
	rows(h, "hall.devices", &s.Hall.Devices)
	rows(h, "hall.invitations", &s.Hall.Invitations)
	rows(h, "hall.proposals", &s.Hall.Proposals)
	rows(h, "hall.agenda", &s.Hall.Agenda)
	rows(h, "hall.ballots", &s.Hall.Ballots)
	rows(h, "hall.vetoes", &s.Hall.Vetoes)
	rows(h, "hall.exits", &s.Hall.Exits)
	rows(h, "hall.allocations", &s.Hall.Allocations)
	rows(h, "hall.standing", &s.Hall.Standing)
	rows(h, "hall.announced", &s.Hall.Announced)
	rows(h, "hall.roundkeys", &s.Hall.RoundKeys)
	rows(h, "hall.guardians", &s.Hall.Guardians)
	rows(h, "hall.recoveries", &s.Hall.Recoveries)
	rows(h, "hall.requests", &s.Hall.Requests)
	rows(h, "hall.patronage", &s.Hall.Patronage)
	rows(h, "hall.calendar", &s.Hall.Calendar)
	rows(h, "hall.mandates", &s.Hall.Mandates)
	rows(h, "hall.programs", &s.Hall.Programs)
	rows(h, "hall.answers", &s.Hall.Answers)
	rows(h, "hall.juries", &s.Hall.Juries)
	rows(h, "hall.undrawn", &s.Hall.Undrawn)
	ledgerRoot(h, &s.Ledger)
	missionRoot(h, &s.Missions)
	shopRoot(h, &s.Shop)
	surplusRoot(h, &s.Surplus)
	return [32]byte(h.Sum(nil))
}

func part(h hash.Hash, name string, n int) {
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(name))))
	h.Write([]byte(name))
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(n)))
}

func rows[K table.Key[K], V any](h hash.Hash, name string, t *table.Table[K, V]) {
	part(h, name, t.Len())
	for key, value := range t.All() {
		row(h, key)
		row(h, value)
	}
}

func row(h hash.Hash, record any) {
	b, err := event.Marshal(record)
	if err != nil {
		panic("coop: invariant: every record has a canonical form: " + err.Error())
	}
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(b))))
	h.Write(b)
}
