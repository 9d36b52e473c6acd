package governance

import (
	"github.com/sustainy/coop/fold"
	"github.com/sustainy/coop/identity"
)

// Speaker is for whom a signed event speaks, member or not: what somebody has stays theirs when they
// leave. It refuses devices of nobody and suspended ones.
func (s *State) Speaker(env fold.Env) (identity.PublicKey, error) {
	key, _, err := s.person(env)
	return key, err
}
