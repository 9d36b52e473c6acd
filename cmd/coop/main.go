// Command coop is a cooperative's software for one member: the daemon that takes part, and the words
// with which its owner speaks to it.
//
// Its one idea: the words become drafts here, and a daemon on the other side of a socket signs,
// keeps and sends them. Every command can be used by a person (tables, relative times, sentences)
// and by a program (tab-separated values when piped, --json, --jq, --quiet), and the two are told
// apart by whether the output is a terminal. Data goes to the standard output, everything else to
// the standard error. An error says what happened, why, and the next command.
//
// Exit codes: 0 done, 1 failed, 2 wrong usage, 3 the daemon does not run, 4 the key is locked, 5 not
// permitted, 6 not found, 7 not final yet.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/sustainy/coop/daemon"
	"github.com/sustainy/coop/home"
)

func main() { os.Exit(run(os.Args[1:])) }

// run is the program with its arguments; it returns the exit code.
func run(args []string) int {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	a := newApp()
	root := a.root()
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return 0
	}
	return a.fail(cmd, err)
}

// The exit codes.
const (
	exitFailed       = 1
	exitUsage        = 2
	exitNotRunning   = 3
	exitLocked       = 4
	exitNotPermitted = 5
	exitNotFound     = 6
	exitNotFinal     = 7
)

var exits = map[home.Code]int{
	daemon.CodeUsage:        exitUsage,
	daemon.CodeBadLink:      exitUsage,
	daemon.CodeAmbiguous:    exitUsage,
	daemon.CodeNotRunning:   exitNotRunning,
	home.CodeLocked:         exitLocked,
	home.CodePassphrase:     exitLocked,
	daemon.CodeNotPermitted: exitNotPermitted,
	home.CodeObserver:       exitNotPermitted,
	daemon.CodeNotFound:     exitNotFound,
	daemon.CodeNotFinal:     exitNotFinal,
}

// told is an error that needs no further words, only its exit code.
type told struct{ code int }

func (t told) Error() string { return fmt.Sprintf("exit %d", t.code) }

// fail tells of an error: as three lines to a person, as one JSON object to a program.
func (a *app) fail(cmd *cobra.Command, err error) int {
	var t told
	if errors.As(err, &t) {
		return t.code
	}
	var p *home.Problem
	if !errors.As(err, &p) {
		p = &home.Problem{Code: daemon.CodeInternal, What: err.Error(), Next: "coop doctor"}
		if cmd != nil && (errors.Is(err, errUsage) || isUsage(err)) {
			p = &home.Problem{Code: daemon.CodeUsage, What: err.Error(), Why: "it is used like this: " + cmd.UseLine()}
		}
	}
	if cmd != nil && p.Code == daemon.CodeUsage && (p.Next == "" || p.Next == "coop help") {
		asked := *p
		asked.Next = cmd.CommandPath() + " --help"
		p = &asked
	}
	if a.json.set {
		if text, err := json.Marshal(p); err == nil {
			fmt.Fprintf(a.err, "%s\n", text)
		}
	} else {
		fmt.Fprintf(a.err, "%s %s\n", a.paint(red, "coop:"), p.What)
		if p.Why != "" {
			fmt.Fprintf(a.err, "  why:  %s\n", p.Why)
		}
		if p.Next != "" {
			fmt.Fprintf(a.err, "  next: %s\n", p.Next)
		}
	}
	if code, known := exits[p.Code]; known {
		return code
	}
	return exitFailed
}

// errUsage marks errors about how a command was written.
var errUsage = errors.New("wrong usage")

func usagef(format string, args ...any) error {
	return &home.Problem{Code: daemon.CodeUsage, What: fmt.Sprintf(format, args...), Next: "coop help", Err: errUsage}
}

// isUsage knows the errors of the command line library, which have no type.
func isUsage(err error) bool {
	for _, words := range []string{"unknown command", "unknown flag", "unknown shorthand", "accepts ", "requires ", "invalid argument", "flag needs", "required flag", "bad flag", "if any flags in the group"} {
		if strings.Contains(err.Error(), words) {
			return true
		}
	}
	return false
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "coop",
		Short: "Run and govern a cooperative, with no server but its members' computers",
		Long: `coop is a cooperative's software for one member: the members found it, admit each other, propose,
vote and carry out what they decided, and no computer but their own takes part.

First steps:   coop init    coop up    coop found NAME    coop invite    (or: coop join LINK)`,
		SilenceUsage: true, SilenceErrors: true, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	f := root.PersistentFlags()
	f.StringVar(&a.homeFlag, "home", "", "directory of the home (default: COOP_HOME, then XDG directories)")
	f.StringVar(&a.coop, "coop", "-", "which cooperative, if there are several: name, id, or the beginning or end of its id")
	f.Lookup("coop").DefValue = "" // that of the only one there is, which needs no words
	f.Var(&a.json, "json", "JSON; with =FIELDS only these, separated by commas")
	f.Lookup("json").NoOptDefVal = allFields
	f.StringVar(&a.jq, "jq", "", "filter the JSON with a jq expression")
	f.BoolVar(&a.quiet, "quiet", false, "only ids")
	root.AddCommand(
		a.initCommand(), a.upCommand(), a.downCommand(), a.daemonCommand(), a.statusCommand(), a.idCommand(), a.doctorCommand(),
		a.foundCommand(), a.inviteCommand(), a.joinCommand(), a.leaveCommand(), a.memberCommand(), a.deviceCommand(), a.recoverCommand(), a.patronageCommand(), a.stewardCommand(), a.refoundCommand(), a.charterCommand(),
		a.proposeCommand(), a.proposalCommand(), a.voteCommand(), a.delegateCommand(), a.programCommand(), a.juryCommand(), a.eventsCommand(),
		a.fileCommand(), a.ledgerCommand(), a.tokenCommand(), a.marketCommand(), a.statementCommand(),
		a.missionCommand(), a.pledgeCommand(), a.submitCommand(), a.revealCommand(), a.workConsentCommand(), a.withdrawCommand(), a.awardCommand(), a.forecastCommand(), a.standingCommand(),
		a.elementCommand(), a.productCommand(), a.bundleCommand(), a.buyCommand(), a.receiptCommand(), a.claimCommand(), a.surplusCommand(),
		a.exportCommand(), a.verifyCommand(), a.importCommand(), a.repoCommand(), a.testnetCommand(), a.demoCommand(), a.tallyCommand(), a.versionCommand(),
	)
	addExamples(root)
	root.SetOut(a.out)
	root.SetErr(a.err)
	return root
}
