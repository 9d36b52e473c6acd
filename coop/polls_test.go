package coop

import (
	"strings"

	"github.com/sustainy/coop/governance"
)

// townhall is the parliament's charter with tracks that guard the life of a proposal in every way.
func townhall() governance.Charter {
	c := parliament()
	half := governance.Ratio{Num: 1, Den: 2}
	none := governance.Quorum{Kind: governance.QuorumNone, Share: governance.Ratio{Num: 0, Den: 1}}
	turnout := governance.Quorum{Kind: governance.QuorumTurnout, Share: half}
	majority := governance.Threshold{Share: half, Over: true}
	track := func(name string, method governance.Method, change func(*governance.Track)) {
		t := governance.Track{Name: name, Method: method, Quorum: none, Threshold: majority, Voting: hour, Revisable: true, Open: 2}
		change(&t)
		c.Tracks = append(c.Tracks, t)
	}
	houses := []governance.Chamber{{Class: "friend", Quorum: turnout, Threshold: majority}, {Class: "worker", Quorum: none, Threshold: governance.Threshold{Share: half}}}
	track("houses", governance.YesNo, func(t *governance.Track) { t.Chambers = houses })
	track("feast", governance.Approval, func(t *governance.Track) { t.Chambers = houses })
	track("harmony", governance.ByConsent, func(t *governance.Track) {
		t.Threshold = governance.Threshold{Share: governance.Ratio{Num: 1, Den: 1}}
		t.Chambers = []governance.Chamber{{Class: "friend", Quorum: turnout, Threshold: t.Threshold}}
	})
	track("confirmed", governance.YesNo, func(t *governance.Track) { t.AntiSniping = governance.AntiSniping{Rule: governance.Confirm, Window: hour / 3, Times: 2} })
	track("calm", governance.Approval, func(t *governance.Track) { t.AntiSniping = governance.AntiSniping{Rule: governance.Quiet, Window: hour / 3, Times: 2} })
	track("swift", governance.YesNo, func(t *governance.Track) {
		t.Early, t.Revisable, t.Quorum = true, false, governance.Quorum{Kind: governance.QuorumForOnly, Share: half}
	})
	track("vivid", governance.Schulze, func(t *governance.Track) {
		t.Early, t.Revisable, t.AntiSniping = true, false, governance.AntiSniping{Rule: governance.Quiet, Window: hour, Times: 1}
	})
	return c
}

// classesOf are the classes of a founder: classes="ann:friend+worker,bob:friend" names those of some.
func classesOf(c command, name, otherwise string) []string {
	for _, word := range c.list("classes") {
		if who, classes, _ := strings.Cut(word, ":"); who == name {
			return strings.Split(classes, "+")
		}
	}
	return []string{otherwise}
}
