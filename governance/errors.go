package governance

import "errors"

// Why the hall refuses, in the order of checking within each group: what happened, why, and what to
// do. A refusal changes nothing.

// Who speaks.
var (
	ErrForked       = errors.New("this device has signed another event with this number, and that one counts: if you did not, somebody else has your key, so ask a member to report it")
	ErrOverQuota    = errors.New("you have made as many events today as the charter allows: go on tomorrow, by coop time")
	ErrStranger     = errors.New("this key belongs to nobody in the cooperative: apply for membership first, or add the device from one that is known")
	ErrSuspended    = errors.New("this device is suspended, because it signed two different events with one number: restore it from another of your devices or add a fresh key there, or ask for a proposal that does")
	ErrWaiting      = errors.New("your application is still waiting, so you cannot do this yet: a sponsor or a proposal admits you")
	ErrLeft         = errors.New("you have left the cooperative, so you cannot do this: apply again to return")
	ErrAssemblyOnly = errors.New("only the members together can do this: open a proposal that carries it as an action")
)

// The founding.
var (
	ErrFoundedBefore = errors.New("the cooperative is founded already: to change it, open a proposal")
	ErrName          = errors.New("a name or title is one line without spaces at its ends or invisible characters, and not too long: names 96 bytes, titles 200")
	ErrText          = errors.New("this text is longer than the charter allows here, or has invisible characters: shorten it, or keep to plain text")
	ErrCurrency      = errors.New("a currency is 2 to 12 capital letters or digits and up to 8 decimals, such as EUR with 2")
	ErrCharter       = errors.New("nobody could be governed by this charter")
	ErrParams        = errors.New("the timing must be between 1 millisecond and 1 day, the shortest round no longer than the longest, and grace no longer than stall")
	ErrFounders      = errors.New("a cooperative has 1 to 128 founders, each named once")
	ErrKey           = errors.New("this public key proves nothing, because it is malformed or of small order: create a fresh one")
	ErrClasses       = errors.New("a member is in at least one class, each named once, and all of them in the charter: choose from its classes")
	ErrNoVoters      = errors.New("nobody could vote then, so nothing could ever be decided: let at least one member be in a class that votes")
	ErrStewards      = errors.New("a cooperative has 1 to 31 first stewards, each named once")
	ErrConsent       = errors.New("every founder must consent: expected one valid signature of the founding text by each founder except the one who signs the event, in the order of the founders")
	ErrNoFounder     = errors.New("the founding is signed by one of its founders, and this key is none of them")
)

// Members and devices.
var (
	ErrInviteTaken      = errors.New("an invite with this key was published before: make a fresh one")
	ErrInviteTerms      = errors.New("an invite has 1 to 10,000 uses and ends within 366 days from now")
	ErrMemberAlready    = errors.New("this key speaks for a member already: there is nothing to apply for")
	ErrAppliedAlready   = errors.New("you have applied already: wait for a sponsor or a proposal, or take the application back first")
	ErrKeyTaken         = errors.New("this key is known in the cooperative already: use a fresh one")
	ErrInviteNeeded     = errors.New("this class needs an invite: ask a member for one")
	ErrInviteUnknown    = errors.New("there is no such invite: check the link, or ask for another one")
	ErrNotYourInvite    = errors.New("only the member who made an invite can revoke it, or all members by a proposal")
	ErrInviteRevoked    = errors.New("this invite was revoked: ask for another one")
	ErrInviteVoid       = errors.New("whoever made this invite is no member at present, so it invites nobody: ask for another one")
	ErrInviteExpired    = errors.New("this invite has expired: ask for another one")
	ErrInviteUsedUp     = errors.New("this invite was used as often as it allows: ask for another one")
	ErrInviteProof      = errors.New("the application does not prove that you hold the invite: open its link on this device")
	ErrCandidatesFull   = errors.New("as many applications wait as the charter allows: apply again when some are decided")
	ErrMayNotSponsor    = errors.New("only members who may vote can sponsor")
	ErrNoCandidate      = errors.New("nobody with this key is waiting for admission")
	ErrNotBySponsors    = errors.New("this class is not admitted by sponsors: open a proposal that admits the candidate")
	ErrSponsoredAlready = errors.New("you sponsor this candidate already")
	ErrNotYourDevice    = errors.New("you can add and restore devices for yourself alone; for another member a proposal can")
	ErrNoMember         = errors.New("there is no member with this key")
	ErrDevicesFull      = errors.New("a member has at most 16 devices: revoke one first")
	ErrDeviceProof      = errors.New("the device does not prove that it wants to speak for this member: start on the new device and sign there")
	ErrNotEvidence      = errors.New("this proves nothing: evidence is two valid events of this cooperative with different content, signed by one device with one number, or two blocks of one round, signed by one steward")
	ErrNoDevice         = errors.New("this key belongs to nobody in the cooperative, so it can neither be suspended nor restored")
	ErrSuspendedAlready = errors.New("this device is suspended already")
	ErrSettled          = errors.New("this fork is settled: the device was suspended for one and restored since")
	ErrNotSuspended     = errors.New("this device is not suspended, so there is nothing to restore")
	ErrNoRoundKey       = errors.New("no steward signs or has signed with this key, so the evidence concerns nobody")
	ErrProvenAlready    = errors.New("this steward's fork is proven already, and dealt with")
)

