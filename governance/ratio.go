package governance

import (
	"fmt"
	"math/bits"
)

// Ratio is an exact share, such as 2/3. The fold knows no floats.
type Ratio struct {
	Num uint64 `cbor:"num" json:"num"`
	Den uint64 `cbor:"den" json:"den"`
}

func (r Ratio) String() string { return fmt.Sprintf("%d/%d", r.Num, r.Den) }

// Compare orders part/whole against r: -1 below, 0 equal, 1 above. It multiplies crosswise in 128
// bits, so it is exact for every input; a whole of 0 counts as equal to r when part is 0.
func (r Ratio) Compare(part, whole uint64) int {
	aHigh, aLow := bits.Mul64(part, r.Den)
	bHigh, bLow := bits.Mul64(whole, r.Num)
	switch {
	case aHigh < bHigh || aHigh == bHigh && aLow < bLow:
		return -1
	case aHigh > bHigh || aLow > bLow:
		return 1
	}
	return 0
}

// share tells whether r is a share of something: between 0 and 1, in form.
func (r Ratio) share() bool { return r.Den > 0 && r.Den <= MaxRatio && r.Num <= r.Den }
