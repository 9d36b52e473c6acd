package coop

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/fold"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/table"
	"github.com/sustainy/coop/tokens"
)

// lively is a world in which every table has rows.
func lively(t testing.TB) *world {
	w := newWorld(t)
	for _, c := range []string{"found elm by=ann,bob charter=entire stewards=ann", "ann invite door", "eve apply class=friend invite=door", "ann device phone",
		"ann guardians bob", "bob back ann lostann", "bob ask worker", "ann ask shop", "ann propose shop track=heart seat=ann:shop credit=eve:500", "ann vote shop yes",
		"ann delegate bob track=quick", `ann publish no source="vote.no('always')" settings=a:b watches=bob`,
		"ann delegate program:no tag=well", "bob propose well track=quick tags=well", "ann propose panel track=quick jury=prize:1:1", "bob vote panel yes",
		"ann propose paint track=quick allocate=0:500:Paint", "bob vote paint yes reason=Nice", "ann propose till track=guarded", "ann vote till yes",
		"bob stand", "ann propose board track=quick appoint=bob", "bob vote board yes", "wait 61m", "bob ready bob-1",
		"bob veto till reason=Dear", "gus apply class=guest", "gus exit till", "bob propose roof tags=house", "wait 1h",
		"ann propose feast track=party options=Soup,Wine", "ann vote feast approve=1",
		"bob propose site track=ranked options=Hill,Lake", `bob vote site rank="1>0=2"`, "ann propose play track=squares options=Net,Swing",
		"ann vote play points=1,3", "bob delegate ann tag=paint until=9d", "bob delegate nobody", "ann propose paint track=rating options=Blue,Red", "ann vote paint scores=5,2"} {
		w.play(c)
	}
	return w
}

// TestRootCoversEverything changes every field of the state and of every kind of record, one at a
// time, and expects another root each time.
func TestRootCoversEverything(t *testing.T) {
	s := lively(t).state().Copy()
	s.Hall.Undrawn.Set(governance.Panel{Name: "prize"}, struct{}{})
	again := s.Copy()
	if Root(&again) != Root(&s) {
		t.Fatal("a copy has another root")
	}
	checkRoom(t, &s, "hall")
}

// checkRoom changes everything in a room.
func checkRoom(t *testing.T, s *State, name string) {
	t.Helper()
	part := func(s *State) room {
		for _, r := range s.rooms(&governance.Frozen{}) {
			if r.name == name {
				return r
			}
		}
		panic("no such room")
	}
	root, parts := Root(s), part(s)
	for i := range reflect.ValueOf(parts.facts).Elem().NumField() {
		changed := s.Copy()
		field := reflect.ValueOf(part(&changed).facts).Elem()
		bump(t, field.Field(i))
		if Root(&changed) == root {
			t.Errorf("the root does not cover %s.%s", field.Type(), field.Type().Field(i).Name)
		}
	}
	for n, rows := range parts.tables {
		if strings.HasSuffix(rows.Name, ".rolls") || strings.HasSuffix(rows.Name, ".pools") {
			continue // worked out from others
		}
		checkRows(t, root, s, rows, func(s *State) reflect.Value { return reflect.ValueOf(part(s).tables[n].Rows) })
	}
}

func checkRows(t *testing.T, root [32]byte, s *State, rows table.Named, of func(*State) reflect.Value) {
	t.Helper()
	for key, value := range rows.Each() {
		key, value := reflect.ValueOf(key), reflect.ValueOf(value).Elem()
		gone := s.Copy()
		of(&gone).MethodByName("Delete").Call([]reflect.Value{key})
		if Root(&gone) == root {
			t.Errorf("the root does not cover rows of %s", rows.Name)
		}
		for i := range fields(value) {
			name, other := "", reflect.New(value.Type()).Elem()
			other.Set(value)
			field := other
			if value.Kind() == reflect.Struct {
				name, field = value.Type().Field(i).Name, other.Field(i)
			}
			if name == "Roll" || name == "Mandates" || name == "Members" || name == "Failure" || name == "Checked" { // see governance.Frozen; Source stands for Checked, words are not written
				continue
			}
			bump(t, field)
			changed := s.Copy()
			of(&changed).MethodByName("Set").Call([]reflect.Value{key, other})
			if Root(&changed) == root {
				t.Errorf("the root does not cover %s: %s.%s", rows.Name, value.Type(), name)
			}
			if Root(s) != root {
				t.Fatalf("changing a copy of a row of %s has changed the state", rows.Name)
			}
		}
	}
	if rows.Len() == 0 {
		t.Errorf("no rows of %s to try", rows.Name)
	}
}

