package tally

import "iter"

// Verdict is the outcome of a vote by consent.
type Verdict uint8

// The verdicts.
const (
	Silent   Verdict = iota // nobody objects, and nobody consents either
	Consent                 // somebody consents and nobody objects
	Objected                // somebody objects
)

var verdicts = [...]string{"silent", "consent", "objected"}

func (v Verdict) String() string { return verdicts[v] }

// MarshalText is the verdict's name.
func (v Verdict) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// ConsentResult is a vote by consent, counted.
type ConsentResult struct {
	Verdict    Verdict `json:"verdict"`
	Consents   uint64  `json:"consents"`
	Objections uint64  `json:"objections"`
	Abstained  uint64  `json:"abstained"`
}

// CountConsent counts a vote by consent: one objection is enough to stop a proposal, however many
// consent, and silence carries nothing. What an objection must bring forward to be one is for the
// caller's rules.
//
// Source: consent decision-making as sociocracy has it, Endenburg, "Sociocracy: The Organization of
// Decision-Making" (1998): no argued and paramount objection.
func CountConsent(ballots iter.Seq[Vote]) ConsentResult {
	c := CountYesNo(ballots)
	r := ConsentResult{Consents: c.Yes, Objections: c.No, Abstained: c.Abstained}
	switch {
	case r.Objections > 0:
		r.Verdict = Objected
	case r.Consents > 0:
		r.Verdict = Consent
	}
	return r
}
