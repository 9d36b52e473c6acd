package finality

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/identity"
)

// checkpointDomain separates signatures of checkpoints from every other use of a key.
const checkpointDomain = "coop/checkpoint/1\x00"

// maxCertificate bounds a certificate: the checkpoint, and a signature of each steward.
const maxCertificate = 512 + MaxStewards*80

// Checkpoint says in a few bytes what everything up to a commit came to. Two nodes that agree on its
// hash agree on the order, on what became of each event, and on the state.
type Checkpoint struct {
	_       struct{} `cbor:",toarray"`
	Version uint64
	Coop    event.ID
	Epoch   uint64     // of the commit; its stewards sign
	Index   uint64     // of the commit
	Anchor  RoundID    // of the commit
	Time    event.Time // coop time
	Events  uint64     // ordered so far
	Order   [32]byte   // Chain of all commits so far
	State   [32]byte   // state root
	Next    *[32]byte  // Office of the next epoch, if the epoch ends here
}

// Hash names the checkpoint; it is the Base of the epoch that begins with it.
func (c *Checkpoint) Hash() [32]byte { return sha256.Sum256(c.bytes()) }

func (c *Checkpoint) bytes() []byte {
	b, err := event.Marshal(c)
	if err != nil {
		panic("finality: invariant: a checkpoint can be written: " + err.Error())
	}
	return b
}

// Sign says in the name of a steward that this is what the order came to.
func (c *Checkpoint) Sign(key identity.Key) identity.Signature { return key.Sign(c.signed()) }

func (c *Checkpoint) signed() []byte {
	hash := c.Hash()
	return append([]byte(checkpointDomain), hash[:]...)
}

// HandsOver tells whether ep is the epoch that begins with this checkpoint.
func (c *Checkpoint) HandsOver(ep *Epoch) bool {
	return c.Next != nil && *c.Next == ep.Office() && ep.Coop == c.Coop && ep.Number == c.Epoch+1 && ep.Base == c.Hash()
}

// Office names the stewards of an epoch and their times. Who knows the hash can be shown the list.
func (ep *Epoch) Office() [32]byte {
	b, err := event.Marshal(struct {
		_        struct{} `cbor:",toarray"`
		Stewards []identity.PublicKey
		Params   Params
	}{Stewards: ep.Stewards, Params: ep.Params})
	if err != nil {
		panic("finality: invariant: the stewards of an epoch can be written: " + err.Error())
	}
	return sha256.Sum256(append([]byte("coop/office/1\x00"), b...))
}

// Chain adds a commit to the hash over all commits before it: refused tells of each event in its order
// whether it came to nothing.
func Chain(before [32]byte, c *Commit, refused func(i int) bool) [32]byte {
	h := sha256.New()
	h.Write([]byte("coop/order/1\x00"))
	h.Write(before[:])
	h.Write(c.Anchor.ID[:])
	h.Write(binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, c.Index), uint64(c.Time)))
	for i, id := range c.Order {
		h.Write(id[:])
		if refused(i) {
			h.Write([]byte{1})
		} else {
			h.Write([]byte{0})
		}
	}
	return [32]byte(h.Sum(nil))
}

// Signature is one steward's under a checkpoint.
type Signature struct {
	_       struct{} `cbor:",toarray"`
	Steward uint64   // index in the epoch's list
	Sig     []byte
}

// Certificate is a checkpoint with signatures. A quorum of them proves to anybody who knows the epoch's
// stewards what the order came to; with fewer it is a part of such a proof.
type Certificate struct {
	_          struct{} `cbor:",toarray"`
	Version    uint64
	Checkpoint Checkpoint
	Signatures []Signature // by ascending steward
}

// Why bytes are no certificate, or why one proves nothing.
var (
	ErrCertificateForm = errors.New("these bytes are not a checkpoint with signatures in its one spelling: dropped")
	ErrNoQuorum        = errors.New("this checkpoint is not signed by a quorum of the epoch's stewards, so it proves nothing yet")
	ErrFalseSignature  = errors.New("a signature under this checkpoint is not that of the steward it names: dropped")
	ErrHandover        = errors.New("this checkpoint does not hand over to these stewards: ask somebody else for the chain of epochs")
)

// IsCertificate tells a certificate from a round block by its first byte: three fields, not two.
func IsCertificate(raw []byte) bool { return len(raw) > 0 && raw[0] == 0x83 }

// OpenCertificate reads a certificate: canonical and bounded. Its signatures say nothing before Verify.
func OpenCertificate(raw []byte) (*Certificate, error) {
	var c Certificate
	if len(raw) > maxCertificate {
		return nil, ErrCertificateForm
	}
	if err := event.Unmarshal(raw, &c); err != nil {
		return nil, fmt.Errorf("%w (%v)", ErrCertificateForm, err)
	}
	p := &c.Checkpoint
	switch {
	case c.Version != version || p.Version != version:
		return nil, ErrVersion
	case len(c.Signatures) > MaxStewards, p.Epoch > MaxNumber, p.Index > MaxNumber, p.Time > MaxNumber, p.Events > MaxNumber:
		return nil, ErrCertificateForm
	}
	for i, s := range c.Signatures {
		if s.Steward >= MaxStewards || len(s.Sig) != len(identity.Signature{}) || i > 0 && s.Steward <= c.Signatures[i-1].Steward {
			return nil, ErrCertificateForm
		}
	}
	return &c, nil
}

