package missions

import (
	"crypto/sha256"
	"slices"

	"github.com/ipfs/go-cid"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/table"
	"github.com/sustainy/coop/text"
)

// File is something submitted, by content address. The event carries its name, not its bytes.
type File struct {
	Name string `cbor:"name" json:"name"`
	CID  string `cbor:"cid" json:"cid"`
	Size uint64 `cbor:"size" json:"size"` // bytes
}

// Contributor is one who did a part of the work.
type Contributor struct {
	Member identity.PublicKey `cbor:"member" json:"member"`
	Role   string             `cbor:"role" json:"role"`
	Share  uint64             `cbor:"share" json:"share"` // of the prize and the units, in proportion to those of the others
}

// Content is what a submission is, hidden until it is revealed.
type Content struct {
	Title        string        `cbor:"title" json:"title"`
	Text         string        `cbor:"text" json:"text"`
	Files        []File        `cbor:"files" json:"files"`
	Contributors []Contributor `cbor:"contributors" json:"contributors"`
}

// Commitment is what is published of a submission at first: SHA-256 of "coop/submission/1", a zero byte,
// the mission's id, the author's key, the secret and the content in canonical CBOR. The author is in it,
// so nobody can take over a commitment; the secret, so nobody can guess what is committed to.
func (c *Content) Commitment(mission event.ID, author identity.PublicKey, secret [32]byte) [32]byte {
	body, err := event.Marshal(c)
	if err != nil {
		panic("missions: invariant: every content has a canonical form: " + err.Error())
	}
	return sha256.Sum256(slices.Concat([]byte("coop/submission/1\x00"), mission[:], author[:], secret[:], body))
}

// check tells why this can't be a submission.
func (c *Content) check(known func(identity.PublicKey) bool) error {
	if !text.Line(c.Title, MaxTitle) || !text.Prose(c.Text, MaxText) {
		return ErrContent
	}
	if !filed(c.Files) {
		return ErrFiles
	}
	if len(c.Contributors) < 1 || len(c.Contributors) > MaxContributors {
		return ErrContributors
	}
	members := make([]identity.PublicKey, len(c.Contributors))
	for i, x := range c.Contributors {
		if !text.Line(x.Role, MaxRole) || x.Share < 1 || x.Share > MaxShare || !known(x.Member) {
			return ErrContributors
		}
		members[i] = x.Member
	}
	if !text.Distinct(members) {
		return ErrContributors
	}
	return nil
}

// filed tells whether files can be named like this.
func filed(files []File) bool {
	for _, f := range files {
		if !text.Line(f.Name, MaxName) || f.Size > event.MaxInteger || !addressed(f.CID) {
			return false
		}
	}
	return len(files) <= MaxFiles
}

// addressed tells whether text is a CID, spelled as it spells itself.
func addressed(text string) bool {
	if len(text) > MaxCID {
		return false
	}
	c, err := cid.Decode(text)
	return err == nil && c.String() == text
}

// Submission is an entry to a mission.
type Submission struct {
	By         identity.PublicKey `cbor:"by"`
	Commitment [32]byte           `cbor:"commitment"`
	At         event.Time         `cbor:"at"` // when it was committed to
	Withdrawn  bool               `cbor:"withdrawn"`
	Revealed   event.Time         `cbor:"revealed"` // when; else 0
	Content    Content            `cbor:"content"`
	Consents   []bool             `cbor:"consents"` // of each contributor
}

// Consenting are the contributors who count: those who have consented.
func (b *Submission) Consenting() (list []Contributor) {
	for i, x := range b.Content.Contributors {
		if b.Consents[i] {
			list = append(list, x)
		}
	}
	return list
}

// Submit is the body of mission.submit.
type Submit struct {
	Mission    event.ID `cbor:"mission" json:"mission"`
	Commitment [32]byte `cbor:"commitment" json:"commitment"`
}

// Reveal is the body of mission.reveal, by the author of the submission.
type Reveal struct {
	Submission Entry    `cbor:"submission" json:"submission"`
	Content    Content  `cbor:"content" json:"content"`
	Secret     [32]byte `cbor:"secret" json:"secret"`
}

// Consent is the body of mission.consent, by a contributor of the submission: they take part as it says,
// or they do not. The last word counts.
type Consent struct {
	Submission Entry `cbor:"submission" json:"submission"`
	Agree      bool  `cbor:"agree" json:"agree"`
}

// Withdraw is the body of mission.withdraw, by the author of the submission.
type Withdraw struct {
	Submission Entry `cbor:"submission" json:"submission"`
}

