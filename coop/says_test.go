package coop

import (
	"strings"
	"testing"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/governance"
)

// TestEveryEventHasWords signs one of each kind that a member can sign and reads what it does.
func TestEveryEventHasWords(t *testing.T) {
	w := newWorld(t)
	for _, c := range []string{"found elm by=ann,bob charter=guild", "ann propose roof", "bob device phone"} {
		w.play(c)
	}
	for text, want := range map[string]string{
		"ann invite door uses=3 for=1d note=Hello": `invites up to 3 until 2026-01-02T00:00:00.000Z: "Hello"`,
		"ann uninvite door":                        "revokes the invite did:key:",
		"eve apply class=guest,friend":             `applies as "Eve" to be guest and friend`,
		"ann sponsor bob":                          "vouches for Bob",
		"ann vouch bob worker":                     "vouches for Bob as worker",
		"ann leave":                                "leaves the cooperative",
		"ann appeal":                               "appeals against",
		"ann ask worker":                           "asks to be in the class worker too",
		"ann drop worker":                          "leaves the class worker",
		"ann credit bob 250 note=Bread":            `credits purchases of 2.50 EUR to Bob: "Bread"`,
		"ann credit phone 250":                     `credits purchases of 2.50 EUR to Bob: ""`,
		"ann credit eve 250":                       `credits purchases of 2.50 EUR to did:key:`,
		"ann device tablet":                        "speak for Ann",
		"ann revoke tablet":                        "revokes the device did:key:",
		"ann guardians bob":                        "names as guardians Bob, of whom 1 must approve a new device",
		"ann guardians none needed=0":              "has no guardians any more",
		"ann back bob lost":                        "approves as a guardian that Bob speaks by the new device did:key:",
		"ann protest":                              "vetoes every recovery",
		"ann evidence bob":                         "proves that a device",
		"ann propose shed track=quick":             `proposes "Shed" on track quick`,
		"ann withdraw roof":                        `withdraws the proposal "Roof"`,
		"ann vote roof yes":                        `votes on "Roof": yes`,
		"ann delegate bob tag=energy":              "lets Bob vote for them on the tag energy",
		"ann delegate nobody":                      "lets nobody vote for them on everything",
		"ann undelegate track=quick":               "takes back what they delegated on the track quick",
		"ann confirm":                              "confirms what they delegated",
		"ann publish three example=majority":       `publishes the program "Three"`,
		"ann unpublish three":                      `withdraws the program ""`,
		"ann found":                                "founds the cooperative",
		"ann send lunch.order":                     "lunch.order",
	} {
		c := parse(t, text)
		if got := Says(w.state(), w.draft(c.word(0), c)); !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
	if got := Says(w.state(), event.Draft{Kind: "member.apply", Body: []byte{1}}); got != "member.apply" {
		t.Errorf("a body that makes no sense says %q", got)
	}
}

// TestDeedsHaveWords: a charter tells in words whatever its tracks may do.
func TestDeedsHaveWords(t *testing.T) {
	for _, track := range DefaultCharter().Tracks {
		for _, kind := range track.Actions {
			if governance.Deed(kind) == string(kind) {
				t.Errorf("%s has no words", kind)
			}
		}
	}
}
