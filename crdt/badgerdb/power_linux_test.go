package badgerdb

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sustainy/coop/crdt"
)

// powerDisk is the size of the disk whose power is cut.
const powerDisk = 1 << 30

// TestPowerCut cuts the power of a writer's disk, again and again, and finds everything that was
// acknowledged and nothing half. The disk is a file: what its file system did not write back yet is
// not in a copy of it, as it would not be on a disk after the cut. What a real disk holds in a cache
// of its own, and loses in spite of a sync, is not covered.
func TestPowerCut(t *testing.T) {
	if !long() {
		t.Skip("SKIPPED: part of the long campaigns: COOP_LONG=1")
	}
	base := tempDir(t)
	disk, point := filepath.Join(base, "disk"), filepath.Join(base, "point")
	if err := os.Mkdir(point, 0o700); err != nil {
		t.Fatal(err)
	}
	makeDisk(t, disk)
	r := rand.New(rand.NewPCG(5, 6))
	var acked crdt.Count
	for cut := range times(2, 60) {
		if cut%10 == 9 { // or it fills up
			makeDisk(t, disk)
			acked = crdt.Count{}
		}
		mount(t, disk, point)
		next := disk + ".cut"
		if c := writeUntilCut(t, filepath.Join(point, "store"), func() { copyDisk(t, disk, next) }, r); c != (crdt.Count{}) {
			acked = c
		}
		unmount(t, point)
		if err := os.Rename(next, disk); err != nil {
			t.Fatal(err)
		}
		mount(t, disk, point) // replays the journal, as a start after a cut does
		if _, err := os.Stat(filepath.Join(point, "store")); err == nil || acked != (crdt.Count{}) {
			db := mustOpen(t, filepath.Join(point, "store"))
			got, err := crashContent(db)
			if err != nil {
				t.Fatalf("cut %d: %v", cut, err)
			}
			if got.Events < acked.Events || got.Rounds < acked.Rounds || got.Commits < acked.Commits {
				t.Fatalf("cut %d: acknowledged %+v, found %+v", cut, acked, got)
			}
			if r, err := db.Check(); err != nil {
				t.Fatalf("cut %d: %v %v", cut, err, r.Findings)
			}
			mustClose(t, db)
			acked = got
		}
		unmount(t, point)
	}
	t.Logf("nothing of %+v was lost", acked)
}

// writeUntilCut runs a writer, stops it at a random moment, calls cut, kills it, and returns what was
// acknowledged when it was stopped.
func writeUntilCut(t *testing.T, dir string, cut func(), r *rand.Rand) (acked crdt.Count) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	acks, err := os.Create(filepath.Join(t.TempDir(), "acks")) // on another disk
	if err != nil {
		t.Fatal(err)
	}
	defer acks.Close()
	child := exec.Command(self, "-test.run", "^$")
	child.Env = append(os.Environ(), childVariable+"="+dir)
	child.Stdout, child.Stderr = acks, os.Stderr
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Duration(100+r.IntN(1500)) * time.Millisecond) // any moment will do
	if err := child.Process.Signal(unix.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	for state := ""; !strings.HasPrefix(state, "T"); {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", child.Process.Pid))
		if err != nil {
			t.Fatal(err)
		}
		_, state, _ = strings.Cut(string(stat), ") ")
		if strings.HasPrefix(state, "Z") {
			t.Fatal("the writer ended by itself: ", child.Wait())
		}
	}
	told, err := os.ReadFile(acks.Name())
	if err != nil {
		t.Fatal(err)
	}
	cut()
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait() // it was killed
	told = told[:bytes.LastIndexByte(told, '\n')+1]
	for line := range strings.Lines(string(told)) {
		if _, err := fmt.Sscan(line, &acked.Events, &acked.Rounds, &acked.Commits); err != nil {
			t.Fatal(err)
		}
	}
	return acked
}

func makeDisk(t *testing.T, path string) {
	t.Helper()
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(path)
	if err == nil {
		err = f.Truncate(powerDisk)
	}
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mkfs.ext4", "-q", "-m", "0", path).CombinedOutput(); err != nil {
		t.Skipf("SKIPPED: cannot make a disk: %v %s", err, out)
	}
}

// mount needs root and loop devices.
func mount(t *testing.T, disk, point string) {
	t.Helper()
	if out, err := exec.Command("mount", "-o", "loop", disk, point).CombinedOutput(); err != nil {
		t.Skipf("SKIPPED: cannot mount a disk: %v %s", err, out)
	}
	t.Cleanup(func() { _ = exec.Command("umount", point).Run() }) // after a failure it is still mounted
}

func unmount(t *testing.T, point string) {
	t.Helper()
	if out, err := exec.Command("umount", point).CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
}

// copyDisk copies a disk as it is now, with its holes.
func copyDisk(t *testing.T, from, to string) {
	t.Helper()
	in, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	block, nothing := make([]byte, 1<<16), make([]byte, 1<<16)
	for at := int64(0); at < powerDisk; at += int64(len(block)) {
		if _, err := io.ReadFull(in, block); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(block, nothing) {
			if _, err := out.WriteAt(block, at); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := out.Truncate(powerDisk); err != nil {
		t.Fatal(err)
	}
}
