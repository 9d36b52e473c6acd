package tally

import "fmt"

// Stance is what a ballot says to one question.
type Stance uint8

// The stances. To a proposal that needs consent, For consents and Against objects.
const (
	Abstain Stance = iota
	For
	Against
)

var stances = [...]string{"abstain", "for", "against"}

func (s Stance) String() string {
	if int(s) < len(stances) {
		return stances[s]
	}
	return fmt.Sprintf("stance %d", uint8(s))
}

// MarshalText is the stance's name.
func (s Stance) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Vote is a ballot on one question.
type Vote struct {
	Weight uint64
	Stance Stance
}

// Check returns ErrWeight or ErrStance if the ballot can't be counted.
func (v Vote) Check() error {
	if err := checkWeight(v.Weight); err != nil {
		return err
	}
	if int(v.Stance) >= len(stances) {
		return fmt.Errorf("%w: %v", ErrStance, v.Stance)
	}
	return nil
}

// Approval is a ballot that approves some of the options, in no order.
type Approval struct {
	Weight  uint64
	Options []int
}

// Check returns ErrWeight, ErrOption or ErrRepeated if the ballot can't be counted among so many options.
func (a Approval) Check(options int) error {
	if err := checkWeight(a.Weight); err != nil {
		return err
	}
	return checkOptions(make([]bool, options), a.Options)
}

// Scores is a ballot with a score for each option.
type Scores struct {
	Weight uint64
	Scores []uint64
}

// Check returns ErrWeight, ErrLength or ErrScore if the ballot can't be counted among so many options
// with scores from 0 to most, which is at most MaxScore.
func (s Scores) Check(options int, most uint64) error {
	if err := checkWeight(s.Weight); err != nil {
		return err
	}
	if len(s.Scores) != options {
		return fmt.Errorf("%w: %d numbers for %d options", ErrLength, len(s.Scores), options)
	}
	for i, score := range s.Scores {
		if score > min(most, MaxScore) {
			return fmt.Errorf("%w: option %d has %d, allowed are 0 to %d", ErrScore, i, score, min(most, MaxScore))
		}
	}
	return nil
}

// Ranking is a ballot that puts options in order. Places has the best first; options on one place are
// equal, and those on none come after all that have one, equal among themselves.
type Ranking struct {
	Weight uint64
	Places [][]int
}

// Check returns ErrWeight, ErrEmpty, ErrOption or ErrRepeated if the ballot can't be counted among so
// many options.
func (r Ranking) Check(options int) error {
	if err := checkWeight(r.Weight); err != nil {
		return err
	}
	seen := make([]bool, options)
	for i, place := range r.Places {
		if len(place) == 0 {
			return fmt.Errorf("%w: place %d", ErrEmpty, i+1)
		}
		if err := checkOptions(seen, place); err != nil {
			return err
		}
	}
	return nil
}

// CheckStrict is Check for methods in which a ballot passes from one option to the next: it also
// returns ErrTied.
func (r Ranking) CheckStrict(options int) error {
	if err := r.Check(options); err != nil {
		return err
	}
	for i, place := range r.Places {
		if len(place) > 1 {
			return fmt.Errorf("%w: place %d", ErrTied, i+1)
		}
	}
	return nil
}

// checkOptions marks the named options as seen, each once.
func checkOptions(seen []bool, options []int) error {
	for _, i := range options {
		if i < 0 || i >= len(seen) {
			return fmt.Errorf("%w: number %d of %d", ErrOption, i, len(seen))
		}
		if seen[i] {
			return fmt.Errorf("%w: number %d", ErrRepeated, i)
		}
		seen[i] = true
	}
	return nil
}

func checkWeight(weight uint64) error {
	if weight == 0 || weight > MaxVotes {
		return fmt.Errorf("%w: %d", ErrWeight, weight)
	}
	return nil
}
