package main

import (
	"bufio"
	"fmt"
	"os"
	"os/user"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/sustainy/coop/daemon"
	"github.com/sustainy/coop/home"
	"github.com/sustainy/coop/p2p"
)

// passFlags say where a passphrase comes from.
type passFlags struct{ file string }

func (f *passFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.file, "passphrase-file", "", "read the key's passphrase from this file")
}

// source is where to look for the passphrase; a person on a terminal is asked.
func (a *app) source(f passFlags) home.Passphrase {
	p := home.Passphrase{File: f.file, Say: a.err}
	if term.IsTerminal(int(a.in.Fd())) {
		p.Ask = a.in
	}
	return p
}

func (a *app) initCommand() *cobra.Command {
	var pass passFlags
	var o struct {
		name                                         string
		open, keyring, private, loopback, relay, dht bool
		port                                         int
		listen                                       []string
	}
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Make a home on this computer, with a key of its own",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			paths, err := home.Locate(a.homeFlag)
			if err != nil {
				return err
			}
			n := home.New{Name: o.name, Open: o.open, Keyring: o.keyring, Passphrase: a.source(pass)}
			if n.Name == "" {
				n.Name = a.askName()
			}
			h, err := home.Create(paths, n)
			if err != nil {
				return err
			}
			defer h.Close()
			c := &h.Config
			c.Port, c.Listen, c.Quiet, c.Relay, c.DHT = o.port, o.listen, o.private, o.relay, o.dht
			if o.loopback {
				c.Listen, c.Quiet = daemon.Loopback, true
			}
			if err := h.SaveConfig(); err != nil {
				return err
			}
			return a.made(h, o.open)
		},
	}
	pass.add(cmd)
	f := cmd.Flags()
	f.StringVar(&o.name, "name", "", "how you want to be called (default: your user name)")
	f.BoolVar(&o.open, "no-passphrase", false, "leave the key open: whoever can read its file can vote for you")
	f.BoolVar(&o.keyring, "keyring", false, "keep the passphrase in the keyring of the operating system")
	f.IntVar(&o.port, "port", daemon.DefaultPort, "port for TCP and QUIC; 0: a free one, chosen at the first start and kept")
	f.StringArrayVar(&o.listen, "listen", nil, "address to listen on, such as /ip4/0.0.0.0/tcp/{port}; may be repeated")
	f.BoolVar(&o.private, "private", false, "don't announce on the local network, and don't ask the router for a port")
	f.BoolVar(&o.loopback, "loopback", false, "speak with this computer alone, for trying things out")
	f.BoolVar(&o.relay, "relay", false, "carry traffic for members who can't reach each other")
	f.BoolVar(&o.dht, "dht", false, "find members through tables that members keep for each other, in large cooperatives")
	return cmd
}

// askName asks a person for a name and takes the user's otherwise.
func (a *app) askName() string {
	name := "member"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	if !term.IsTerminal(int(a.in.Fd())) {
		return name
	}
	fmt.Fprintf(a.err, "Your name, as the others will see it [%s]: ", name)
	line, err := bufio.NewReader(a.in).ReadString('\n')
	if given := strings.TrimSpace(line); err == nil && given != "" {
		return given
	}
	return name
}

// made tells about a new home.
func (a *app) made(h *home.Home, open bool) error {
	if open {
		a.say("The key has no passphrase: whoever can read %s can vote for you.", h.Paths.KeyFile())
	}
	a.say("Back up %s apart from your data, and never use it on two computers. Next: coop up", h.Paths.Keys)
	id, err := p2p.PeerID(h.Device)
	if err != nil {
		return err
	}
	value := identityView{Device: h.Device.String(), PeerID: id.String(), Name: h.Config.Name, Home: h.Paths.Data, Keys: h.Paths.Keys}
	return a.show(value, value.Device, field{"device", value.Device}, field{"name", value.Name}, field{"data", value.Home}, field{"keys", value.Keys})
}

// identityView is who this home is.
type identityView struct {
	Device string   `json:"device"` // did:key
	PeerID string   `json:"peer_id"`
	Name   string   `json:"name"`
	Home   string   `json:"home"`
	Keys   string   `json:"keys"`
	Addrs  []string `json:"addrs"` // empty while the daemon doesn't run
}

func (a *app) idCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "id",
		Short: "Show this device's key and addresses",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			h, client, err := a.look()
			if err != nil {
				return err
			}
			id, err := p2p.PeerID(h.Device)
			if err != nil {
				return err
			}
			v := identityView{Device: h.Device.String(), PeerID: id.String(), Name: h.Config.Name, Home: h.Paths.Data, Keys: h.Paths.Keys, Addrs: []string{}}
			var s daemon.Status
			if client.Get(cmd.Context(), "/v1/status", &s) == nil {
				v.Addrs = s.Addrs
			}
			return a.show(v, v.Device, field{"device", v.Device}, field{"peer id", v.PeerID}, field{"name", v.Name},
				field{"data", v.Home}, field{"keys", v.Keys}, field{"addresses", strings.Join(v.Addrs, "\n")})
		},
	}
}

// look finds the home and its daemon, without asking either anything.
func (a *app) look() (*home.Home, *daemon.Client, error) {
	paths, err := home.Locate(a.homeFlag)
	if err != nil {
		return nil, nil, err
	}
	h, err := home.Look(paths)
	if err != nil {
		return nil, nil, err
	}
	client := daemon.Dial(paths)
	client.Notice = a.notice
	return h, client, nil
}

// notice says once what the person should know of the answers of a command.
func (a *app) notice(text string) {
	if a.noticed == "" {
		a.noticed = text
		a.say("note: %s", text)
	}
}

// client is the daemon of the home.
func (a *app) client() (*daemon.Client, error) {
	_, c, err := a.look()
	return c, err
}

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Show the version of this program",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			v := struct {
				Version  string `json:"version"`
				Platform string `json:"platform"`
				Go       string `json:"go"`
			}{daemon.Version, home.Platform(), goVersion()}
			return a.show(v, v.Version, field{"version", v.Version}, field{"platform", v.Platform}, field{"go", v.Go})
		},
	}
}

func executable() (string, error) {
	path, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("cannot find this program on disk: %w", err)
	}
	return path, nil
}