// Classes and patronage.
var (
	ErrUnknownClass = errors.New("the charter has no such class: choose one of its classes")
	ErrInClass      = errors.New("you are in this class already")
	ErrAskedAlready = errors.New("you have asked for this class already: a sponsor or a proposal admits you")
	ErrPatronage    = errors.New("you have not bought as much as this class asks for: whoever keeps the record credits your purchases to your key")
	ErrNotInClass   = errors.New("you are not in this class and have not asked for it, so there is nothing to drop")
	ErrOnlyClass    = errors.New("a member is in at least one class, and you would be in none: ask for another one first, or leave the cooperative")
	ErrNoRequest    = errors.New("this member has not asked for this class: they ask first, by their own will")
	ErrOwnSponsor   = errors.New("you cannot vouch for yourself: ask another member")
	ErrMayNotCredit = errors.New("your classes do not keep the record of patronage: ask a member who does, or open a proposal")
	ErrOwnPatronage = errors.New("you cannot credit yourself: ask another member who keeps the record")
)

// Suspension, expulsion, appeal.
var (
	ErrMemberSuspended = errors.New("your membership is suspended, so you cannot do this: wait for its end, or appeal once")
	ErrExpelled        = errors.New("you are expelled from the cooperative, so you cannot do this: appeal once within the charter's period, or ask a member to propose that you are taken back")
	ErrLeftSuspended   = errors.New("you left while you were suspended: apply again when the suspension would have ended")
	ErrSuspension      = errors.New("a suspension lasts 1 millisecond to 366 days")
	ErrNoRuling        = errors.New("this member is neither suspended nor expelled, so there is nothing to undo")
	ErrAppealed        = errors.New("you have appealed against this decision already: the members decide, or have decided")
	ErrAppealLate      = errors.New("the charter's period for an appeal is over: ask a member to propose that you are taken back")
	ErrNoAppeal        = errors.New("no track of the charter lets the members vote on an appeal: ask them to amend it")
)

// Devices that are lost or stolen.
var (
	ErrRevoked         = errors.New("this device was revoked, so it speaks for nobody: use another one of yours")
	ErrRevokesItself   = errors.New("a device cannot revoke itself, because one that you still have must stay: revoke it from another one of yours, or leave")
	ErrNotOwnDevice    = errors.New("this key is no device of yours, so you cannot revoke it: for another member a proposal can")
	ErrRevokedAlready  = errors.New("this device is revoked already")
	ErrLastDevice      = errors.New("this is the only device by which the member can speak: add another one first, or recover the member by a new key")
	ErrGuardians       = errors.New("a member names up to 15 other members as guardians, each once, and how many of them must approve, from 1 to all; to have none, name none and 0")
	ErrNotGuardian     = errors.New("this member has not named you as guardian: the members together can recover the membership, by a proposal")
	ErrApprovedAlready = errors.New("you have approved this key already: it waits for the other guardians, or for the end of the delay")
	ErrNoRecovery      = errors.New("no recovery of your membership is under way, so there is nothing to veto")
)

// Proposals.
var (
	ErrUnknownTrack    = errors.New("the charter has no such track: choose one of its tracks")
	ErrMayNotPropose   = errors.New("your classes may not open proposals on this track: ask a member who may")
	ErrTags            = errors.New("a proposal has at most 8 tags, each once, of a-z, 0-9 and -")
	ErrOptions         = errors.New("the options do not fit the method: yes/no and consent have none, a budget 1 to 256, each with a cost, schulze and runoff 1 to 63 besides the status quo, stv 2 to 64, any other 2 to 256; each needs a name")
	ErrNominees        = errors.New("an election of stewards has as options the members who stand when the vote opens: name none")
	ErrSeats           = errors.New("this track elects more than there are candidates: name more of them, or choose another track")
	ErrBudget          = errors.New("a budget vote, and no other, names the budget to share")
	ErrActions         = errors.New("a proposal carries at most 32 actions, each in the form of an event")
	ErrActionOnTrack   = errors.New("the charter does not let a proposal on this track do that: choose another track")
	ErrOpenAlready     = errors.New("you have as many proposals under way on this track as the charter allows: wait until one is decided")
	ErrHallFull        = errors.New("1,024 proposals are under way: wait until some are decided")
	ErrUnknownProposal = errors.New("there is no such proposal")
	ErrNotProposer     = errors.New("only who opened a proposal can withdraw it")
	ErrOver            = errors.New("the vote on this proposal is over")
	ErrBallotsCast     = errors.New("a member has voted already, so the proposal can no longer be withdrawn: the vote decides")
)