// TestTablesAreAllOfThem: whoever adds a table to a room's state adds it to its Tables and to its Copy too.
func TestTablesAreAllOfThem(t *testing.T) {
	var s State
	rooms := reflect.ValueOf(&s).Elem()
	for n, room := range s.rooms(&governance.Frozen{}) {
		state, listed := rooms.Field(n), map[any]bool{}
		for _, rows := range room.tables {
			listed[reflect.ValueOf(rows.Rows).FieldByName("Table").Interface()] = true
		}
		for i := range state.NumField() {
			if state.Field(i).Kind() == reflect.Func {
				continue // that watches, and is no state
			}
			field := state.Field(i).Addr().Interface()
			is := strings.HasPrefix(state.Field(i).Type().Name(), "Table[")
			if is != listed[field] || !is && field != room.facts {
				t.Errorf("%s: Tables does not list %s", state.Type(), state.Type().Field(i).Name)
			}
		}
	}
}

func fields(v reflect.Value) int {
	if v.Kind() == reflect.Struct {
		return v.NumField()
	}
	return 1
}

// bump changes a value, or the first thing inside it, without touching what it shares.
func bump(t *testing.T, v reflect.Value) {
	switch v.Kind() {
	case reflect.Uint64:
		v.SetUint(v.Uint() + 1)
	case reflect.Int64:
		v.SetInt(v.Int() + 1)
	case reflect.Bool:
		v.SetBool(!v.Bool())
	case reflect.String:
		v.SetString(v.String() + "x")
	case reflect.Uint8:
		v.SetUint(v.Uint() ^ 1)
	case reflect.Array:
		bump(t, v.Index(0))
	case reflect.Slice:
		v.Set(reflect.Append(v.Slice3(0, v.Len(), v.Len()), reflect.Zero(v.Type().Elem())))
	case reflect.Struct:
		bump(t, v.Field(0))
	default:
		t.Fatalf("cannot change a %s", v.Type())
	}
}

// TestNextIsWhenSomethingHappens: a commit just before changes no phase, one at the time does.
func TestNextIsWhenSomethingHappens(t *testing.T) {
	w := lively(t)
	for {
		at, any := Next(w.state())
		if !any {
			break
		}
		early, onTime := w.state().Copy(), w.state().Copy()
		Advance(&early, at-1)
		if next, any := Next(&early); !any || next != at {
			t.Fatalf("at %s something was done that is due at %s", at-1, at)
		}
		Advance(&onTime, at)
		MoveOn(&onTime)
		if next, any := Next(&onTime); any && next <= at {
			t.Fatalf("at %s nothing was done", at)
		}
		w.now = at
		w.commit(nil)
	}
}

// TestDeps: a draft links what it is about.
func TestDeps(t *testing.T) {
	w := lively(t)
	s := w.state()
	invite := w.strands["ann"].events[1]
	if invite.Kind != governance.KindMemberInvite {
		t.Fatalf("expected the invite, got %s", invite.Kind)
	}
	application := w.strands["eve"].events[0].ID
	for command, want := range map[string][]event.ID{
		"ann vote roof yes":                        {w.proposals["roof"]},
		"ann vote attic yes":                       nil,
		"bob withdraw roof":                        {w.proposals["roof"]},
		"bob cosponsor roof":                       {w.proposals["roof"]},
		"bob veto roof reason=Dear":                {w.proposals["roof"]},
		"bob exit roof":                            {w.proposals["roof"]},
		"ann propose same again=roof admit=eve":    {w.proposals["roof"], application},
		"bob sponsor eve":                          {application},
		"fay apply class=friend invite=door":       {invite.ID},
		"fay apply class=guest":                    nil,
		"ann propose in track=quick admit=eve,fay": {application},
		"ann propose out track=general":            nil,
		"ann leave":                                nil,
		"ann send ballot.cast":                     nil,
	} {
		c := parse(t, command)
		if got := Deps(s, w.draft(c.word(0), c)); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", command, got, want)
		}
	}
}

// TestViewsAreJSON: what people see survives the way through JSON.
func TestViewsAreJSON(t *testing.T) {
	w := lively(t)
	s := w.state()
	feast, ok := Proposal(s, w.proposals["feast"])
	if !ok || len(feast.Ballots) != 1 || feast.Ballots[0].Name != "Ann" || feast.Options[1].Votes != 1 {
		t.Errorf("feast: %+v", feast)
	}
	if _, ok := Proposal(s, event.ID{}); ok {
		t.Error("a proposal out of nothing")
	}
	if v, ok := Member(s, keyOf("phone").Public()); !ok || v.Name != "Ann" {
		t.Errorf("whose phone: %+v", v)
	}
	if o := Describe(s); o.Members != 2 || o.Candidates != 1 || o.UnderWay != 5 || o.Time != w.now {
		t.Errorf("%+v", o)
	}
	for _, view := range append([]any{Describe(s), Members(s), Charter(s), Proposals(s), feast, Allocations(s)}, slices.Concat(ledgerViews(t), missionViews(t), shopViews(t))...) {
		b, err := json.Marshal(view)
		if err != nil {
			t.Fatal(err)
		}
		back := reflect.New(reflect.TypeOf(view))
		if err := json.Unmarshal(b, back.Interface()); err != nil {
			t.Fatalf("%s: %v", b, err)
		}
		again, err := json.Marshal(back.Interface())
		if err != nil || string(again) != string(b) {
			t.Errorf("%s\n%s\n%v", b, again, err)
		}
	}
}

