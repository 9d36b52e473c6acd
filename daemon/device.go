package daemon

import (
	"net/http"

	"github.com/sustainy/coop/coop"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/home"
	"github.com/sustainy/coop/identity"
)

// requestScheme begins a device's request in text.
const requestScheme = "coop-device:"

// DeviceRequest is what a device says that wants to speak for a member. It is no secret: it is worth
// something only to who is asked, a device of that member or all members by a vote.
type DeviceRequest struct {
	Coop   event.ID
	Member identity.PublicKey
	Device identity.PublicKey
	Proof  identity.Signature // governance.DeviceProof
}

// wireRequest is a request before base32.
type wireRequest struct {
	_       struct{} `cbor:",toarray"`
	Version uint64
	Coop    []byte
	Member  []byte
	Device  []byte
	Proof   []byte
}

// String writes the request in lower case; upper case means the same.
func (q DeviceRequest) String() string {
	text, err := event.Marshal(wireRequest{Version: linkVersion, Coop: q.Coop[:], Member: q.Member[:], Device: q.Device[:], Proof: q.Proof[:]})
	if err != nil {
		panic("daemon: invariant: a device's request can be written: " + err.Error())
	}
	return sealText(requestScheme, text)
}

// Body is what a device of the member signs, or what the Assembly does by a vote.
func (q DeviceRequest) Body() governance.DeviceAdd {
	return governance.DeviceAdd{Member: q.Member, Key: q.Device, Proof: q.Proof}
}

// ParseDeviceRequest reads a request. It says nothing about whether the cooperative takes it.
func ParseDeviceRequest(text string) (DeviceRequest, error) {
	bad := func(why string) (DeviceRequest, error) {
		return DeviceRequest{}, &home.Problem{Code: CodeBadLink, What: "this is no device's request", Why: why,
			Next: "make it on the device that is to be added, and copy all of it: coop device request"}
	}
	if _, err := identity.ParsePublicKey(text); err == nil {
		return bad("it is a key alone, and nobody may claim another's key: the device must agree")
	}
	raw, why := openText(requestScheme, text)
	if why != "" {
		return bad(why)
	}
	var w wireRequest
	switch err := event.Unmarshal(raw, &w); {
	case err != nil:
		return bad("it was made by a program that writes requests differently")
	case w.Version != linkVersion:
		return DeviceRequest{}, &home.Problem{Code: CodeBadLink, What: "this request was made by a newer coop", Next: "update coop, then try again"}
	case len(w.Coop) != 32 || len(w.Member) != 32 || len(w.Device) != 32 || len(w.Proof) != len(identity.Signature{}):
		return bad("a value in it is out of bounds")
	}
	return DeviceRequest{event.ID(w.Coop), identity.PublicKey(w.Member), identity.PublicKey(w.Device), identity.Signature(w.Proof)}, nil
}

// Wish asks this device to request to speak for a member: a name, a key, a part of one; empty for the
// member of whom this home's former key is a device.
type Wish struct {
	Member string `json:"member"`
}

// Requested is a device's request with whom it is about.
type Requested struct {
	Request string             `json:"request"`
	Coop    event.ID           `json:"coop"`
	Member  identity.PublicKey `json:"member"`
	Name    string             `json:"name"`
	Device  identity.PublicKey `json:"device"`
}

// postDeviceRequest signs, with this device's key, that it wants to speak for a member.
func (d *Daemon) postDeviceRequest(r *http.Request) (any, error) {
	var w Wish
	if err := decode(r, &w); err != nil {
		return nil, err
	}
	room, err := d.room(r.PathValue("coop"))
	if err != nil {
		return nil, err
	}
	v, err := room.view(r.Context())
	if err != nil {
		return nil, err
	}
	if m, ok := coop.Member(v.Provisional, d.home.Device); ok {
		next := "coop device list"
		if v.Observer != "" {
			next = "it signs nothing, so give it a new key first: coop down; coop device new; coop up"
		}
		return nil, &home.Problem{Code: CodeRefused, What: "this device speaks for " + m.Name + " already", Next: next}
	}
	member, err := d.wished(v, w.Member)
	if err != nil {
		return nil, err
	}
	q := DeviceRequest{room.id, member, d.home.Device, governance.DeviceProof(d.key, room.id, member)}
	m, _ := v.Provisional.Hall.Members.Get(member)
	return Requested{Request: q.String(), Coop: room.id, Member: member, Name: m.Name, Device: d.home.Device}, nil
}

// wished finds the member that a device wants to speak for.
func (d *Daemon) wished(v *picture, text string) (identity.PublicKey, error) {
	if text != "" {
		return findMember(v, text)
	}
	for _, key := range d.home.Former() {
		if device, ok := v.Provisional.Hall.Devices.Get(key); ok {
			return device.Member, nil
		}
	}
	return identity.PublicKey{}, usage("say which member this device is to speak for: coop device request MEMBER")
}

// MaySign tells whether the key of a home whose daemon does not run signs, as far as its guards know.
func MaySign(h *home.Home) (bool, error) {
	ids, err := h.Coops()
	if err != nil {
		return false, err
	}
	signs := func(id event.ID) (bool, error) {
		guard, err := home.OpenGuard(h.Paths, id, h.Device)
		if err != nil {
			return false, err
		}
		return guard.Observer() == nil, guard.Close()
	}
	if any, err := signs(event.ID{}); err != nil || !any || len(ids) == 0 {
		return any, err
	}
	for _, id := range ids {
		if any, err := signs(id); err != nil || any {
			return any, err
		}
	}
	return false, nil
}
