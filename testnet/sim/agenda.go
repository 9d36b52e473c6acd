package sim

import "github.com/sustainy/coop/event"

// agenda is what will happen, by time, then by the order in which it was written down.
type agenda struct {
	heap  []entry
	count uint64
}

type entry struct {
	at    event.Time
	order uint64
	do    func()
}

func (e *entry) before(other *entry) bool {
	return e.at < other.at || e.at == other.at && e.order < other.order
}

func (a *agenda) add(at event.Time, do func()) {
	a.count++
	a.heap = append(a.heap, entry{at, a.count, do})
	for i := len(a.heap) - 1; i > 0; {
		up := (i - 1) / 2
		if !a.heap[i].before(&a.heap[up]) {
			break
		}
		a.heap[i], a.heap[up] = a.heap[up], a.heap[i]
		i = up
	}
}

func (a *agenda) empty() bool { return len(a.heap) == 0 }

// next takes the first entry.
func (a *agenda) next() entry {
	first := a.heap[0]
	last := len(a.heap) - 1
	a.heap[0] = a.heap[last]
	a.heap[last] = entry{}
	a.heap = a.heap[:last]
	for i := 0; ; {
		least := i
		for down := 2*i + 1; down <= 2*i+2 && down < last; down++ {
			if a.heap[down].before(&a.heap[least]) {
				least = down
			}
		}
		if least == i {
			return first
		}
		a.heap[i], a.heap[least] = a.heap[least], a.heap[i]
		i = least
	}
}