// Ballots.
var (
	ErrNotYet      = errors.New("this proposal is not put to the vote yet: cast your ballot when voting opens")
	ErrTooLate     = errors.New("this ballot came after the end of the vote, so it does not count")
	ErrNotOnRoll   = errors.New("you were not among the members who may vote when this proposal was opened, so you have no ballot on it")
	ErrChoice      = errors.New("this choice does not fit the method: yes, no or abstain in a yes/no vote; yes, object or abstain where consent is asked; elsewhere abstain, or what the method counts: approvals, a ranking, scores or points")
	ErrOption      = errors.New("the ballot names an option that does not exist: the proposal lists them, with their numbers from 0")
	ErrTwice       = errors.New("the ballot names an option twice: each can stand once")
	ErrEmptyPlace  = errors.New("the ranking has a place on which no option stands: leave it out")
	ErrSharedPlace = errors.New("the ranking puts two options on one place: by this method a ballot passes from one option to the next, so put one after the other")
	ErrLength      = errors.New("scores and points are one number for each option, 0 included, in the order of the proposal")
	ErrScore       = errors.New("a score is above the highest one that this track allows")
	ErrPoints      = errors.New("the ballot spends more points than this track gives it; where the cost is quadratic, 3 points for one option cost 9")
	ErrUnsorted    = errors.New("options that stand side by side on a ballot are listed by their numbers, ascending")
	ErrNoReason    = errors.New("an objection stops the proposal, so it needs a reason: say what harm it does, or what must change")
	ErrReason      = errors.New("the reason is longer than the charter allows, or has invisible characters")
	ErrFinalBallot = errors.New("you have voted, and this track does not let ballots be changed")
)

// Stewards.
var (
	ErrMayNotStand   = errors.New("only members who may vote can be stewards")
	ErrStandsAlready = errors.New("you stand for election already: resign to take it back")
	ErrAppointed     = errors.New("1 to 31 stewards and up to 64 on standby are appointed, each named once")
	ErrNotStanding   = errors.New("one who is named does not stand for steward, or may not vote, or has no device left: they must agree first, by coop steward stand")
	ErrNotIncoming   = errors.New("you are not among the incoming stewards, so there is nothing to be ready for")
	ErrEpoch         = errors.New("this is not the number of the coming epoch: look at coop steward list and announce again")
	ErrNoOffice      = errors.New("you are no steward, are not to be one and do not stand, so there is nothing to resign from")
	ErrNoSteward     = errors.New("this member is no steward, is not to be one and does not stand, so there is nothing to recall")
	ErrLastSteward   = errors.New("there would be no steward left, and nothing could be decided any more: elect others first")
	ErrReadyProof    = errors.New("the key does not prove that it wants to be this member's in the coming epoch: create a fresh one and sign with it")
)

// The life of a proposal besides its vote.
var (
	ErrAgain              = errors.New("this does not repeat a proposal that was vetoed: the options, the budget, the actions and the track must be the same")
	ErrNotGathering       = errors.New("this proposal is not waiting for sponsors: it needs none, has them, or is over")
	ErrMayNotCosponsor    = errors.New("only members who may vote on a proposal can sponsor it")
	ErrOwnProposal        = errors.New("you opened this proposal, so others must sponsor it")
	ErrCosponsoredAlready = errors.New("you sponsor this proposal already")
	ErrNoGrace            = errors.New("this is possible only after a proposal has passed and before it is carried out")
	ErrNoVeto             = errors.New("the charter gives nobody a veto on this track: to stop it, propose the contrary")
	ErrVetoSpent          = errors.New("the same was vetoed as often as the charter allows, so it stands")
	ErrMayNotVeto         = errors.New("the charter gives the veto on this track to others, or you could not vote on the proposal")
	ErrVetoReason         = errors.New("a veto stops what the members have decided, so it needs a reason: say what must change")
	ErrVetoedAlready      = errors.New("you have cast your veto already")
	ErrVotedForIt         = errors.New("you voted for this, so it binds you: you can still leave the cooperative, but not because of it")
)