// TestInvariantsNotice breaks the state in ways that no event can and expects to be told.
func TestInvariantsNotice(t *testing.T) {
	for name, harm := range map[string]func(*State, *world){
		"candidates": func(s *State, _ *world) { s.Hall.Candidates++ },
		"a device of nobody": func(s *State, _ *world) {
			s.Hall.Devices.Set(identity.PublicKey{7}, governance.Device{Member: identity.PublicKey{7}})
		},
		"a second device": func(s *State, _ *world) {
			s.Hall.Devices.Set(identity.PublicKey{7}, governance.Device{Member: keyOf("ann").Public()})
		},
		"a changed ballot": func(s *State, w *world) {
			seat := governance.Seat{Proposal: w.proposals["paint"], Member: keyOf("bob").Public()}
			b, _ := s.Hall.Ballots.Get(seat)
			b.Choice = governance.No
			s.Hall.Ballots.Set(seat, b)
		},
		"a stuffed ballot": func(s *State, w *world) {
			s.Hall.Ballots.Set(governance.Seat{Proposal: w.proposals["feast"], Member: keyOf("eve").Public()}, governance.Ballot{Cast: w.now})
		},
		"an odd ballot": func(s *State, w *world) {
			s.Hall.Ballots.Set(governance.Seat{Proposal: w.proposals["feast"], Member: keyOf("ann").Public()}, governance.Ballot{Choice: governance.Yes, Cast: w.now})
		},
		"changed rules": func(s *State, w *world) {
			p, _ := s.Hall.Proposals.Get(w.proposals["roof"])
			p.Rules.Track.Threshold.Share.Num = 0
			s.Hall.Proposals.Set(w.proposals["roof"], p)
		},
		"a changed roll": func(s *State, w *world) {
			p, _ := s.Hall.Proposals.Get(w.proposals["roof"])
			p.Roll = p.Roll.Copy()
			p.Roll.Delete(keyOf("bob").Public())
			s.Hall.Proposals.Set(w.proposals["roof"], p)
		},
		"a coup": func(s *State, w *world) {
			p, _ := s.Hall.Proposals.Get(w.proposals["feast"])
			p.Phase, p.Due = governance.Executed, 0
			s.Hall.Proposals.Set(w.proposals["feast"], p)
		},
		"a forgotten deadline": func(s *State, w *world) { at, _ := s.Hall.Next(); s.Hall.Time = at },
		"an empty agenda":      func(s *State, w *world) { s.Hall.Agenda = table.Table[governance.Due, struct{}]{} },
		"money from nowhere": func(s *State, w *world) {
			s.Hall.Allocations.Set(governance.Item{Proposal: w.proposals["roof"]}, governance.Allocation{Amount: 5})
		},
		"a mandate of nobody": func(s *State, _ *world) {
			s.Hall.Mandates.Set(governance.Remit{Member: keyOf("eve").Public(), About: governance.About{Tag: "x", Track: "quick"}}, governance.Mandate{})
		},
		"a mandate for oneself": func(s *State, _ *world) {
			s.Hall.Mandates.Set(governance.Remit{Member: keyOf("ann").Public()}, governance.Mandate{To: governance.Delegate{Members: []identity.PublicKey{keyOf("ann").Public()}}})
		},
		"another mandate when it was counted": func(s *State, w *world) {
			for id, p := range table.All(&s.Hall.Proposals) {
				remit := governance.Remit{Member: keyOf("ann").Public(), About: governance.About{Track: "quick"}}
				if m, counted := p.Mandates.Get(remit); counted {
					m.Event[5]++
					p.Mandates = p.Mandates.Copy()
					p.Mandates.Set(remit, m)
					s.Hall.Proposals.Set(id, p)
					break
				}
			}
		},
		"no charter": func(s *State, w *world) { s.Hall.Charter = governance.Charter{} },
		"too many events": func(s *State, _ *world) {
			d, _ := s.Hall.Devices.Get(keyOf("ann").Public())
			d.Count = governance.MaxDaily + 1
			s.Hall.Devices.Set(keyOf("ann").Public(), d)
		},
	} {
		w := lively(t)
		s := w.state().Copy()
		harm(&s, w)
		if Invariants(&s) == nil {
			t.Errorf("%s: nothing was noticed", name)
		}
	}
}

