package main

import (
	"context"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sustainy/coop/testnet"
)

// testnetCommand runs many real peers on this machine, for developers and the curious.
func (a *app) testnetCommand() *cobra.Command {
	var dir string
	cmd := &cobra.Command{Use: "testnet", Short: "Many real peers on this machine, in processes of their own",
		Long: "Many real peers on this machine, each a daemon with a home of its own. No container and no rights are needed.\n" +
			"Nodes are called n1, n2, …; their keys come from --seed.", Args: cobra.NoArgs}
	cmd.PersistentFlags().StringVar(&dir, "dir", ".testnet", "directory of the testnet")
	load := func() (*testnet.Net, error) { return testnet.Load(dir) }
	cmd.AddCommand(a.testnetUp(&dir), a.testnetStatus(load), a.testnetExec(load), a.testnetPartition(load),
		a.onNodes(load, "heal", "Let every node reach every other again", 0, func(ctx context.Context, n *testnet.Net, _ *testnet.Node) error { return n.Heal(ctx) }),
		a.onNodes(load, "kill NODE", "End a node at once, as a power cut would", 1, func(_ context.Context, n *testnet.Net, node *testnet.Node) error { return n.Kill(node) }),
		a.onNodes(load, "restart NODE", "Start a node again, ending it first if it runs", 1, func(ctx context.Context, n *testnet.Net, node *testnet.Node) error { return n.Restart(ctx, node) }),
		a.onNodes(load, "down", "End every node and remove the testnet", 0, func(ctx context.Context, n *testnet.Net, _ *testnet.Node) error { return n.Down(ctx) }))
	return cmd
}

func (a *app) testnetUp(dir *string) *cobra.Command {
	o := testnet.Options{}
	cmd := &cobra.Command{Use: "up", Short: "Start a testnet", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		o.Dir = *dir
		began := time.Now()
		n, err := testnet.Up(cmd.Context(), o)
		if err != nil {
			return err
		}
		a.say("%d nodes are up and see each other after %s. Try: coop testnet exec n1 -- status", len(n.Nodes), time.Since(began).Round(10*time.Millisecond))
		return a.printNodes(cmd.Context(), n)
	}}
	cmd.Flags().IntVar(&o.Nodes, "nodes", 5, "how many nodes")
	cmd.Flags().IntVar(&o.Stewards, "stewards", 0, "how many of them are stewards (default: the largest of 1, 4, 7, 10, 13 that fits)")
	cmd.Flags().DurationVar(&o.Voting, "voting", time.Minute, "how long votes last")
	cmd.Flags().StringVar(&o.Seed, "seed", "1", "of the nodes' keys")
	return cmd
}

// nodeLine is one node as it is shown.
type nodeLine struct {
	testnet.Node
	PID     int    `json:"pid"` // 0: it doesn't run
	Commits uint64 `json:"commits"`
	Events  uint64 `json:"events"`
	Pending int    `json:"pending"`
	Peers   int    `json:"peers"`
	Root    string `json:"root"`
}

func (a *app) printNodes(ctx context.Context, n *testnet.Net) error {
	var lines []nodeLine
	for i := range n.Nodes {
		line := nodeLine{Node: n.Nodes[i], PID: n.Nodes[i].PID()}
		if line.PID != 0 {
			s, err := n.Status(ctx, &n.Nodes[i])
			if err != nil {
				return fmt.Errorf("%s: %w", line.Name, err)
			}
			line.Commits, line.Events, line.Pending, line.Peers, line.Root = s.Commits, s.Events, s.Pending, s.Peers, s.Root
		}
		lines = append(lines, line)
	}
	return list(a, lines, func(l nodeLine) string { return l.Name },
		column[nodeLine]{name: "node", text: func(l nodeLine) string { return l.Name }},
		column[nodeLine]{name: "role", text: func(l nodeLine) string { return l.Role }},
		column[nodeLine]{name: "process", text: func(l nodeLine) string {
			if l.PID == 0 {
				return "down"
			}
			return strconv.Itoa(l.PID)
		}},
		column[nodeLine]{name: "peers", text: func(l nodeLine) string { return strconv.Itoa(l.Peers) }},
		column[nodeLine]{name: "events", text: func(l nodeLine) string { return strconv.FormatUint(l.Events, 10) }},
		column[nodeLine]{name: "pending", text: func(l nodeLine) string { return strconv.Itoa(l.Pending) }},
		column[nodeLine]{name: "root", text: func(l nodeLine) string { return l.Root[:min(8, len(l.Root))] }, plain: func(l nodeLine) string { return l.Root }},
		column[nodeLine]{name: "address", text: func(l nodeLine) string { return l.Addr }},
		column[nodeLine]{name: "home", text: func(l nodeLine) string { return l.Home }})
}

func (a *app) testnetStatus(load func() (*testnet.Net, error)) *cobra.Command {
	return &cobra.Command{Use: "status", Short: "How every node does", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		n, err := load()
		if err != nil {
			return err
		}
		return a.printNodes(cmd.Context(), n)
	}}
}

func (a *app) testnetExec(load func() (*testnet.Net, error)) *cobra.Command {
	return &cobra.Command{Use: "exec NODE -- COMMAND…", Short: "Run a coop command as a node", Example: "  coop testnet exec n1 -- proposal list",
		Args: cobra.MinimumNArgs(2), RunE: func(cmd *cobra.Command, args []string) error {
			n, err := load()
			if err != nil {
				return err
			}
			node, err := n.Find(args[0])
			if err != nil {
				return err
			}
			run := exec.CommandContext(cmd.Context(), n.Binary, append([]string{"--home", node.Home}, args[1:]...)...)
			run.Stdin, run.Stdout, run.Stderr = a.in, a.out, a.err
			if err := run.Run(); err != nil {
				if run.ProcessState != nil {
					return told{run.ProcessState.ExitCode()} // it has said why
				}
				return fmt.Errorf("cannot run %s: %w", n.Binary, err)
			}
			return nil
		}}
}

func (a *app) testnetPartition(load func() (*testnet.Net, error)) *cobra.Command {
	return &cobra.Command{Use: "partition GROUPS", Short: "Let only the nodes of a group reach each other",
		Long:    "Let only the nodes of a group reach each other. Groups are separated by |, their nodes by commas; nodes in no group are one more.",
		Example: "  coop testnet partition 'n1,n2|n3,n4,n5'", Args: cobra.ExactArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
			n, err := load()
			if err != nil {
				return err
			}
			var groups [][]string
			for _, group := range strings.Split(args[0], "|") {
				groups = append(groups, strings.FieldsFunc(group, func(r rune) bool { return r == ',' || r == ' ' }))
			}
			return n.Partition(cmd.Context(), groups)
		}}
}

// onNodes is a command that does something to the testnet, or to one node of it.
func (a *app) onNodes(load func() (*testnet.Net, error), use, short string, args int, do func(context.Context, *testnet.Net, *testnet.Node) error) *cobra.Command {
	return &cobra.Command{Use: use, Short: short, Args: cobra.ExactArgs(args), RunE: func(cmd *cobra.Command, names []string) error {
		n, err := load()
		if err != nil {
			return err
		}
		var node *testnet.Node
		if args == 1 {
			if node, err = n.Find(names[0]); err != nil {
				return err
			}
		}
		return do(cmd.Context(), n, node)
	}}
}
