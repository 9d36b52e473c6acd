package testnet

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sustainy/coop/daemon"
	"github.com/sustainy/coop/home"
)

// stopPatience is how long a node may take to end when asked.
const stopPatience = 15 * time.Second

// child is a node's process that this process started.
type child struct {
	cmd   *exec.Cmd
	ended chan error // its end, then closed
}

// startAll starts every node at once and lets them meet.
func (n *Net) startAll(ctx context.Context) error {
	for i := range n.Nodes {
		if err := n.spawn(&n.Nodes[i]); err != nil {
			return err
		}
	}
	group, waiting := errgroup.WithContext(ctx)
	for i := range n.Nodes {
		group.Go(func() error { return n.answer(waiting, &n.Nodes[i]) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	if err := n.save(); err != nil {
		return err
	}
	for i := range n.Nodes {
		if err := n.introduce(ctx, &n.Nodes[i]); err != nil {
			return err
		}
	}
	return n.connected(ctx)
}

// spawn starts a node's daemon. Attached nodes die with us, others live on in a session of their own.
func (n *Net) spawn(node *Node) error {
	log, err := os.OpenFile(filepath.Join(node.Home, "node.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("cannot write the log of %s: %w", node.Name, err)
	}
	defer log.Close()
	cmd := exec.Command(n.Binary, "--home", node.Home, "daemon", "--testnet")
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: !n.attached}
	if n.attached {
		dieWithParent(cmd.SysProcAttr)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("cannot start %s: %w", node.Name, err)
	}
	c := &child{cmd: cmd, ended: make(chan error, 1)}
	go func() {
		c.ended <- cmd.Wait()
		close(c.ended)
	}()
	n.children[node.Name] = c
	return nil
}

// answer waits until a node's daemon answers, and notes its address.
func (n *Net) answer(ctx context.Context, node *Node) error {
	var ended <-chan error
	if c := n.children[node.Name]; c != nil {
		ended = c.ended
	}
	client := node.Client()
	if err := client.Await(ctx, ended); err != nil {
		return fmt.Errorf("%s did not start: %w; it said: %s", node.Name, err, node.lastWords())
	}
	var s daemon.Status
	if err := client.Get(ctx, "/v1/status", &s); err != nil {
		return err
	}
	if len(s.Addrs) == 0 {
		return fmt.Errorf("%s listens nowhere", node.Name)
	}
	node.Addr = s.Addrs[0]
	return n.opened(ctx, node)
}

// lastWords is the end of a node's log.
func (node *Node) lastWords() string {
	const most = 2000
	text, err := os.ReadFile(filepath.Join(node.Home, "node.log"))
	if err != nil || len(text) == 0 {
		return "nothing"
	}
	return string(bytes.TrimSpace(text[max(0, len(text)-most):]))
}

// opened waits until a node has read the cooperative from its disk.
func (n *Net) opened(ctx context.Context, node *Node) error {
	for {
		s, err := n.Status(ctx, node)
		if err != nil {
			return fmt.Errorf("%s: %w", node.Name, err)
		}
		if s.Problem != nil {
			return fmt.Errorf("%s: %w", node.Name, s.Problem)
		}
		if !s.Opening {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s is still reading its disk: %w", node.Name, ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// introduce tells a node where the others are; it remembers.
func (n *Net) introduce(ctx context.Context, node *Node) error {
	join := daemon.Join{Genesis: n.genesis.Raw}
	for i := range n.Nodes {
		if other := &n.Nodes[i]; other.Name != node.Name && len(join.Addrs) < daemon.MaxAddrs {
			join.Addrs = append(join.Addrs, other.Addr)
		}
	}
	return node.Client().Post(ctx, "/v1/join", join, nil)
}

// connected waits until every node sees every other, or daemon.MaxAddrs of them.
func (n *Net) connected(ctx context.Context) error {
	wanted := min(len(n.Nodes)-1, daemon.MaxAddrs)
	for i := range n.Nodes {
		for {
			s, err := n.Status(ctx, &n.Nodes[i])
			if err != nil {
				return err
			}
			if s.Peers >= wanted {
				break
			}
			select {
			case <-ctx.Done():
				return fmt.Errorf("%s sees only %d of %d others: %w", n.Nodes[i].Name, s.Peers, wanted, ctx.Err())
			case <-time.After(20 * time.Millisecond):
			}
		}
	}
	return nil
}

// Status is how the testnet's cooperative does at a node.
func (n *Net) Status(ctx context.Context, node *Node) (daemon.CoopStatus, error) {
	var s daemon.CoopStatus
	err := node.Client().Get(ctx, daemon.Path("coops", n.Coop.String()), &s)
	return s, err
}

// PID is the process of a node, 0 if it doesn't run.
func (node *Node) PID() int { return home.LockedBy(home.At(node.Home)) }

// Kill ends a node at once, as a power cut would.
func (n *Net) Kill(node *Node) error { return n.end(node, syscall.SIGKILL) }

// Stop asks a node to end.
func (n *Net) Stop(node *Node) error { return n.end(node, syscall.SIGTERM) }

func (n *Net) end(node *Node, signal syscall.Signal) error {
	pid := node.PID()
	if pid == 0 {
		return nil
	}
	if err := syscall.Kill(pid, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("cannot end %s (process %d): %w", node.Name, pid, err)
	}
	end := time.Now().Add(stopPatience)
	for node.PID() == pid {
		if time.Now().After(end) {
			return fmt.Errorf("%s (process %d) does not end", node.Name, pid)
		}
		time.Sleep(10 * time.Millisecond)
	}
	if c := n.children[node.Name]; c != nil {
		for range c.ended { // until it is reaped
		}
		delete(n.children, node.Name)
	}
	return nil
}

// Restart starts a node again, after ending it if it runs.
func (n *Net) Restart(ctx context.Context, node *Node) error {
	if err := n.Stop(node); err != nil {
		return err
	}
	if err := n.spawn(node); err != nil {
		return err
	}
	return n.answer(ctx, node)
}

// Partition lets only the nodes of a group reach each other. Nodes that stand in no group are one
// more.
func (n *Net) Partition(ctx context.Context, groups [][]string) error {
	of := map[string]int{}
	for i, group := range groups {
		for _, name := range group {
			if _, err := n.Find(name); err != nil {
				return err
			}
			if _, twice := of[name]; twice {
				return fmt.Errorf("%s stands in two groups", name)
			}
			of[name] = i + 1
		}
	}
	for i := range n.Nodes {
		var b daemon.Block
		for j := range n.Nodes {
			if of[n.Nodes[i].Name] != of[n.Nodes[j].Name] {
				b.Peers = append(b.Peers, n.Nodes[j].Device)
			}
		}
		if n.Nodes[i].PID() == 0 {
			continue
		}
		if err := n.Nodes[i].Client().Post(ctx, "/v1/testnet/block", b, nil); err != nil {
			return fmt.Errorf("%s: %w", n.Nodes[i].Name, err)
		}
	}
	return nil
}

// Heal ends every partition.
func (n *Net) Heal(ctx context.Context) error { return n.Partition(ctx, nil) }

// Down ends every node and removes the testnet's directory.
func (n *Net) Down(context.Context) error {
	var errs []error
	for i := range n.Nodes {
		errs = append(errs, n.Stop(&n.Nodes[i]))
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	if err := os.RemoveAll(n.Dir); err != nil {
		return fmt.Errorf("the nodes ended, but their files cannot be removed: %w", err)
	}
	return nil
}
