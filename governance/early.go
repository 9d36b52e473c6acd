package governance

import "github.com/sustainy/coop/event"

// decided tells whether a vote can end now because no ballot that is still out could change what it
// comes to. A track allows it where ballots are final. Whoever of the roll has not cast a ballot of
// their own may still go either way or stay away, also who has delegated the vote or left.
//
// Where a ballot says yes or no, or consents or objects, it is so if the vote passes even should all who
// are left vote no, or is rejected even should they all vote yes, in every chamber; see certain and
// hopeless. By any other method it is so once everybody has voted. It costs one look at each ballot.
//
// Source: the early decision of Aragon's voting app, which is sound for final ballots alone.
func (s *State) decided(id event.ID, p *Proposal) bool {
	t := &p.Rules.Track
	if !t.Early || p.Silent > 0 { // who is silent may come and make the roll larger
		return false
	}
	parts := make([]part, 1, 1+len(t.Chambers))
	parts[0] = part{n: Count{Roll: p.RollSize}, quorum: t.Quorum, threshold: t.Threshold}
	for i, chamber := range t.Chambers {
		parts = append(parts, part{n: Count{Roll: p.Chambers[i]}, quorum: chamber.Quorum, threshold: chamber.Threshold})
	}
	for _, b := range s.BallotsOn(id) {
		parts[0].add(&b)
		for _, i := range b.Chambers {
			parts[1+i].add(&b)
		}
	}
	if parts[0].out() == 0 {
		return true
	}
	if t.Method != YesNo && t.Method != ByConsent {
		return false
	}
	certain := true
	for i := range parts {
		if parts[i].hopeless() {
			return true
		}
		certain = certain && parts[i].certain()
	}
	return certain
}

// part is the whole roll or a chamber in a vote by sides.
type part struct {
	n         Count
	quorum    Quorum
	threshold Threshold
}

func (x *part) add(b *Ballot) {
	switch b.Choice {
	case Yes:
		x.n.Yes++
	case No, Object:
		x.n.No++
	default:
		x.n.Abstain++
	}
}

// out is how many ballots are still out.
func (x *part) out() uint64 { return x.n.Roll - x.n.Yes - x.n.No - x.n.Abstain }

// certain tells whether quorum and threshold are reached whatever comes. More votes for never hurt
// either of them. The threshold is hardest to reach when all who are left vote against. So is the biased
// quorum, or when they stay away: in the number of votes against, yes²·turnout − no²·Share·roll is
// concave, so it is least at one of the two ends. The others are hardest to reach when they stay away.
func (x *part) certain() bool {
	if x.n.Roll == 0 { // an empty chamber has no say
		return true
	}
	against := x.n
	against.No += x.out()
	return x.threshold.Reached(against) && x.quorum.Reached(x.n) && (x.quorum.Kind != QuorumBiased || x.quorum.Reached(against))
}

// hopeless tells whether it is voted down whatever comes.
func (x *part) hopeless() bool {
	best := x.n
	best.Yes += x.out()
	return x.n.Yes+x.n.No > 0 && !x.threshold.Reached(best)
}
