package governance

import "github.com/sustainy/coop/text"

// What people write, by the rules of package text.
func line(s string, most int) bool         { return text.Line(s, most) }
func prose(s string, most uint64) bool     { return text.Prose(s, most) }
func label(s string) bool                  { return text.Label(s) }
func distinct[T comparable](list []T) bool { return text.Distinct(list) }

// The two bounds are one; this does not compile otherwise.
var _ [0]struct{} = [MaxLabel - text.MaxLabel]struct{}{}
