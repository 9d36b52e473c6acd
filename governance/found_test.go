package governance

import (
	"errors"
	"strings"
	"testing"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/fold"
	"github.com/sustainy/coop/identity"
)

// TestBeginRefuses changes one thing of a good founding at a time.
func TestBeginRefuses(t *testing.T) {
	good := founding(3)
	env := fold.Env{ID: event.ID{1}, Key: testKey(1).Public(), At: start}
	text := func(change func(*Founding)) CoopFound {
		f := founding(3)
		change(&f)
		return signed(f)
	}
	forged := signed(good)
	forged.Consents[1].Sig[3] ^= 1
	swapped := signed(good)
	swapped.Consents[0], swapped.Consents[1] = swapped.Consents[1], swapped.Consents[0]
	later := signed(good)
	later.Text.Purpose = "Something else"
	surplus := signed(good)
	surplus.Consents = append(surplus.Consents, good.Consent(testKey(9)))
	for name, c := range map[string]struct {
		body CoopFound
		want error
	}{
		"good":               {signed(good), nil},
		"nameless":           {text(func(f *Founding) { f.Name = "" }), ErrName},
		"long purpose":       {text(func(f *Founding) { f.Purpose = strings.Repeat("a", MaxPurpose+1) }), ErrText},
		"currency":           {text(func(f *Founding) { f.Currency.Code = "eur" }), ErrCurrency},
		"decimals":           {text(func(f *Founding) { f.Currency.Decimals = 9 }), ErrCurrency},
		"charter":            {text(func(f *Founding) { f.Charter.Tracks = nil }), ErrCharter},
		"no delta":           {text(func(f *Founding) { f.Params.Delta0 = 0 }), ErrParams},
		"rounds":             {text(func(f *Founding) { f.Params.MinRound = f.Params.MaxRound + 1 }), ErrParams},
		"grace over stall":   {text(func(f *Founding) { f.Params.Grace = f.Params.Stall + 1 }), ErrParams},
		"long stall":         {text(func(f *Founding) { f.Params.Stall = day + 1 }), ErrParams},
		"no founder":         {text(func(f *Founding) { f.Founders = nil }), ErrFounders},
		"founder twice":      {text(func(f *Founding) { f.Founders[2].Key = f.Founders[1].Key }), ErrFounders},
		"founder's key":      {text(func(f *Founding) { f.Founders[2].Key = identity.Assembly }), ErrKey},
		"nameless founder":   {text(func(f *Founding) { f.Founders[2].Name = "" }), ErrName},
		"founder's class":    {text(func(f *Founding) { f.Founders[2].Classes = []string{"guest"} }), ErrClasses},
		"no class":           {text(func(f *Founding) { f.Founders[2].Classes = nil }), ErrClasses},
		"no steward":         {text(func(f *Founding) { f.Stewards = nil }), ErrStewards},
		"steward twice":      {text(func(f *Founding) { f.Stewards[1] = f.Stewards[0] }), ErrStewards},
		"steward's key":      {text(func(f *Founding) { f.Stewards[1] = identity.PublicKey{1} }), ErrKey},
		"consent missing":    {CoopFound{Text: good, Consents: signed(good).Consents[:1]}, ErrConsent},
		"consent forged":     {forged, ErrConsent},
		"consents swapped":   {swapped, ErrConsent},
		"consent to other":   {later, ErrConsent},
		"consent of outside": {surplus, ErrConsent},
		"nobody votes": {text(func(f *Founding) {
			f.Charter.Classes = append(f.Charter.Classes, Class{Name: "friend", Admission: AdmitOpen})
			for i := range f.Founders {
				f.Founders[i].Classes = []string{"friend"}
			}
		}), ErrNoVoters},
	} {
		if _, err := Begin(env, c.body); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	env.Key = testKey(9).Public()
	body := CoopFound{Text: good}
	for n := range good.Founders {
		body.Consents = append(body.Consents, good.Consent(testKey(byte(n+1))))
	}
	if _, err := Begin(env, body); !errors.Is(err, ErrNoFounder) {
		t.Errorf("signed by a stranger: %v", err)
	}
}
