package delegation

import "fmt"

// DefaultTerm is how long, in milliseconds, a delegation applies after it was last confirmed: 180 days.
const DefaultTerm = 180 * 24 * 60 * 60 * 1000

// Scope is how much a mandate covers.
type Scope uint8

// The scopes, the widest first: a later one wins over an earlier one.
const (
	All Scope = iota
	Track
	Tag
	Proposal
)

var scopes = [...]string{"everything", "track", "tag", "proposal"}

func (s Scope) String() string {
	if int(s) < len(scopes) {
		return scopes[s]
	}
	return fmt.Sprintf("scope %d", uint8(s))
}

// MarshalText is the scope's name.
func (s Scope) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Mandate is a delegation as a member gave it, or the word that nobody votes for that member. To whom it
// goes is not in it: choosing doesn't depend on that.
type Mandate struct {
	Scope   Scope
	Subject string // the proposal's id, the tag or the track, as the caller spells them; empty for All
	OptOut  bool   // do not delegate this

	Confirmed uint64 // when it was given or last confirmed, ms since the Unix epoch
	Expires   uint64 // when it ends in any case; 0 if its giver set no such time
}

// Question is a proposal, as far as it matters for choosing a delegate.
type Question struct {
	Proposal string
	Tags     []string // in the proposal's order; of mandates for several of them the first tag's applies
	Track    string
	Time     uint64 // for which it is asked, ms since the Unix epoch: the same for all voters of a count
	Term     uint64 // for which a delegation applies after it was confirmed, ms; 0 is without end
}

// CheckMandates returns ErrMany, ErrScope, ErrSubject or ErrTwice if one member can't have all these.
func CheckMandates(mandates []Mandate) error {
	if len(mandates) > MaxMandates {
		return fmt.Errorf("%w: these are %d", ErrMany, len(mandates))
	}
	type about struct {
		scope   Scope
		subject string
	}
	seen := make(map[about]bool, len(mandates))
	for _, m := range mandates {
		if int(m.Scope) >= len(scopes) {
			return fmt.Errorf("%w: %v", ErrScope, m.Scope)
		}
		if (m.Scope == All) != (m.Subject == "") || len(m.Subject) > MaxSubject {
			return fmt.Errorf("%w: %v %q", ErrSubject, m.Scope, m.Subject[:min(len(m.Subject), MaxSubject)])
		}
		key := about{m.Scope, m.Subject}
		if seen[key] {
			return fmt.Errorf("%w: %v %q", ErrTwice, m.Scope, m.Subject)
		}
		seen[key] = true
	}
	return nil
}

// Verdict is why a mandate applies to a question, or why not.
type Verdict uint8

// The verdicts.
const (
	Elsewhere   Verdict = iota // it covers neither the proposal nor its tags nor its track
	Later                      // it was given or confirmed after the time in question
	Expired                    // the time its giver set has passed
	Unconfirmed                // its term has passed and nobody confirmed it
	Outranked                  // it would apply, but another comes before it
	Applies
)

var verdicts = [...]string{"is about something else", "was given later", "has expired", "was not confirmed in time", "another comes before it", "applies"}

func (v Verdict) String() string {
	if int(v) < len(verdicts) {
		return verdicts[v]
	}
	return fmt.Sprintf("verdict %d", uint8(v))
}

// MarshalText is the verdict in words.
func (v Verdict) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// Choose returns the place of the mandate that applies to the question, or None. If that one is an
// opt-out the member's vote goes nowhere; else it goes where the delegation says.
//
// Only mandates that cover the question and are in force are looked at. Of these the narrowest scope
// wins: the proposal, then a tag, then the track, then everything. Among those for several tags of the
// proposal an opt-out wins over all delegations; without one, the tag wins that the proposal names first,
// so who tags a proposal has a say in who votes for whom, and the opt-out is what a member has against it.
// Mandates that pass CheckMandates are never equal beyond that; of others that are, the first wins.
//
// An opt-out needs no confirmation. A delegation ends with its term so that nobody carries votes of
// people who have forgotten it; if an opt-out ended so, a wider delegation would begin to speak where
// its giver has said that nobody shall.
func Choose(mandates []Mandate, q Question) int {
	chosen, best := None, 0
	for i := range mandates {
		if mandates[i].verdict(&q) != Applies {
			continue
		}
		if rank := mandates[i].rank(&q); rank > best {
			chosen, best = i, rank
		}
	}
	return chosen
}

// Weigh returns for each mandate why it applies to the question or not. At most one does: the one that
// Choose chooses.
func Weigh(mandates []Mandate, q Question) []Verdict {
	chosen := Choose(mandates, q)
	weighed := make([]Verdict, len(mandates))
	for i := range mandates {
		weighed[i] = mandates[i].verdict(&q)
		if weighed[i] == Applies && i != chosen {
			weighed[i] = Outranked
		}
	}
	return weighed
}

// verdict is what is to say about the mandate without looking at the others.
func (m *Mandate) verdict(q *Question) Verdict {
	switch {
	case m.rank(q) == 0:
		return Elsewhere
	case m.Confirmed > q.Time:
		return Later
	case m.Expires != 0 && q.Time >= m.Expires:
		return Expired
	case !m.OptOut && q.Term != 0 && q.Time-m.Confirmed >= q.Term:
		return Unconfirmed
	}
	return Applies
}

// rank is higher for what comes first, and 0 for what does not cover the question. From the top: the
// proposal, an opt-out for a tag, the first tag, the second and so on, the track, everything.
func (m *Mandate) rank(q *Question) int {
	tags := len(q.Tags)
	switch m.Scope {
	case All:
		return 1
	case Track:
		if m.Subject == q.Track {
			return 2
		}
	case Tag:
		for i, tag := range q.Tags {
			switch {
			case m.Subject != tag:
			case m.OptOut:
				return 3 + tags
			default:
				return 2 + tags - i
			}
		}
	case Proposal:
		if m.Subject == q.Proposal {
			return 4 + tags
		}
	}
	return 0
}