// TestFailedActionsLeaveNothing: the first action of a proposal that fails at the second is undone.
func TestFailedActionsLeaveNothing(t *testing.T) {
	w := newWorld(t)
	for _, c := range []string{"found elm by=ann", "dan apply class=worker", "ann propose both track=quick admit=dan,nemo", "ann vote both yes", "wait 61m"} {
		w.play(c)
	}
	if m, _ := Member(w.state(), keyOf("dan").Public()); m.Status != governance.StatusCandidate {
		t.Errorf("dan is a %s by half a decision", m.Status)
	}
	p, _ := Proposal(w.state(), w.proposals["both"])
	if p.Phase != governance.Failed || !strings.Contains(p.Failure, "action 2") {
		t.Errorf("%s: %s", p.Phase, p.Failure)
	}
}

// TestEvidenceAgainstAFounder: the founding event has the founder's number 0; a second event with it
// is a fork, although the founding names no cooperative.
func TestEvidenceAgainstAFounder(t *testing.T) {
	w := newWorld(t)
	w.play("found elm by=ann,bob")
	d := w.body(governance.KindMemberLeave, governance.MemberLeave{})
	twin, err := event.Seal(keyOf("ann"), event.Slot{Coop: w.genesis.ID, At: w.now}, d)
	if err != nil {
		t.Fatal(err)
	}
	other, err := event.Seal(keyOf("ann"), event.Slot{Coop: event.ID{9}, At: w.now}, d)
	if err != nil {
		t.Fatal(err)
	}
	s := w.state().Copy()
	env := fold.Env{Key: keyOf("bob").Public(), ID: event.ID{5}}
	if err := s.Hall.Accuse(env, governance.DeviceFork(other, twin)); err != governance.ErrNotEvidence {
		t.Errorf("an event of another cooperative: %v", err)
	}
	if err := s.Hall.Accuse(env, governance.DeviceFork(w.genesis, w.genesis)); err != governance.ErrNotEvidence {
		t.Errorf("one event twice: %v", err)
	}
	if err := s.Hall.Accuse(env, governance.DeviceFork(w.genesis, twin)); err != nil {
		t.Errorf("a fork of the founding: %v", err)
	}
}

// FuzzApply gives every rule any body whatever: it may refuse, and then has changed nothing, and what
// it accepts breaks no invariant.
func FuzzApply(f *testing.F) {
	w := lively(f)
	kinds := []event.Kind{governance.KindCoopFound, governance.KindMemberInvite, governance.KindMemberApply, governance.KindMemberSponsor,
		governance.KindMemberAdmit, governance.KindMemberLeave, governance.KindDeviceAdd, governance.KindProposalOpen, governance.KindProposalWithdraw,
		governance.KindBallotCast, governance.KindCharterAmend, governance.KindBudgetAllocate, governance.KindEvidence,
		governance.KindDelegationGive, governance.KindDelegationWithdraw, governance.KindDelegationConfirm, governance.KindProgramPublish, governance.KindProgramWithdraw,
		governance.KindJuryCall, governance.KindJuryDecline}
	kinds = append(kinds, tokens.Kinds()...)
	for _, name := range []string{"ann", "bob", "eve"} {
		for _, e := range w.strands[name].events {
			f.Add(byte(slices.Index(kinds, e.Kind)), byte(1), e.Body)
		}
	}
	f.Add(byte(10), byte(0), w.body(governance.KindCharterAmend, governance.CharterAmend{Charter: village()}).Body)
	authors := []identity.PublicKey{identity.Assembly, keyOf("ann").Public(), keyOf("stranger").Public()}
	root := Root(w.state())
	f.Fuzz(func(t *testing.T, kind, author byte, body []byte) {
		s := w.state().Copy()
		env := fold.Env{ID: w.proposals["roof"], Key: authors[int(author)%len(authors)], Seq: 1000, At: w.now}
		if env.Key != identity.Assembly {
			env.ID = event.ID{200}
		}
		err := Machine().Apply(&s, env, event.Draft{Kind: kinds[int(kind)%len(kinds)], Body: body})
		if err != nil && Root(&s) != root {
			t.Fatalf("refused, %v, and yet the state has changed", err)
		}
		if err == nil && env.Key != identity.Assembly && Invariants(&s) != nil {
			t.Fatal(Invariants(&s))
		}
	})
}
