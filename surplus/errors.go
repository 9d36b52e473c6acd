package surplus

import "errors"

// Why something about the surplus is refused: what happened, why, and what to do.
var (
	ErrAssemblyOnly   = errors.New("only the members together can decide about the surplus: open a proposal that carries it as an action")
	ErrParts          = errors.New("a distribution has 1 to 16 parts, each for another class or measure (purchases, contributions or equal), which are at most the whole together; the rest is the reserve")
	ErrClass          = errors.New("the charter has no class of this name: coop charter lists the classes; without a class a part is for everybody")
	ErrPool           = errors.New("no more can be distributed than sales have brought the treasury since the beginning and was not distributed yet: coop surplus list shows how much that is")
	ErrNobody         = errors.New("nobody has bought, contributed or belongs to what this distribution is for, so nothing would be distributed")
	ErrNoDistribution = errors.New("there is no distribution with this number: coop surplus list shows them")
	ErrPayable        = errors.New("a payout says which share of the distribution is payable from now on, in all, and that can only grow")
	ErrNoMember       = errors.New("only a member can take what was allotted: join, and it is yours")
	ErrNothing        = errors.New("there is nothing to take from this distribution: you have taken what is payable, or were allotted nothing")
)
