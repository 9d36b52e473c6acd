package node

import (
	"crypto/sha256"
	"math/bits"
	"slices"

	"github.com/sustainy/coop/coop"
	"github.com/sustainy/coop/crdt"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/finality"
)

// sealing is a checkpoint whose signatures are being gathered.
type sealing struct {
	*finality.Notary
	kept bool // a quorum signed, and the certificate is on disk

	refounding []byte // with which the members went on without those who would sign; mostly nil
}

// Complete tells whether nothing is missing of the proof of where an epoch ended.
func (s *sealing) Complete() bool { return s.refounding != nil || s.Notary.Complete() }

// checkpoint begins to gather signatures under the checkpoint of the last commit, if it is one that
// stewards sign.
func (c *Core) checkpoint() {
	if !c.line.Due() || c.restoring || c.fetch.active() {
		return
	}
	c.latest = &sealing{Notary: finality.NewNotary(c.epoch, c.line.Checkpoint())}
	c.vouch(c.latest, nil)
}

// vouch signs a checkpoint if this device was a steward of its epoch, and tells everybody. Signatures
// stand outside the graph of rounds: they are no work, so they keep nobody awake. Only for the last
// checkpoint of an epoch they are awaited, by greetings.
func (c *Core) vouch(s *sealing, proof []*finality.Round) {
	seat, key := c.seatIn(s.Epoch())
	if seat < 0 || c.observer != "" {
		return
	}
	s.Sign(seat, key)
	b := Bundle{Rounds: proof, Certificates: []*finality.Certificate{s.Certificate()}}
	for _, p := range c.neighbours() {
		if s == c.handover || c.peers[p].seat >= 0 {
			c.send(p, ProtoRounds, Message{Bundle: &b})
		}
	}
	c.out.Publish = append(c.out.Publish, Publication{TopicRounds, Message{Bundle: &b}})
	c.gathered(s)
}

// gathered keeps a certificate once it is one. With that of the hand-over the keys of those before have
// served.
func (c *Core) gathered(s *sealing) {
	if s.kept || !s.Complete() {
		return
	}
	s.kept = true
	whole := *s.Certificate() // more signatures may come, and are of no use
	cert := &whole
	if c.proven == nil || c.proven.Checkpoint.Index <= cert.Checkpoint.Index {
		c.proven = cert
	}
	c.certify(cert)
	c.keepCertificate(cert)
	if s == c.handover && c.keys != nil {
		if err := c.keys.Forget(c.epoch.Number, c.epoch.Stewards); err != nil {
			c.out.Fault = err
		}
	}
}

// keepCertificate keeps a certificate among the round blocks, where whoever catches up or reads an
// archive comes by it in its place.
func (c *Core) keepCertificate(cert *finality.Certificate) {
	c.keepBeside(cert.Raw())
}

// keepBeside keeps something in the sequence of round blocks.
func (c *Core) keepBeside(raw []byte) {
	id := sha256.Sum256(raw)
	if _, err := c.archive.Round(id); c.restoring || known(nil, err) {
		return
	}
	c.out.Keep.Rounds = append(c.out.Keep.Rounds, crdt.Blob{ID: id, Raw: raw})
	c.kept.Rounds++
}

// certificates takes signatures under checkpoints. It returns how many certificates are of a broken or
// hostile peer.
func (c *Core) certificates(from Peer, certs []*finality.Certificate) (bad int) {
	for _, cert := range certs {
		p := &cert.Checkpoint
		if p.Coop != c.coop {
			bad++
			continue
		}
		if p.Epoch > c.epoch.Number || p.Index >= c.commits {
			c.later.put(from, cert.Raw())
			continue
		}
		s := c.sealing(p)
		if s == nil {
			c.certify(cert)
			continue // of long ago
		}
		if s.Checkpoint().Hash() != p.Hash() {
			bad += c.contradict(s, cert)
			continue
		}
		if _, sound := s.Take(cert); !sound {
			bad++
		}
		c.gathered(s)
	}
	return bad
}

func (c *Core) sealing(p *finality.Checkpoint) *sealing {
	if c.latest != nil && c.latest.Checkpoint().Index == p.Index {
		return c.latest
	}
	if p.Epoch < uint64(len(c.ends)) && c.ends[p.Epoch].Checkpoint().Index == p.Index {
		return c.ends[p.Epoch]
	}
	return nil
}

// gathering are the checkpoints whose signatures are asked for: of the first hand-over that lacks some,
// if any, and the last checkpoint.
func (c *Core) gathering() (all []*sealing) {
	for _, s := range c.ends {
		if s.refounding == nil && (s == c.handover || !s.Complete()) {
			all = append(all, s)
			break
		}
	}
	if c.latest != nil {
		all = append(all, c.latest)
	}
	return all
}

// Handovers is the chain of certificates that leads from the founding stewards to those of this epoch,
// as far as they are complete: whoever trusts the founding event needs nothing else to know the
// stewards of today. A re-founding breaks it: whether that held, the state alone can tell.
func (c *Core) Handovers() []finality.Handover {
	var steps []finality.Handover
	for _, s := range c.Successions() {
		if s.Refounding != nil {
			break
		}
		steps = append(steps, s.Handover)
	}
	return steps
}