// Re-founding.
var (
	ErrRefoundBase     = errors.New("this re-founding is of another cooperative, another checkpoint or another epoch than the last one known here")
	ErrRefoundStewards = errors.New("a re-founding names 1 to 31 stewards, each a member who may vote and has a device, with a fresh key that proves itself")
	ErrRefoundReason   = errors.New("a re-founding says why, in plain text")
	ErrAssents         = errors.New("an assent is not one: each is signed by a live device of another member who could vote at the checkpoint, in the order of the members")
	ErrRefoundEarly    = errors.New("an assent was given too early: the cooperative has not stood still as long as its charter asks")
	ErrRefoundFew      = errors.New("too few members assent to this re-founding: the charter says how many, two thirds of those who may vote if it says nothing")
)

// Acts of the Assembly.
var (
	ErrCharterClasses = errors.New("the new charter would leave a member without a class: keep the class, or admit the member to another first")
	ErrLocked         = errors.New("under this charter no amendment could ever pass again")
	ErrAmount         = errors.New("an amount is a whole number from 1 to 2^53-1 of the smallest unit")
	ErrAllocated      = errors.New("this proposal has allocated to this project already")
)

// Delegations.
var (
	ErrAbout           = errors.New("a delegation is for one proposal, one tag, one track or everything, and a confirmation names each once: choose one")
	ErrTag             = errors.New("a tag is written in a-z, 0-9 and -, so no proposal can have this one")
	ErrNoDelegation    = errors.New("the charter asks members to vote themselves here, so nobody can vote for you")
	ErrDelegate        = errors.New("a delegation names one member, or several with how many of them must agree, or one program, or nobody, and no more than that")
	ErrGroup           = errors.New("a group that votes for you has 2 to 15 members, each named once, in the order of their keys")
	ErrDelegateSelf    = errors.New("you cannot delegate to yourself: cast your own ballot, which counts instead of any delegate's")
	ErrNoDelegate      = errors.New("this key belongs to no member of the cooperative, so it cannot vote for you: coop member list shows who can")
	ErrThreshold       = errors.New("more than half of the group must agree, and at most all of it: else it could say two things at once, or never anything")
	ErrDelegationEnd   = errors.New("this delegation would have ended already: choose a later time, or none")
	ErrDelegationsFull = errors.New("you have given 256 delegations, as many as one member can have: withdraw one that you no longer need")
	ErrLanguage        = errors.New("this program is written for another version of the language than this cooperative's software knows: update coop, or publish it again")
	ErrSettings        = errors.New("a program has up to 16 settings, by key, each key once: keys of up to 64 bytes, values of up to 1,024, on one line")
	ErrWatches         = errors.New("a program can see the ballots of up to 128 members, each named once, in the order of their keys")
	ErrPrevious        = errors.New("you have published no such program, so this cannot be a new version of it: publish it as a program of its own")
	ErrProgramsFull    = errors.New("1,024 programs have been published, as many as a cooperative can have: follow one of these")
	ErrOwnPrograms     = errors.New("you have published 128 programs, as many as one member can: follow one of these")
	ErrProgram         = errors.New("this is no program that every peer can run safely and with the same result: coop program test tells where and why")
	ErrNoProgram       = errors.New("no program has been published by this event: coop program list shows those there are")
	ErrNotPublisher    = errors.New("only who published a program can withdraw it: coop delegate clear stops following it")
	ErrProgramGone     = errors.New("this program was withdrawn by who published it, so nobody can follow it any more: coop program list shows those there are")
	ErrNotGiven        = errors.New("you have given no such delegation: coop delegate list shows yours")
)

// Juries.
var (
	ErrJurySize      = errors.New("a jury has 1 to 128 seats and up to 128 reserves")
	ErrParties       = errors.New("up to 128 members can be named as parties, each once, in the order of their keys")
	ErrJuryCalled    = errors.New("this proposal has called a jury of this name already: give each a name of its own")
	ErrFewCandidates = errors.New("there are fewer members without a conflict of interest than seats: call a smaller jury")
	ErrNoJury        = errors.New("no jury of this name was called by this proposal: coop jury list shows all of them")
	ErrJuryEnded     = errors.New("what this jury was drawn for is over, so nobody takes its places any more: coop jury list shows those that still sit")
	ErrNotJuror      = errors.New("you are neither on this jury nor among its reserves, so there is nothing to decline; one that was just called is drawn by the next commit")
)
