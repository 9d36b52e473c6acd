package home

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/zalando/go-keyring"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/identity"
)

// The test program is also the second process of some tests.
func TestMain(m *testing.M) {
	switch os.Getenv("HOME_TEST_CHILD") {
	case "hold":
		holdLock(os.Getenv("HOME_TEST_DIR"))
	case "sign":
		signForEver(os.Getenv("HOME_TEST_DIR"))
	default:
		os.Exit(m.Run())
	}
}

// child starts this program again in another role, with pipes to talk.
func child(t *testing.T, role, dir string) (*exec.Cmd, io.WriteCloser, *bufio.Reader) {
	t.Helper()
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), "HOME_TEST_CHILD="+role, "HOME_TEST_DIR="+dir, "GORACE=atexit_sleep_ms=0")
	c.Stderr = os.Stderr
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Process.Kill(); c.Wait() })
	return c, in, bufio.NewReader(out)
}

func holdLock(dir string) {
	h, err := Open(At(dir))
	if err != nil {
		fmt.Println("failed:", err)
		return
	}
	fmt.Println("open")
	io.Copy(io.Discard, os.Stdin) // until the parent closes it
	h.Close()
}

func openKey(t *testing.T, dir string) *Home {
	t.Helper()
	h, err := Create(At(dir), New{Name: "Ana", Open: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	return h
}

func problem(t *testing.T, err error) *Problem {
	t.Helper()
	var p *Problem
	if !errors.As(err, &p) {
		t.Fatalf("not a problem with code and advice: %v", err)
	}
	return p
}

func wantCode(t *testing.T, err error, code Code) *Problem {
	t.Helper()
	p := problem(t, err)
	if p.Code != code || p.What == "" || p.Next == "" {
		t.Fatalf("got %s %q next %q, expected %s with advice", p.Code, p.What, p.Next, code)
	}
	return p
}

func TestOnlyOneProcessHasAHomeOpen(t *testing.T) {
	dir := t.TempDir()
	openKey(t, dir).Close()
	c, in, out := child(t, "hold", dir)
	if line, _ := out.ReadString('\n'); line != "open\n" {
		t.Fatalf("the other process says %q", line)
	}
	_, err := Open(At(dir))
	p := wantCode(t, err, CodeHomeInUse)
	if pid := fmt.Sprint(c.Process.Pid); !strings.Contains(p.Why, pid) {
		t.Errorf("%q does not name process %s", p.Why, pid)
	}
	if LockedBy(At(dir)) != c.Process.Pid {
		t.Errorf("locked by %d, not %d", LockedBy(At(dir)), c.Process.Pid)
	}
	if _, err := Look(At(dir)); err != nil {
		t.Errorf("looking needs no lock: %v", err)
	}
	in.Close()
	c.Wait()
	h, err := Open(At(dir))
	if err != nil {
		t.Fatalf("after the other ended: %v", err)
	}
	h.Close()
	if LockedBy(At(dir)) != 0 {
		t.Error("still locked")
	}
}

func TestAKilledProcessLeavesNoLock(t *testing.T) {
	dir := t.TempDir()
	openKey(t, dir).Close()
	c, _, out := child(t, "hold", dir)
	out.ReadString('\n')
	c.Process.Kill()
	c.Wait()
	h, err := Open(At(dir))
	if err != nil {
		t.Fatal(err)
	}
	h.Close()
}

func TestHomeFromFlagVariableAndXDG(t *testing.T) {
	base := t.TempDir()
	for name, sub := range map[string]string{"XDG_CONFIG_HOME": "c", "XDG_DATA_HOME": "d", "XDG_STATE_HOME": "s", "XDG_RUNTIME_DIR": "r"} {
		t.Setenv(name, filepath.Join(base, sub))
	}
	t.Setenv("COOP_HOME", "")
	p, err := Locate("")
	if err != nil {
		t.Fatal(err)
	}
	want := Paths{Config: base + "/c/coop", Keys: base + "/c/coop/keys", Data: base + "/d/coop", State: base + "/s/coop", Runtime: base + "/r/coop"}
	if p != want {
		t.Errorf("XDG: %+v", p)
	}
	t.Setenv("COOP_HOME", base+"/var")
	if p, _ := Locate(""); p.Config != base+"/var" {
		t.Errorf("COOP_HOME: %+v", p)
	}
	if p, _ := Locate(base + "/flag"); p.Config != base+"/flag" {
		t.Errorf("--home: %+v", p)
	}
	for _, p := range []Paths{want, At(base)} {
		if strings.HasPrefix(p.Keys+"/", p.Data+"/") {
			t.Errorf("the keys %s lie inside the data %s", p.Keys, p.Data)
		}
	}
}

func TestALongHomeStillHasASocket(t *testing.T) {
	p := At("/" + strings.Repeat("long/", 40))
	if n := len(p.Socket()); n > maxSocketPath {
		t.Errorf("%d bytes: %s", n, p.Socket())
	}
	if p.Socket() == At("/"+strings.Repeat("lang/", 40)).Socket() {
		t.Error("two homes share a socket")
	}
}

func TestVersionOfTheFutureIsRefused(t *testing.T) {
	dir := t.TempDir()
	if _, err := Open(At(dir)); problem(t, err).Code != CodeNoHome {
		t.Errorf("no home: %v", err)
	}
	openKey(t, dir).Close()
	for text, code := range map[string]Code{"2\n": CodeHomeFuture, "": CodeHomeBroken, "x": CodeHomeBroken, "0": CodeHomeBroken} {
		if err := os.WriteFile(At(dir).VersionFile(), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Open(At(dir))
		wantCode(t, err, code)
		_, err = Look(At(dir))
		wantCode(t, err, code)
	}
}

func TestCreateNeverTouchesAKey(t *testing.T) {
	dir := t.TempDir()
	openKey(t, dir).Close()
	before, _ := os.ReadFile(At(dir).KeyFile())
	_, err := Create(At(dir), New{Open: true})
	wantCode(t, err, CodeHomeExists)
	os.RemoveAll(At(dir).Data)
	_, err = Create(At(dir), New{Open: true})
	wantCode(t, err, CodeHomeExists)
	if after, _ := os.ReadFile(At(dir).KeyFile()); string(after) != string(before) {
		t.Error("the key changed")
	}
}

func TestCreateAfterAnInterruptedCreate(t *testing.T) {
	dir := t.TempDir()
	openKey(t, dir).Close()
	os.Remove(At(dir).KeyFile()) // the key is written last
	h, err := Create(At(dir), New{Open: true})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	g, err := OpenGuard(h.Paths, event.ID{}, h.Device)
	if err != nil || g.Observer() != nil {
		t.Fatalf("%v %v", err, g.Observer())
	}
	g.Close()
}

func TestPassphraseFromFileVariableAndKeyring(t *testing.T) {
	keyring.MockInit()
	dir := t.TempDir()
	file := filepath.Join(t.TempDir(), "pass")
	os.WriteFile(file, []byte("correct horse\n"), 0o600)
	h, err := Create(At(dir), New{Passphrase: Passphrase{File: file}, Keyring: true})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	if !h.NeedsPassphrase() {
		t.Error("the key lies open")
	}
	if _, err := h.Unlock(Passphrase{File: file}); err != nil {
		t.Errorf("file: %v", err)
	}
	if _, err := h.Unlock(Passphrase{}); err != nil {
		t.Errorf("keyring: %v", err)
	}
	t.Setenv("COOP_PASSPHRASE", "wrong")
	_, err = h.Unlock(Passphrase{})
	if wantCode(t, err, CodePassphrase); !errors.Is(err, identity.ErrPassphrase) {
		t.Errorf("variable: %v", err)
	}
	os.Unsetenv("COOP_PASSPHRASE")
	h.Config.Keyring = false
	_, err = h.Unlock(Passphrase{})
	if wantCode(t, err, CodeLocked); !errors.Is(err, ErrNoPassphrase) {
		t.Errorf("nobody to ask: %v", err)
	}
}

func TestAnEmptyPassphraseIsNoPassphrase(t *testing.T) {
	t.Setenv("COOP_PASSPHRASE", "")
	dir := t.TempDir()
	_, err := Create(At(dir), New{})
	if p := wantCode(t, err, CodePassphrase); !strings.Contains(p.Next, "--no-passphrase") {
		t.Error(p)
	}
	if _, err := os.Stat(At(dir).KeyFile()); err == nil {
		t.Error("a key was made")
	}
}

func TestConfigRefusesUnknownFields(t *testing.T) {
	dir := t.TempDir()
	openKey(t, dir).Close()
	os.WriteFile(At(dir).ConfigFile(), []byte(`{"name":"Ana","prot":4}`), 0o600)
	_, err := Look(At(dir))
	wantCode(t, err, CodeHomeBroken)
}

func TestCoopsComeGoAndComeBack(t *testing.T) {
	h := openKey(t, t.TempDir())
	genesis := founding(t)
	if err := h.AddCoop(genesis); err != nil {
		t.Fatal(err)
	}
	got, err := h.Genesis(genesis.ID)
	if err != nil || got.ID != genesis.ID {
		t.Fatal(err)
	}
	use := func() *Problem {
		g, err := OpenGuard(h.Paths, genesis.ID, h.Device)
		if err != nil {
			t.Fatal(err)
		}
		defer g.Close()
		g.Mark(Mark{Events: g.Marks().Events + 1})
		return g.Observer()
	}
	if p := use(); p != nil {
		t.Fatal(p)
	}
	if _, err := h.LeaveCoop(genesis.ID); err != nil {
		t.Fatal(err)
	}
	if all, err := h.Coops(); err != nil || len(all) != 0 {
		t.Fatalf("%v %v", all, err)
	}
	if err := h.AddCoop(genesis); err != nil {
		t.Fatal(err)
	}
	if all, err := h.Coops(); err != nil || len(all) != 1 || all[0] != genesis.ID {
		t.Fatalf("%v %v", all, err)
	}
	if p := use(); p != nil {
		t.Errorf("the data put aside did not come back: %v", p)
	}
}

func founding(t *testing.T) *event.Event {
	t.Helper()
	d, err := event.NewDraft(event.KindFound, struct {
		Name string `cbor:"name"`
	}{"Roof"})
	if err != nil {
		t.Fatal(err)
	}
	e, err := event.Seal(identity.KeyFromSeed([32]byte{1}), event.Slot{}, d)
	if err != nil {
		t.Fatal(err)
	}
	return e
}