// Successions are how each epoch followed the one before, as far as the proofs are complete: hand-overs and
// re-foundings.
func (c *Core) Successions() (all []coop.Succession) {
	for i, s := range c.ends {
		next := c.epoch
		if i+1 < len(c.ends) {
			next = *c.ends[i+1].Epoch()
		}
		switch {
		case s.refounding != nil:
			all = append(all, coop.Succession{Refounding: s.refounding})
		case s.Complete():
			all = append(all, coop.Succession{Handover: finality.Handover{Certificate: *s.Certificate(), Stewards: next.Stewards, Params: next.Params}})
		default:
			return all
		}
	}
	return all
}

// Certified is the last checkpoint that a quorum of its stewards has signed, with their signatures; nil
// before the first.
func (c *Core) Certified() *finality.Certificate { return c.proven }

// contradict looks at a checkpoint that says other things than ours of the same commit. If a quorum
// signed it, either this peer or all of them came to a wrong result, and a member must know.
func (c *Core) contradict(s *sealing, cert *finality.Certificate) (bad int) {
	if err := cert.Verify(s.Epoch()); err == nil {
		c.diverged, c.steward = cert, nil
	} else if len(cert.Signatures) >= s.Epoch().Q() {
		return 1
	}
	return 0
}

// seals says in a greeting whose signatures are here.
func (c *Core) seals() (all []Seal) {
	for _, s := range c.gathering() {
		all = append(all, Seal{Index: s.Checkpoint().Index, Have: s.Have()})
	}
	return all
}

// reseal sends a peer the signatures that it lacks.
func (c *Core) reseal(to Peer, h *Hello) {
	b := &Bundle{}
	for _, theirs := range h.Seals {
		at := slices.IndexFunc(c.ends, func(s *sealing) bool { return s.Checkpoint().Index == theirs.Index })
		s := c.latest
		if at >= 0 {
			s = c.ends[at]
		}
		if s != nil && s.Checkpoint().Index == theirs.Index && s.Have()&^theirs.Have != 0 && bits.OnesCount64(theirs.Have) < s.Epoch().Q() {
			b.Certificates = append(b.Certificates, s.Certificate())
		}
	}
	if len(b.Certificates) > 0 {
		c.send(to, ProtoRounds, Message{Bundle: b})
	}
}

// sealed tells whether nothing is missing of the proof of where the last epoch ended.
func (c *Core) sealed() bool { return c.handover == nil || c.handover.Complete() }

// later is what can't be judged yet: round blocks of an epoch to come, signatures under a checkpoint to
// come. They are not verified, so little is kept of each peer.
type later struct {
	all   []early
	at    uint64     // commits when it was looked through last
	asked event.Time // when a peer was asked for commits because of it
}

type early struct {
	from Peer
	raw  []byte
}

func (l *later) put(from Peer, raw []byte) {
	count, size, oldest := 0, 0, -1
	for i, e := range l.all {
		if e.from == from {
			count, size = count+1, size+len(e.raw)
			if oldest < 0 {
				oldest = i
			}
		}
	}
	if oldest >= 0 && (count >= laterOfPeer || size+len(raw) > laterBytes) {
		l.all = slices.Delete(l.all, oldest, oldest+1)
	}
	if len(l.all) < laterAtMost {
		l.all = append(l.all, early{from, raw})
	}
}

// of takes out what a peer that is gone had sent.
func (l *later) forget(from Peer) {
	l.all = slices.DeleteFunc(l.all, func(e early) bool { return e.from == from })
}

// foresee takes round blocks of an epoch that the reader did not know. By now it may be known.
func (c *Core) foresee(from Peer, raws [][]byte) (bad int) {
	for _, raw := range raws {
		number, err := finality.RoundEpoch(raw)
		switch {
		case err != nil:
			bad++
		case number < c.epoch.Number:
		case number == c.epoch.Number:
			r, err := finality.OpenRound(&c.epoch, raw)
			if err != nil {
				bad++
				continue
			}
			bad += c.Hear(c.now, from, []*finality.Round{r})
		default:
			c.later.put(from, raw)
			c.outrun(from)
		}
	}
	return bad
}

// outrun asks a peer that is in a later epoch for the commits that lead there.
func (c *Core) outrun(from Peer) {
	if n := c.peers[from]; n != nil && c.now >= c.later.asked+askAgain {
		c.later.asked = c.now
		n.hello.Commits = max(n.hello.Commits, c.commits+1)
		c.catchUp(from)
	}
}

// hearLater hears again what came too early, when there are new commits.
func (c *Core) hearLater() {
	for c.later.at != c.commits {
		c.later.at = c.commits
		all := c.later.all
		c.later.all = nil
		for _, e := range all {
			if !finality.IsCertificate(e.raw) {
				c.foresee(e.from, [][]byte{e.raw})
			} else if cert, err := finality.OpenCertificate(e.raw); err == nil {
				c.certificates(e.from, []*finality.Certificate{cert})
			}
		}
	}
}

// seated is the number of a peer among the stewards, or -1.
func (c *Core) seated(p Peer) int { return coop.Seat(c.line.Final(), p) }
