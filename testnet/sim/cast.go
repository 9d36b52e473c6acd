package sim

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"sync"

	"github.com/sustainy/coop/commerce"
	"github.com/sustainy/coop/coop"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/finality"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/missions"
	"github.com/sustainy/coop/tokens"
)

// dawn is the true time at which every run begins.
const dawn event.Time = 1_800_000_000_000

// keyOf is the key of actor n: the same in every run, so that founding events can be shared.
func keyOf(n int) identity.Key {
	if key, ok := keys.Load(n); ok {
		return key.(identity.Key)
	}
	key := identity.KeyFromSeed(sha256.Sum256(binary.BigEndian.AppendUint64([]byte("coop/sim"), uint64(n))))
	keys.Store(n, key)
	return key
}

var keys sync.Map // of identity.Key by actor

// stage is what all runs with the same cast share. It is never changed.
type stage struct {
	genesis *event.Event
	epoch   finality.Epoch
}

// casting says which founding a plan needs.
type casting struct {
	stewards, founders       int
	delta0, tolerance, stall event.Time
}

var stages sync.Map // casting → *stage

// stageOf founds the cooperative of a plan.
func stageOf(p *Plan) *stage {
	c := casting{p.Stewards, p.Founders, p.Delta0, p.Tolerance, p.Stall}
	if s, ok := stages.Load(c); ok {
		return s.(*stage)
	}
	s, _ := stages.LoadOrStore(c, found(c))
	return s.(*stage)
}

func found(c casting) *stage {
	text := governance.Founding{
		Name: "Simulated", Purpose: "To be shaken until something falls out.", Currency: governance.Currency{Code: "EUR", Decimals: 2},
		Charter: charter(), Params: governance.Params{Delta0: c.delta0, Tolerance: c.tolerance, MinRound: 2, MaxRound: 150, Grace: 300, Stall: c.stall},
	}
	for i := range c.founders {
		text.Founders = append(text.Founders, governance.Founder{Key: keyOf(i).Public(), Name: fmt.Sprint("Founder ", i), Classes: []string{"member"}})
	}
	for i := range c.stewards {
		text.Stewards = append(text.Stewards, keyOf(i).Public())
	}
	body := governance.CoopFound{Text: text}
	for i := 1; i < c.founders; i++ {
		body.Consents = append(body.Consents, text.Consent(keyOf(i)))
	}
	draft, err := event.NewDraft(governance.KindCoopFound, body)
	if err != nil {
		panic("sim: invariant: a founding can be written: " + err.Error())
	}
	genesis, err := event.Seal(keyOf(0), event.Slot{At: dawn - 60_000}, draft)
	if err != nil {
		panic("sim: invariant: a founding can be sealed: " + err.Error())
	}
	state, err := coop.Genesis(genesis)
	if err != nil {
		panic("sim: invariant: a founding holds: " + err.Error())
	}
	return &stage{genesis, epochOf(&state)}
}

// epochOf is what the founding says of its stewards, as package node reads it.
func epochOf(s *coop.State) finality.Epoch {
	p := s.Hall.Params
	return finality.Epoch{Coop: s.Hall.Coop, Base: s.Hall.Coop, Stewards: s.Hall.Term.Keys(),
		Params: finality.Params{Delta0: p.Delta0, Tolerance: p.Tolerance, MinRound: p.MinRound, MaxRound: p.MaxRound}}
}

// charter has a class and a track for everything that members of a run try, with periods of seconds.
func charter() governance.Charter {
	half := governance.Ratio{Num: 1, Den: 2}
	none := governance.Quorum{Kind: governance.QuorumNone, Share: governance.Ratio{Num: 0, Den: 1}}
	majority := governance.Threshold{Share: half, Over: true}
	track := func(name string, method governance.Method, discussion, voting, grace event.Time, revisable bool, actions ...event.Kind) governance.Track {
		return governance.Track{Name: name, Method: method, Quorum: none, Threshold: majority, Discussion: discussion, Voting: voting,
			Grace: grace, Revisable: revisable, Open: 4, Actions: actions}
	}
	budget := track("budget", governance.BudgetGreedy, 0, 2000, 0, true, governance.KindBudgetAllocate)
	budget.Threshold = governance.Threshold{Share: governance.Ratio{Num: 1, Den: 10}}
	return governance.Charter{
		Classes: []governance.Class{
			{Name: "member", Admission: governance.AdmitSponsor, Sponsors: 1, Votes: true},
			{Name: "friend", Admission: governance.AdmitOpen},
			{Name: "invited", Admission: governance.AdmitSponsor, Sponsors: 1, Votes: true, Invite: true},
			{Name: "elected", Admission: governance.AdmitVote, Votes: true},
		},
		Tracks: []governance.Track{
			track("quick", governance.YesNo, 0, 1500, 200, true, governance.KindMemberAdmit),
			track("once", governance.YesNo, 300, 2500, 0, false),
			track("choice", governance.Approval, 0, 2000, 0, true),
			budget,
			track("money", governance.YesNo, 0, 1000, 0, true, tokens.KindIssue, tokens.KindCreate, commerce.KindElement, missions.KindList),
			track("board", governance.YesNo, 0, 700, 0, true, governance.KindStewardAppoint, governance.KindDeviceRestore),
		},
		Office: governance.Office{Notice: 200, Patience: 60_000},
		Limits: governance.Limits{Daily: 1000, Text: 1000, Statement: 1000, Reason: 200, Candidates: 20},
	}
}