// Submit commits to a submission.
func (s *State) Submit(a Act, b Submit) error {
	if err := a.member(); err != nil {
		return err
	}
	m, ok := s.Missions.Get(b.Mission)
	if !ok {
		return ErrMission
	}
	if m.Phase != PhaseOpen {
		return ErrNotOpen
	}
	most, own := uint64(MaxEntries), 0
	if m.Listing.Method == Rank {
		most = MaxRanked
	}
	if m.Entries >= most {
		return ErrEntries
	}
	for _, other := range s.entries(b.Mission) {
		if other.By == a.By && !other.Withdrawn {
			own++
		}
	}
	if own >= MaxOwnEntries {
		return ErrOwnEntries
	}

	m.Entries++
	s.Submissions.Set(Entry{b.Mission, a.ID}, Submission{By: a.By, Commitment: b.Commitment, At: a.Time})
	s.Missions.Set(b.Mission, m)
	return nil
}

// entries yields the submissions to a mission, by their ids.
func (s *State) entries(mission event.ID) func(yield func(Entry, Submission) bool) {
	return func(yield func(Entry, Submission) bool) {
		for entry, x := range table.From(&s.Submissions, Entry{Mission: mission}) {
			if entry.Mission != mission || !yield(entry, x) {
				return
			}
		}
	}
}

// submission finds one that stands, and its mission.
func (s *State) submission(entry Entry) (m Mission, x Submission, err error) {
	m, ok := s.Missions.Get(entry.Mission)
	if !ok {
		return m, x, ErrMission
	}
	x, ok = s.Submissions.Get(entry)
	if !ok {
		return m, x, ErrSubmission
	}
	if x.Withdrawn {
		return m, x, ErrWithdrawn
	}
	return m, x, nil
}

// Reveal shows what was committed to. The author consents with it, if they are a contributor.
func (s *State) Reveal(a Act, b Reveal) error {
	m, x, err := s.submission(b.Submission)
	if err != nil {
		return err
	}
	if x.By != a.By {
		return ErrNotAuthor
	}
	if m.Phase != PhaseRevealing {
		return ErrNotRevealing
	}
	if x.Revealed != 0 {
		return ErrRevealed
	}
	if b.Content.Commitment(b.Submission.Mission, a.By, b.Secret) != x.Commitment {
		return ErrCommitment
	}
	if err := b.Content.check(func(key identity.PublicKey) bool { return a.People.Person(key).Member }); err != nil {
		return err
	}

	x.Revealed, x.Content = a.Time, b.Content
	x.Consents = make([]bool, len(b.Content.Contributors))
	for i, c := range b.Content.Contributors {
		x.Consents[i] = c.Member == a.By
	}
	s.Submissions.Set(b.Submission, x)
	return nil
}

// Consent is a contributor's word on a submission.
func (s *State) Consent(a Act, b Consent) error {
	m, x, err := s.submission(b.Submission)
	if err != nil {
		return err
	}
	if m.Phase != PhaseRevealing {
		return ErrNotRevealing
	}
	if x.Revealed == 0 {
		return ErrNotRevealed
	}
	i := slices.IndexFunc(x.Content.Contributors, func(c Contributor) bool { return c.Member == a.By })
	if i < 0 {
		return ErrNotContributor
	}

	x.Consents = slices.Clone(x.Consents)
	x.Consents[i] = b.Agree
	s.Submissions.Set(b.Submission, x)
	return nil
}

// Withdraw takes a submission back.
func (s *State) Withdraw(a Act, b Withdraw) error {
	m, x, err := s.submission(b.Submission)
	if err != nil {
		return err
	}
	if x.By != a.By {
		return ErrNotAuthor
	}
	if m.Phase != PhaseOpen && m.Phase != PhaseRevealing {
		return ErrJudged
	}

	m.Entries--
	x.Withdrawn = true
	s.Submissions.Set(b.Submission, x)
	s.Missions.Set(b.Submission.Mission, m)
	return nil
}

// admit makes candidates of the submissions that were revealed and have a contributor who consents. Their
// contributors, and who submitted them, are entrants from now on.
func (s *State) admit(id event.ID, m *Mission) {
	for entry, x := range s.entries(id) {
		consenting := x.Consenting()
		if x.Withdrawn || x.Revealed == 0 || len(consenting) == 0 {
			continue
		}
		m.Candidates = append(m.Candidates, entry.ID)
		s.Entrants.Set(Seat{id, x.By}, struct{}{})
		for _, c := range consenting {
			s.Entrants.Set(Seat{id, c.Member}, struct{}{})
		}
	}
}
