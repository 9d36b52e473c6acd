package event

// Envelope and core are read by every peer for every event, so they are read without reflection. The
// scanner takes each value in its one spelling only. That the library reads the same, and writes the
// same bytes again, is what the fuzz targets compare.

// reader reads values one after another. After the first error it reads nothing more.
type reader struct {
	scanner
	err error
}

// halves are the core and the signature of an envelope, parts of raw: an array of two byte strings, and
// nothing after it.
func halves(raw []byte) (core, sig []byte, err error) {
	r := reader{scanner: scanner{raw}}
	r.array(2)
	core, sig = r.bytes(), r.bytes()
	if r.err == nil && len(r.rest) > 0 {
		r.err = ErrCanonical
	}
	return core, sig, r.err
}

// readCore reads the fields of a core. What they may hold, and whether the body is one value, is for
// check to say.
func readCore(b []byte) (core, error) {
	r := reader{scanner: scanner{b}}
	r.array(10)
	c := core{Version: r.number(), Kind: r.word(), Coop: r.id(), Key: r.bytes(), Seq: r.number(), Prev: r.id(),
		Deps: r.ids(), Ctx: r.context(), At: r.number()}
	c.Body = r.rest
	return c, r.err
}

// head expects a major type and returns its argument.
func (r *reader) head(major byte) uint64 {
	if r.err != nil {
		return 0
	}
	found, n, err := r.scanner.head()
	if err == nil && found != major {
		err = ErrMalformed
	}
	r.err = err
	return n
}

func (r *reader) number() uint64 { return r.head(0) }

func (r *reader) array(n uint64) {
	if r.head(4) != n && r.err == nil {
		r.err = ErrMalformed
	}
}

func (r *reader) take(n uint64) (taken []byte) {
	if r.err == nil {
		taken, r.err = r.scanner.take(n)
	}
	return taken
}

func (r *reader) bytes() []byte { return r.take(r.head(2)) }

// word reads a text that check allows only a few letters.
func (r *reader) word() string { return string(r.take(r.head(3))) }

// null passes over a null, if there is one.
func (r *reader) null() bool {
	if r.err != nil || len(r.rest) == 0 || r.rest[0] != null {
		return false
	}
	r.rest = r.rest[1:]
	return true
}

// id reads a link, or null for none.
func (r *reader) id() (id ID) {
	if r.null() {
		return ID{}
	}
	if b := r.take(uint64(linkSize)); r.err == nil {
		r.err = id.UnmarshalCBOR(b)
	}
	return id
}

func (r *reader) ids() (ids []ID) {
	n := r.head(4)
	if r.err == nil && n > MaxDeps {
		r.err = ErrDeps
	}
	for range n {
		if r.err != nil {
			return nil
		}
		ids = append(ids, r.id())
	}
	return ids
}

func (r *reader) context() *Context {
	if r.null() {
		return nil
	}
	r.array(2)
	c := Context{Index: r.number()}
	if hash := r.bytes(); len(hash) == len(c.Hash) {
		c.Hash = [32]byte(hash)
	} else if r.err == nil {
		r.err = ErrMalformed
	}
	return &c
}
