package event

import (
	"bytes"
	"fmt"
	"unicode/utf8"

	"github.com/fxamacker/cbor/v2"
)

// encoding and decoding are the one CBOR mode of the project: RFC 8949 §4.2.1 deterministic
// encoding, with nil and empty containers spelled alike.
var encoding, decoding = modes()

func modes() (cbor.UserBufferEncMode, cbor.DecMode) {
	e := cbor.CoreDetEncOptions()
	e.IndefLength = cbor.IndefLengthForbidden
	e.NaNConvert = cbor.NaNConvertReject
	e.InfConvert = cbor.InfConvertReject
	e.BigIntConvert = cbor.BigIntConvertReject
	e.NilContainers = cbor.NilContainerAsEmpty
	e.BinaryMarshaler = cbor.BinaryMarshalerNone
	enc, err := e.UserBufferEncMode()
	if err != nil {
		panic("event: invariant: the encoding options are valid: " + err.Error())
	}
	dec, err := cbor.DecOptions{
		DupMapKey:           cbor.DupMapKeyEnforcedAPF,
		MaxNestedLevels:     MaxNesting + 4,
		MaxArrayElements:    MaxCore,
		MaxMapPairs:         MaxItems,
		IndefLength:         cbor.IndefLengthForbidden,
		ExtraReturnErrors:   cbor.ExtraDecErrorUnknownField,
		UTF8:                cbor.UTF8RejectInvalid,
		FieldNameMatching:   cbor.FieldNameMatchingCaseSensitive,
		ByteStringToString:  cbor.ByteStringToStringForbidden,
		FieldNameByteString: cbor.FieldNameByteStringForbidden,
		NaN:                 cbor.NaNDecodeForbidden,
		Inf:                 cbor.InfDecodeForbidden,
		BignumTag:           cbor.BignumTagForbidden,
		BinaryUnmarshaler:   cbor.BinaryUnmarshalerNone,
		ByteStringToTime:    cbor.ByteStringToTimeForbidden,
	}.DecMode()
	if err != nil {
		panic("event: invariant: the decoding options are valid: " + err.Error())
	}
	return enc, dec
}

// Marshal writes v in the canonical form: structs as maps of their cbor names, or as arrays when
// tagged toarray. Only values that have no canonical form fail: floats that are NaN, channels,
// functions.
func Marshal(v any) ([]byte, error) { return encoding.Marshal(v) }

// MarshalTo appends to b what Marshal gives; after an error b may have some of it.
func MarshalTo(b *bytes.Buffer, v any) error { return encoding.MarshalToBuffer(v, b) }

// Unmarshal reads the one canonical spelling of a value into the struct that v points to. Unknown
// fields, wrong types, trailing bytes and any second spelling are errors that wrap ErrCanonical or
// ErrMalformed. No option of the decoder refuses every second spelling, so what was read is written
// again and compared.
func Unmarshal(b []byte, v any) error {
	if err := decoding.Unmarshal(b, v); err != nil {
		return fmt.Errorf("%w: %v", ErrMalformed, err)
	}
	again, err := encoding.Marshal(v)
	if err != nil {
		return fmt.Errorf("%w: %v", ErrMalformed, err)
	}
	if !bytes.Equal(b, again) {
		return ErrCanonical
	}
	return nil
}

// scanner walks the bytes of one dag-cbor value and refuses every spelling but the canonical one.
type scanner struct {
	rest []byte
}

// checkBody tells whether b is one canonical dag-cbor map: text keys in length-first order, no
// floats, no tags but links, integers of at most 53 bits.
func checkBody(b []byte) error {
	if len(b) == 0 || b[0]>>5 != 5 {
		return ErrBody
	}
	s := scanner{b}
	if err := s.value(0); err != nil {
		return err
	}
	if len(s.rest) != 0 {
		return ErrCanonical
	}
	return nil
}

// head reads a major type and its argument in shortest form.
func (s *scanner) head() (major byte, argument uint64, err error) {
	if len(s.rest) == 0 {
		return 0, 0, ErrMalformed
	}
	first := s.rest[0]
	s.rest = s.rest[1:]
	major, low := first>>5, first&31
	if low < 24 {
		return major, uint64(low), nil
	}
	if low > 27 { // indefinite lengths and reserved values
		return 0, 0, ErrCanonical
	}
	width := 1 << (low - 24)
	if len(s.rest) < width {
		return 0, 0, ErrMalformed
	}
	for _, b := range s.rest[:width] {
		argument = argument<<8 | uint64(b)
	}
	s.rest = s.rest[width:]
	shortest := [4]uint64{24, 1 << 8, 1 << 16, 1 << 32}[low-24]
	if argument < shortest {
		return 0, 0, ErrCanonical
	}
	return major, argument, nil
}

func (s *scanner) take(n uint64) ([]byte, error) {
	if n > uint64(len(s.rest)) {
		return nil, ErrMalformed
	}
	taken := s.rest[:n]
	s.rest = s.rest[n:]
	return taken, nil
}

func (s *scanner) value(depth int) error {
	if depth > MaxNesting {
		return ErrNesting
	}
	major, n, err := s.head()
	if err != nil {
		return err
	}
	switch major {
	case 0:
		return within(n <= MaxInteger, ErrInteger)
	case 1: // -1-n
		return within(n < MaxInteger, ErrInteger)
	case 2:
		_, err = s.take(n)
		return err
	case 3:
		return s.text(n)
	case 4:
		return s.array(n, depth)
	case 5:
		return s.pairs(n, depth)
	case 6:
		return s.link(n)
	}
	return within(n >= 20 && n <= 22, ErrSimple) // false, true, null
}

func within(ok bool, otherwise error) error {
	if ok {
		return nil
	}
	return otherwise
}

func (s *scanner) text(n uint64) error {
	text, err := s.take(n)
	if err != nil {
		return err
	}
	return within(utf8.Valid(text), ErrText)
}

func (s *scanner) array(n uint64, depth int) error {
	if n > MaxItems {
		return ErrItems
	}
	for ; n > 0; n-- {
		if err := s.value(depth + 1); err != nil {
			return err
		}
	}
	return nil
}

func (s *scanner) pairs(n uint64, depth int) error {
	if n > MaxItems {
		return ErrItems
	}
	var last []byte
	for i := uint64(0); i < n; i++ {
		major, size, err := s.head()
		if err != nil {
			return err
		}
		if major != 3 {
			return ErrMapKey
		}
		key, err := s.take(size)
		if err != nil {
			return err
		}
		if !utf8.Valid(key) {
			return ErrText
		}
		if i > 0 && (len(key) < len(last) || len(key) == len(last) && bytes.Compare(key, last) <= 0) {
			return ErrCanonical
		}
		last = key
		if err := s.value(depth + 1); err != nil {
			return err
		}
	}
	return nil
}

// link checks what follows a tag: only 42 with a CIDv1 of dag-cbor and sha2-256.
func (s *scanner) link(tag uint64) error {
	if tag != 42 {
		return ErrTag
	}
	b, err := s.take(uint64(linkSize - 2))
	if err != nil {
		return ErrLink
	}
	return within(string(b[:len(linkPrefix)-2]) == linkPrefix[2:], ErrLink)
}
