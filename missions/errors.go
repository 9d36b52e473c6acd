package missions

import "errors"

// Why the room refuses, in the order of checking within each group: what happened, why, and what to do. A
// refusal changes nothing. About money the ledger refuses in its own words.

// What anything may refuse.
var (
	ErrNotMember = errors.New("only members take part in missions: apply for membership first, or appeal if you are suspended")
	ErrMission   = errors.New("there is no such mission: coop mission list shows all of them")
	ErrReason    = errors.New("a comment or reason has at most 2000 bytes and no invisible characters: shorten it, or keep to plain text")
)

// Listing.
var (
	ErrText       = errors.New("a mission has a title of one line, up to 200 bytes, and a brief and criteria of up to 16384 bytes each, without invisible characters")
	ErrTags       = errors.New("a mission has up to 8 tags of a-z, 0-9 and inner hyphens, each once")
	ErrFunding    = errors.New("a mission is funded all-or-nothing with a target of at least 1, or keeps what comes and has no target")
	ErrMatch      = errors.New("the treasury's match is linear with a rate from 1/1000000 to 1000000, or quadratic without one, and has a cap; else there is none")
	ErrPromise    = errors.New("only the members together can promise money of the treasury: open a proposal that lists this mission, or list it without a match")
	ErrPrizes     = errors.New("a mission has 1 to 16 prizes, the highest first, none of them 0")
	ErrMilestones = errors.New("a mission with one prize can have up to 16 milestones, each with a name of one line, a share from 1 to 1000000 and 1 hour to 366 days")
	ErrEscrow     = errors.New("the prizes are more than the target, so escrow might not have them: lower them, or raise the target")
	ErrToken      = errors.New("the achievement token needs a label as name, at least 1 unit for the contributors, altogether up to 2^53-1, and a rule of the ledger's: free, members, coop-approval or none")
	ErrPrice      = errors.New("what comes of a mission has a price from 1 to 2^53-1, or from 0 where buyers may pay more")
	ErrReserved   = errors.New("a token has this name, or a mission under way has reserved it: choose another")
	ErrJudges     = errors.New("judges are backers or members, or a jury of 1 to 31 seats; they approve or they rank, and up to 16 appeals can be asked for")
	ErrPeriods    = errors.New("each phase lasts from 1 hour to 366 days; a mission without appeals has no phase for them")
	ErrFull       = errors.New("256 missions are under way, which is the most that there can be: wait until one is over")
	ErrOwn        = errors.New("8 missions of yours are under way: wait until one is over")
	ErrListed     = errors.New("this decision has listed a mission under this number: give each a number of its own")
)

// Funding and cancelling.
var (
	ErrNotFunding = errors.New("this mission takes no pledges any more: its time for them is over, or it was called off; coop mission show tells where it stands")
	ErrNotLister  = errors.New("only who listed the mission, or the members together, can cancel it")
	ErrOnTrial    = errors.New("the members are asked whether this mission is spam, so it can't be cancelled before they have answered")
	ErrEntered    = errors.New("somebody has submitted work, or the time for that is over, so this mission can't be cancelled any more: judge the work instead")
)

// Submissions.
var (
	ErrNotOpen        = errors.New("this mission takes no submissions now: coop mission show tells where it stands")
	ErrEntries        = errors.New("this mission has as many submissions as it can: join one as a contributor, if its author agrees")
	ErrOwnEntries     = errors.New("you have 3 submissions in this mission already: withdraw one first")
	ErrSubmission     = errors.New("there is no such submission in this mission: coop mission show lists them")
	ErrNotAuthor      = errors.New("this submission is somebody else's: only its author can do that")
	ErrWithdrawn      = errors.New("this submission was withdrawn")
	ErrJudged         = errors.New("submissions can be withdrawn only before they are judged")
	ErrNotRevealing   = errors.New("this is not the time to reveal submissions and to consent to them: coop mission show tells where the mission stands")
	ErrRevealed       = errors.New("this submission was revealed already, and stays as it is")
	ErrContent        = errors.New("a submission has a title of one line, up to 200 bytes, and a text of up to 16384 bytes, without invisible characters")
	ErrFiles          = errors.New("a submission has up to 64 files, each with a name of one line, a size and the CID of its content")
	ErrContributors   = errors.New("a submission has 1 to 16 contributors, each named once, with a role of one line up to 64 bytes and a share from 1 to 1000000")
	ErrCommitment     = errors.New("what you reveal is not what you committed to: the hash differs; reveal exactly what was submitted, with its secret")
	ErrNotRevealed    = errors.New("this submission has not been revealed, so nobody can consent to it yet")
	ErrNotContributor = errors.New("this submission does not name you as a contributor, so there is nothing to consent to")
)

// Judging.
var (
	ErrNotJudging = errors.New("this mission is not being judged now: coop mission show tells where it stands")
	ErrConflict   = errors.New("you have contributed to a submission of this mission, and nobody judges their own cause")
	ErrNotBacker  = errors.New("this mission is judged by its backers, and you are none")
	ErrNoVote     = errors.New("this mission is judged by the members who had a vote when judging began, and you had none")
	ErrNotJuror   = errors.New("this mission is judged by a jury, and you are not on it: coop jury list shows who is, once it is drawn")
	ErrBallot     = errors.New("a ballot names candidates of this mission, each once, by approving or by ranking them as the mission asks; no award is a candidate too")
	ErrNotAppeal  = errors.New("this is not the time to appeal: that is after judging and before the award, once in a mission")
	ErrNoStake    = errors.New("only backers, entrants and members with a vote can appeal")
	ErrAppealed   = errors.New("you have appealed already: others who agree can appeal too")
)

// Milestones.
var (
	ErrNotAwarded = errors.New("this mission waits for no proof of a milestone now: coop mission show tells where it stands")
	ErrNotWinner  = errors.New("only who has contributed to the winning submission proves its milestones")
	ErrNotProving = errors.New("there is no proof of a milestone to accept now: coop mission show tells where the mission stands")
)

// Forecasts and flags.
var (
	ErrNotForeseeable = errors.New("forecasts are about the target of an all-or-nothing mission while it takes pledges, or about its delivery until submissions close")
	ErrChance         = errors.New("a chance is from 1 to 99 percent: nothing is certain")
	ErrBeneficiary    = errors.New("you listed this mission, back it, or work for it: who can gain from it makes no forecast")
	ErrNotFlaggable   = errors.New("a mission can be flagged as spam until submissions close, unless the members have found that it is none")
	ErrNoFlag         = errors.New("only members with a vote who did not list the mission say whether it is spam")
	ErrFlagged        = errors.New("you have flagged this mission already, or 64 members have: coop mission show tells what follows")
	ErrNoTrial        = errors.New("nobody is asked now whether this mission is spam: coop mission flag says that you take it for it")
	ErrAssemblyOnly   = errors.New("only the members together can decide this about missions: open a proposal that carries it as an action")
	ErrTerms          = errors.New("the terms are a deposit of up to 2^53-1, 1 to 64 flags, and 1 hour to 366 days for the members to say whether it is spam")
)
