package main

import (
	"errors"
	"testing"
	"time"

	"github.com/sustainy/coop/home"
)

// A disk that takes no more writes doesn't keep the daemon from ending.
func TestClosingEnds(t *testing.T) {
	never := make(chan struct{})
	defer close(never)
	err := closeWithin(time.Millisecond, func() error { <-never; return nil })
	var p *home.Problem
	if !errors.As(err, &p) || p.Code != home.CodeDisk || p.Next == "" {
		t.Errorf("%v", err)
	}
	failed := errors.New("failed")
	if err := closeWithin(time.Hour, func() error { return failed }); !errors.Is(err, failed) {
		t.Errorf("%v", err)
	}
}
