package bench

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/node"
)

// memoryDir tells the child of BenchmarkMemory where the history is.
const memoryDir = "COOP_BENCH_MEMORY"

// BenchmarkMemory is what a peer with a long history takes of the machine: a process of its own opens
// it, joins the network, and rests a little. Peak is the highest it ever took, while it read the
// history from disk.
func BenchmarkMemory(b *testing.B) {
	for b.Loop() {
		h := makeHistory(b, *loadEvents)
		frames := h.pages(b)
		dir := b.TempDir()
		h.copyTo(b, frames, filepath.Join(dir, "store"))
		if err := os.WriteFile(filepath.Join(dir, "genesis"), h.genesis.Raw, 0o600); err != nil {
			b.Fatal(err)
		}
		child := exec.Command(os.Args[0], "-test.run", "^TestMemoryChild$", "-test.v")
		child.Env = append(os.Environ(), memoryDir+"="+dir)
		out, err := child.CombinedOutput()
		if err != nil {
			b.Fatalf("%v\n%s", err, out)
		}
		b.ReportMetric(field(b, out, "VmRSS"), "MiB")
		b.ReportMetric(field(b, out, "VmHWM"), "peak-MiB")
		b.ReportMetric(field(b, out, "opened"), "ms-to-open")
	}
}

func field(b *testing.B, out []byte, name string) float64 {
	b.Helper()
	found := regexp.MustCompile(name + `:\s+(\d+)`).FindSubmatch(out)
	if found == nil {
		b.Fatalf("no %s in %s", name, out)
	}
	n, err := strconv.ParseFloat(string(found[1]), 64)
	if err != nil {
		b.Fatal(err)
	}
	if bytes.HasPrefix([]byte(name), []byte("Vm")) {
		return n / 1024
	}
	return n
}

// TestMemoryChild is the process that BenchmarkMemory looks at.
func TestMemoryChild(t *testing.T) {
	dir := os.Getenv(memoryDir)
	if dir == "" {
		return // nobody asks
	}
	raw, err := os.ReadFile(filepath.Join(dir, "genesis"))
	if err != nil {
		t.Fatal(err)
	}
	genesis, err := event.Open(raw)
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	p := start(t, genesis, keyOf('x', 9), node.Mark{}, filepath.Join(dir, "store"))
	s, err := p.node.Status(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	fmt.Printf("opened: %d\nevents: %d\n", time.Since(began).Milliseconds(), s.Events)
	time.Sleep(10 * time.Second)
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	fmt.Printf("%s\n", status)
}