// Raw is the certificate as it goes over the wire.
func (c *Certificate) Raw() []byte {
	raw, err := event.Marshal(c)
	if err != nil {
		panic("finality: invariant: a certificate can be written: " + err.Error())
	}
	return raw
}

// Verify returns nil if a quorum of the epoch's stewards signed; else ErrOtherCoop, ErrOtherEpoch,
// ErrFalseSignature or ErrNoQuorum.
func (c *Certificate) Verify(ep *Epoch) error {
	switch {
	case c.Checkpoint.Coop != ep.Coop:
		return ErrOtherCoop
	case c.Checkpoint.Epoch != ep.Number:
		return ErrOtherEpoch
	}
	text := c.Checkpoint.signed()
	claims := make([]identity.Claim, 0, ep.N())
	for i, s := range c.Signatures {
		if s.Steward >= uint64(ep.N()) || i > 0 && s.Steward <= c.Signatures[i-1].Steward || len(s.Sig) != len(identity.Signature{}) {
			return ErrFalseSignature
		}
		claims = append(claims, identity.Claim{Key: ep.Stewards[s.Steward], Message: text, Sig: identity.Signature(s.Sig)})
	}
	if slices.Contains(identity.VerifyBatch(claims), false) {
		return ErrFalseSignature
	}
	if len(c.Signatures) < ep.Q() {
		return ErrNoQuorum
	}
	return nil
}

// Contradicts tells whether the two certificates say different things of one commit. Both are the
// proof against each steward who signed both: more than f, if both have a quorum.
func (c *Certificate) Contradicts(other *Certificate) (both []int, contradiction bool) {
	a, b := &c.Checkpoint, &other.Checkpoint
	if a.Coop != b.Coop || a.Epoch != b.Epoch || a.Index != b.Index || a.Hash() == b.Hash() {
		return nil, false
	}
	for _, s := range c.Signatures {
		if slices.ContainsFunc(other.Signatures, func(o Signature) bool { return o.Steward == s.Steward }) {
			both = append(both, int(s.Steward))
		}
	}
	return both, true
}

// Handover is a step from an epoch to the next: the certificate of the last checkpoint, and who follows.
type Handover struct {
	Certificate Certificate
	Stewards    []identity.PublicKey
	Params      Params
}

// Follow goes from an epoch that is trusted through hand-overs, each certified by the stewards before,
// and returns the last epoch: whoever has that can verify its certificates, without a single event or
// round block. The errors are those of Verify, Check and ErrHandover.
func (ep Epoch) Follow(steps ...Handover) (Epoch, error) {
	for _, h := range steps {
		if err := h.Certificate.Verify(&ep); err != nil {
			return Epoch{}, fmt.Errorf("the end of epoch %d: %w", ep.Number, err)
		}
		c := &h.Certificate.Checkpoint
		next := Epoch{Coop: ep.Coop, Number: ep.Number + 1, Base: c.Hash(), Stewards: h.Stewards, Params: h.Params}
		if !c.HandsOver(&next) {
			return Epoch{}, fmt.Errorf("the end of epoch %d: %w", ep.Number, ErrHandover)
		}
		if err := next.Check(); err != nil {
			return Epoch{}, err
		}
		ep = next
	}
	return ep, nil
}

// Notary gathers the signatures under one checkpoint.
type Notary struct {
	ep   Epoch
	cert Certificate
	have set
}

// NewNotary gathers signatures of the epoch's stewards under c.
func NewNotary(ep Epoch, c Checkpoint) *Notary {
	return &Notary{ep: ep, cert: Certificate{Version: version, Checkpoint: c}}
}

// Checkpoint is what is signed.
func (n *Notary) Checkpoint() *Checkpoint { return &n.cert.Checkpoint }

// Epoch is the one whose stewards sign.
func (n *Notary) Epoch() *Epoch { return &n.ep }

// Have is whose signatures are there, the steward with index i in bit i.
func (n *Notary) Have() uint64 { return uint64(n.have) }

// Complete tells whether a quorum has signed.
func (n *Notary) Complete() bool { return n.have.count() >= n.ep.Q() }

// Certificate is the checkpoint with the signatures so far.
func (n *Notary) Certificate() *Certificate { return &n.cert }

// Sign adds this steward's signature.
func (n *Notary) Sign(steward int, key identity.Key) {
	sig := n.cert.Checkpoint.Sign(key)
	n.add(Signature{Steward: uint64(steward), Sig: sig[:]})
}

// Take adds the signatures of a certificate of the same checkpoint that are new. It is false when one is
// false: only a broken or hostile peer sends that.
func (n *Notary) Take(c *Certificate) (fresh, sound bool) {
	text, sound := n.cert.Checkpoint.signed(), true
	for _, s := range c.Signatures {
		switch {
		case s.Steward >= uint64(n.ep.N()):
			sound = false
		case n.have.has(int(s.Steward)):
		case !identity.Verify(n.ep.Stewards[s.Steward], text, identity.Signature(s.Sig)):
			sound = false
		default:
			n.add(s)
			fresh = true
		}
	}
	return fresh, sound
}

func (n *Notary) add(s Signature) {
	if n.have.has(int(s.Steward)) {
		return
	}
	n.have = n.have.with(int(s.Steward))
	at := len(n.cert.Signatures)
	for at > 0 && n.cert.Signatures[at-1].Steward > s.Steward {
		at--
	}
	all := append([]Signature(nil), n.cert.Signatures[:at]...) // a certificate that was handed out stays as it is
	n.cert.Signatures = append(append(all, s), n.cert.Signatures[at:]...)
}
