package governance

import "github.com/sustainy/coop/event"

// Every bound on what a body may hold, besides those of package event. Sizes are in bytes. A charter
// may set lower ones.
const (
	MaxName      = 96       // of a member, an option, an allocation
	MaxTitle     = 200      // of a proposal
	MaxPurpose   = 4096     // of the cooperative
	MaxText      = 32 << 10 // of a proposal
	MaxReason    = 2000     // of a ballot
	MaxStatement = 4096     // of an application
	MaxNote      = 200      // of an invite
	MaxLabel     = 32       // of a class, a track, a tag

	MaxFounders = 128
	MaxStewards = 31
	MaxStandby  = 64
	MaxClasses  = 16
	MaxTracks   = 40
	MaxKinds    = 32 // kinds of action on one track
	MaxTags     = 8
	MaxOptions  = 256
	MaxRanked   = 64 // options to put in order, the status quo included: comparing them all takes their cube
	MaxSeats    = 32
	MaxActions  = 32
	MaxDevices  = 16 // of one member
	MaxSponsors = 16
	MaxUses     = 10_000 // of one invite
	MaxOpen     = 1024   // proposals under way in the cooperative
	MaxTimes    = 16     // extensions of a vote against sniping; vetoes of the same
	MaxVetoes   = 256    // members it takes to veto

	MaxJurors  = 128 // seats of a jury, and reserves
	MaxParties = 128 // who have an interest in what a jury judges

	MaxPrograms    = 1024      // published in the cooperative
	MaxOwnPrograms = 128       // by one member
	MaxAsked       = 64        // programs that are asked about one proposal: those that most follow
	MaxCost        = 1_000_000 // of all programs that are asked about one proposal: none begins above it

	MaxCandidates = 10_000                // waiting for admission
	MaxDaily      = 1_000_000             // events of one member in a day
	MaxAmount     = event.MaxInteger      // of money, in minor units
	MaxRatio      = 1_000_000             // numerator and denominator
	MaxScore      = 1000                  // of one option on one ballot
	MaxPoints     = 1_000_000             // of one ballot
	MaxDecimals   = 8                     // of a currency
	MaxPeriod     = event.Time(366) * day // of a phase
	MaxTerm       = 10 * MaxPeriod        // of stewards
)

// MaxGuardians of one member.
const MaxGuardians = 15

// LeastSilence is the shortest time after which a quorum may stop to wait for a member. Who is heard is
// noted once a day, and people have holidays.
const LeastSilence = 28 * day

// ClaimLapse is how long a recovery waits for the approvals that it needs.
const ClaimLapse = 30 * day

const (
	second = event.Time(1000)
	minute = 60 * second
	hour   = 60 * minute
	day    = 24 * hour
)
