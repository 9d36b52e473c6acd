package daemon

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/sustainy/coop/crdt"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/home"
	"github.com/sustainy/coop/node"
)

// Codes of problems that the daemon adds to those of package home.
const (
	CodeUsage        home.Code = "E-USAGE"
	CodeNotRunning   home.Code = "E-NOT-RUNNING"
	CodeNotFound     home.Code = "E-NOT-FOUND"
	CodeAmbiguous    home.Code = "E-AMBIGUOUS"
	CodeRefused      home.Code = "E-REFUSED"
	CodeNotPermitted home.Code = "E-NOT-PERMITTED"
	CodeNotFinal     home.Code = "E-NOT-FINAL"
	CodeStopped      home.Code = "E-STOPPED"
	CodeDiskFull     home.Code = "E-DISK-FULL"
	CodeStore        home.Code = "E-STORE-DAMAGED"
	CodePort         home.Code = "E-PORT-IN-USE"
	CodeUnreachable  home.Code = "E-UNREACHABLE"
	CodeBadLink      home.Code = "E-BAD-LINK"
	CodeArchive      home.Code = "E-ARCHIVE"
	CodeBusy         home.Code = "E-BUSY"
	CodeInternal     home.Code = "E-INTERNAL"
)

// status is the HTTP status that goes with a code.
var status = map[home.Code]int{
	CodeUsage:         http.StatusBadRequest,
	CodeBadLink:       http.StatusBadRequest,
	CodeArchive:       http.StatusUnprocessableEntity,
	CodeNotFound:      http.StatusNotFound,
	CodeAmbiguous:     http.StatusConflict,
	CodeBusy:          http.StatusConflict,
	CodeRefused:       http.StatusUnprocessableEntity,
	CodeNotPermitted:  http.StatusForbidden,
	home.CodeObserver: http.StatusForbidden,
	CodeNotFinal:      http.StatusGatewayTimeout,
	CodeUnreachable:   http.StatusBadGateway,
}

// notPermitted are refusals because of who asks; every other refusal is because of what is asked.
var notPermitted = []error{
	governance.ErrStranger, governance.ErrSuspended, governance.ErrWaiting, governance.ErrLeft, governance.ErrAssemblyOnly,
	governance.ErrMayNotSponsor, governance.ErrMayNotPropose, governance.ErrNotProposer, governance.ErrNotOnRoll,
	governance.ErrNotYourDevice, governance.ErrInviteNeeded, governance.ErrRevoked, governance.ErrMemberSuspended, governance.ErrExpelled,
	governance.ErrLeftSuspended, governance.ErrNotGuardian, governance.ErrMayNotCredit, governance.ErrNotOwnDevice, governance.ErrNotYourInvite, node.ErrStranger,
}

var notFound = []error{
	governance.ErrUnknownProposal, governance.ErrUnknownTrack, governance.ErrNoCandidate, governance.ErrNoMember, governance.ErrUnknownClass, governance.ErrNoRequest, governance.ErrInviteUnknown, crdt.ErrNotFound,
}

// trouble turns any error into a problem with code and advice.
func trouble(err error) *home.Problem {
	var p *home.Problem
	var observer *node.ObserverError
	is := func(list []error) bool {
		for _, e := range list {
			if errors.Is(err, e) {
				return true
			}
		}
		return false
	}
	switch {
	case errors.As(err, &p):
		return p
	case errors.As(err, &observer):
		return &home.Problem{Code: home.CodeObserver, What: "this computer only observes", Why: observer.Why, Next: "coop status", Err: err}
	case errors.Is(err, node.ErrNotInTime), errors.Is(err, context.DeadlineExceeded):
		return &home.Problem{Code: CodeNotFinal, What: "not final yet", Why: "it is kept here and will be sent when stewards are reachable", Next: "coop status", Err: err}
	case errors.Is(err, crdt.ErrDiskFull):
		return &home.Problem{Code: CodeDiskFull, What: "the disk is nearly full, so this cooperative stands still here", Why: err.Error(), Next: "free some space; it goes on by itself", Err: err}
	case errors.Is(err, node.ErrReplay), errors.Is(err, crdt.ErrDamaged):
		return &home.Problem{Code: CodeStore, What: "the data of this cooperative is damaged", Why: err.Error(), Next: "coop down; coop repo check; coop repo rebuild", Err: err}
	case errors.Is(err, node.ErrDisk), errors.Is(err, node.ErrClosed), errors.Is(err, crdt.ErrStopped):
		return &home.Problem{Code: CodeStopped, What: "this cooperative stopped here", Why: err.Error(), Next: "coop doctor", Err: err}
	case is(notPermitted):
		return &home.Problem{Code: CodeNotPermitted, What: err.Error(), Next: "coop status", Err: err}
	case is(notFound):
		return &home.Problem{Code: CodeNotFound, What: err.Error(), Next: "coop status", Err: err}
	}
	return &home.Problem{Code: CodeRefused, What: err.Error(), Next: "coop status", Err: err}
}

// usage is a request that makes no sense.
func usage(format string, args ...any) *home.Problem {
	return &home.Problem{Code: CodeUsage, What: fmt.Sprintf(format, args...), Next: "coop help"}
}
