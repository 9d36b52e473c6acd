package tally

import (
	"encoding/binary"
	"iter"
	"math/big"
	"slices"
)

// market is where votes buy projects by the Method of Equal Shares. Equal ballots always have equally
// much left, so they are kept as one kind; and kinds with equally much left share a purse, of which
// there are few at first and never more than kinds.
type market struct {
	budget  uint64
	costs   []uint64
	votes   []uint64 // that approve each project
	voters  uint64
	lot     Lot
	utility Utility
	weights []uint64  // of each kind of ballot
	backers [][]int32 // of each project: the kinds that approve it

	// Of one run:
	unit   *big.Int   // money is counted in whole parts of 1/unit
	purses []*big.Int // distinct amounts, ascending
	purse  []int32    // of each kind
	open   []int      // projects that may still be bought
	bounds []*big.Rat // of each of them: rho is at least this
	inside []uint64   // weight in each purse, while a project is looked at
}

// offer is what a project costs its supporters now.
type offer struct {
	option int
	inFull uint64   // how many pay the whole price
	price  *big.Rat // in money
	rho    *big.Rat // for a unit of utility
}

// sortPurses gathers equal ballots.
func sortPurses(budget uint64, costs []uint64, ballots iter.Seq[Approval], lot Lot, utility Utility) *market {
	m := &market{budget: budget, costs: costs, lot: lot, utility: utility}
	m.votes, m.backers = make([]uint64, len(costs)), make([][]int32, len(costs))
	kinds := make(map[string]int)
	var options []int
	var name []byte
	for b := range ballots {
		m.voters = sumWeights(m.voters, b.Weight)
		options = append(options[:0], b.Options...)
		slices.Sort(options)
		name = name[:0]
		for _, i := range options {
			m.votes[i] += b.Weight
			name = binary.AppendUvarint(name, uint64(i))
		}
		kind, known := kinds[string(name)]
		if !known {
			kind = len(m.weights)
			kinds[string(name)] = kind
			m.weights = append(m.weights, 0)
			for _, i := range options {
				m.backers[i] = append(m.backers[i], int32(kind))
			}
		}
		m.weights[kind] += b.Weight
	}
	return m
}

// begin gives each vote its share.
func (m *market) begin(share *big.Rat) {
	m.unit = new(big.Int).Set(share.Denom())
	m.purses = []*big.Int{new(big.Int).Set(share.Num())}
	m.purse = make([]int32, len(m.weights))
	m.inside = make([]uint64, 1)
	m.open, m.bounds = nil, make([]*big.Rat, len(m.costs))
	for i, votes := range m.votes {
		if votes > 0 {
			m.open = append(m.open, i)
			price := new(big.Rat).SetFrac(new(big.Int).SetUint64(m.costs[i]), new(big.Int).SetUint64(votes))
			m.bounds[i] = m.rho(i, price)
		}
	}
}

// rho is the price of a project for a unit of utility.
func (m *market) rho(option int, price *big.Rat) *big.Rat {
	if m.utility == VoteUtility || m.costs[option] == 0 {
		return price
	}
	return new(big.Rat).Quo(price, new(big.Rat).SetInt(new(big.Int).SetUint64(m.costs[option])))
}

// bestOffers returns the offers with the lowest rho. What supporters have left only shrinks, so rho
// only grows, and what it was before tells which projects need no look.
func (m *market) bestOffers() (best []offer) {
	slices.SortFunc(m.open, func(a, b int) int { return m.bounds[a].Cmp(m.bounds[b]) })
	var gone []int
	for _, i := range m.open {
		if len(best) > 0 && m.bounds[i].Cmp(best[0].rho) > 0 {
			break
		}
		o, affordable := m.offer(i)
		if !affordable {
			gone = append(gone, i)
			continue
		}
		m.bounds[i] = o.rho
		side := -1
		if len(best) > 0 {
			side = o.rho.Cmp(best[0].rho)
		}
		switch {
		case side < 0:
			best = append(best[:0], o)
		case side == 0:
			best = append(best, o)
		}
	}
	m.close(gone...)
	return best
}

