package home

import "fmt"

// Code is a stable name of a kind of problem, for programs; it never changes once published.
type Code string

// Codes of this package. Others add their own beside the problem they tell of.
const (
	CodeNoHome     Code = "E-NO-HOME"
	CodeHomeExists Code = "E-HOME-EXISTS"
	CodeHomeInUse  Code = "E-HOME-IN-USE"
	CodeHomeFuture Code = "E-HOME-FUTURE"
	CodeHomeBroken Code = "E-HOME-BROKEN"
	CodeLocked     Code = "E-LOCKED"
	CodePassphrase Code = "E-PASSPHRASE"
	CodeNoKey      Code = "E-NO-KEY"
	CodeObserver   Code = "E-OBSERVER"
	CodeDisk       Code = "E-DISK"
)

// Problem is an error as people need it: what happened, why, and what to type next.
type Problem struct {
	Code Code   `json:"code"`
	What string `json:"error"`
	Why  string `json:"why,omitempty"`
	Next string `json:"next,omitempty"` // a command, or a sentence with one
	Err  error  `json:"-"`              // what lies beneath, for errors.Is
}

// Error is all of it in one paragraph.
func (p *Problem) Error() string {
	text := p.What
	if p.Why != "" {
		text += ": " + p.Why
	}
	if p.Next != "" {
		text += ". Next: " + p.Next
	}
	return text
}

// Unwrap gives what lies beneath.
func (p *Problem) Unwrap() error { return p.Err }

// disk tells of a failed call to the file system.
func disk(doing string, err error) *Problem {
	return &Problem{Code: CodeDisk, What: "cannot " + doing, Why: err.Error(), Err: err,
		Next: "look at the disk's free space and permissions, then try again"}
}

func broken(path, why string) *Problem {
	return &Problem{Code: CodeHomeBroken, What: fmt.Sprintf("%s cannot be used", path), Why: why,
		Next: "restore this file from a backup, or move it aside and run the command again"}
}