// close takes projects off the market.
func (m *market) close(projects ...int) {
	m.open = slices.DeleteFunc(m.open, func(i int) bool { return slices.Contains(projects, i) })
}

// offer splits a project's cost among its supporters as equally as their purses allow: from the
// emptiest purse on, those who can't pay an equal part of what remains give all they have.
func (m *market) offer(option int) (offer, bool) {
	var touched []int32
	for _, kind := range m.backers[option] {
		p := m.purse[kind]
		if m.inside[p] == 0 {
			touched = append(touched, p)
		}
		m.inside[p] += m.weights[kind]
	}
	slices.Sort(touched)
	remains := new(big.Int).SetUint64(m.costs[option])
	remains.Mul(remains, m.unit)
	payers := m.votes[option]
	paid := false
	x, y := new(big.Int), new(big.Int)
	for _, p := range touched {
		weight := m.inside[p]
		m.inside[p] = 0
		if paid {
			continue
		}
		if x.Mul(m.purses[p], y.SetUint64(payers)).Cmp(remains) >= 0 {
			paid = true
			continue
		}
		remains.Sub(remains, x.Mul(m.purses[p], y.SetUint64(weight)))
		payers -= weight
	}
	if !paid {
		return offer{}, false
	}
	price := new(big.Rat).SetFrac(remains, x.Mul(y.SetUint64(payers), m.unit))
	return offer{option, payers, price, m.rho(option, price)}, true
}

// buy lets the supporters pay and accounts for it.
func (m *market) buy(o offer) SharesStep {
	m.close(o.option)
	step := SharesStep{Option: o.option, Cost: m.costs[o.option], Votes: m.votes[o.option], InFull: o.inFull, Price: o.price, Rho: o.rho}
	cost := new(big.Rat).SetInt(new(big.Int).SetUint64(step.Cost))
	if step.Cost == 0 {
		step.Effective = cost.SetInt(new(big.Int).SetUint64(step.Votes))
		return step
	}
	step.Effective = cost.Quo(cost, o.price)

	// A finer unit in which the price is whole.
	finer := new(big.Int).GCD(nil, nil, m.unit, o.price.Denom())
	finer.Quo(o.price.Denom(), finer)
	m.unit.Mul(m.unit, finer)
	price := new(big.Int).Quo(m.unit, o.price.Denom())
	price.Mul(price, o.price.Num())

	pays := make([]bool, len(m.weights))
	for _, kind := range m.backers[o.option] {
		pays[kind] = true
	}
	m.reopen(finer, price, pays)
	return step
}

// reopen writes down what is in the purses after some kinds paid a price, or all they had: those who
// paid and those who did not stay in their order, so two sorted rows are merged.
func (m *market) reopen(finer, price *big.Int, pays []bool) {
	old := len(m.purses)
	keeps, payers := make([]bool, old), make([]bool, old)
	for kind, p := range m.purse {
		if pays[kind] {
			payers[p] = true
		} else {
			keeps[p] = true
		}
	}
	rest := make([]*big.Int, old) // of payers
	for p, amount := range m.purses {
		amount.Mul(amount, finer)
		if payers[p] {
			rest[p] = new(big.Int).Sub(amount, price)
			if rest[p].Sign() < 0 {
				rest[p].SetUint64(0)
			}
		}
	}
	var purses []*big.Int
	number := func(amount *big.Int) int32 {
		if n := len(purses); n == 0 || purses[n-1].Cmp(amount) != 0 {
			purses = append(purses, amount)
		}
		return int32(len(purses) - 1)
	}
	kept, left := make([]int32, old), make([]int32, old) // new numbers of the purses
	for a, b := 0, 0; a < old || b < old; {
		switch {
		case a < old && !keeps[a]:
			a++
		case b < old && !payers[b]:
			b++
		case b == old || a < old && m.purses[a].Cmp(rest[b]) <= 0:
			kept[a] = number(m.purses[a])
			a++
		default:
			left[b] = number(rest[b])
			b++
		}
	}
	for kind, p := range m.purse {
		if pays[kind] {
			m.purse[kind] = left[p]
		} else {
			m.purse[kind] = kept[p]
		}
	}
	m.purses, m.inside = purses, make([]uint64, len(purses))
}
