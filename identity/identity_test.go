package identity

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"math/big"
	"strings"
	"testing"

	"filippo.io/edwards25519"
	"github.com/hdevalence/ed25519consensus"
	"pgregory.net/rapid"
)

func key(n byte) Key { return KeyFromSeed([32]byte{n}) }

// The example of the did:key specification, its Ed25519 test vector.
func TestDIDKeyPublishedVector(t *testing.T) {
	const did = "did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp"
	k, err := ParsePublicKey(did)
	if err != nil {
		t.Fatal(err)
	}
	if got := hex.EncodeToString(k[:]); got != "3b6a27bcceb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29" {
		t.Errorf("key is %s", got)
	}
	if k.String() != did {
		t.Errorf("written again as %s", k)
	}
}

// The first vector of RFC 8032 §7.1.
func TestRFC8032Vector(t *testing.T) {
	seed, _ := hex.DecodeString("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
	k := KeyFromSeed([32]byte(seed))
	public := k.Public()
	if got := hex.EncodeToString(public[:]); got != "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a" {
		t.Errorf("public key is %s", got)
	}
	const want = "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
	if got := k.Sign(nil).Hex(); got != want {
		t.Errorf("signature is %s", got)
	}
}

func TestParsePublicKeyRefuses(t *testing.T) {
	good := key(1).Public().String()
	for _, bad := range []string{"", "did:key:", "did:web:example.org", good + "1", good[:len(good)-1],
		strings.ToUpper(good), "did:key:z" + strings.Repeat("1", 400), "did:key:f3b6a27bc"} {
		if _, err := ParsePublicKey(bad); !errors.Is(err, ErrDID) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// torsion is every encoding of a point of small order: the eight canonical ones, and those with a
// second spelling (y + p, or a sign bit on x = 0). They are computed, not copied: multiples of a
// point of order 8, and each y below 19 written as y + p.
func torsion(t *testing.T) [][32]byte {
	t.Helper()
	var all [][32]byte
	seen := map[[32]byte]bool{}
	add := func(b [32]byte) {
		if !seen[b] {
			seen[b] = true
			all = append(all, b)
		}
	}
	raw, _ := hex.DecodeString("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a")
	generator, err := new(edwards25519.Point).SetBytes(raw)
	if err != nil {
		t.Fatal(err)
	}
	p := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 255), big.NewInt(19))
	point := edwards25519.NewIdentityPoint()
	for range 8 {
		b := [32]byte(point.Bytes())
		add(b)
		for _, flip := range []byte{0, 0x80} {
			c := b
			c[31] ^= flip
			if q, err := new(edwards25519.Point).SetBytes(c[:]); err == nil && new(edwards25519.Point).MultByCofactor(q).Equal(edwards25519.NewIdentityPoint()) == 1 {
				add(c)
			}
			sign := c[31] & 0x80
			y := c
			y[31] &= 0x7f
			n := new(big.Int).SetBytes(reversed(y))
			if n.Cmp(big.NewInt(19)) < 0 {
				second := reversed([32]byte(new(big.Int).Add(n, p).FillBytes(make([]byte, 32))))
				second[31] |= sign
				add([32]byte(second))
			}
		}
		point.Add(point, generator)
	}
	return all
}

func reversed(b [32]byte) []byte {
	r := make([]byte, 32)
	for i := range b {
		r[31-i] = b[i]
	}
	return r
}

// ZIP-215 accepts every signature whose key and R are of small order and whose S is 0: 14 encodings
// squared. Single, batch and an independent implementation must agree on each.
func TestZIP215SmallOrderVectors(t *testing.T) {
	points := torsion(t)
	if len(points) != 14 {
		t.Fatalf("%d encodings of small-order points, expected 14", len(points))
	}
	message := []byte("Zcash")
	for _, a := range points {
		for _, r := range points {
			var sig Signature
			copy(sig[:32], r[:])
			want := ed25519consensus.Verify(a[:], message, sig[:])
			if !want {
				t.Fatalf("the twin refuses A=%x R=%x", a, r)
			}
			if !Verify(a, message, sig) {
				t.Errorf("refused A=%x R=%x", a, r)
			}
			for i, ok := range VerifyBatch([]Claim{{a, message, sig}, honest(1), honest(2), {a, message, sig}, honest(3)}) {
				if !ok {
					t.Errorf("batch refused number %d, A=%x R=%x", i, a, r)
				}
			}
		}
	}
}

func TestSmallOrderAndSecondSpellingsAreNotRegistered(t *testing.T) {
	for _, b := range torsion(t) {
		if err := PublicKey(b).Check(); err == nil {
			t.Errorf("%x may be registered", b)
		}
	}
	if err := Assembly.Check(); err == nil {
		t.Error("the Assembly's key may be registered")
	}
	if err := key(1).Public().Check(); err != nil {
		t.Error(err)
	}
	if err := (PublicKey{2}).Check(); !errors.Is(err, ErrKeyNotCanonical) {
		t.Errorf("a y off the curve: %v", err)
	}
}

func honest(n byte) Claim {
	message := []byte{n}
	return Claim{key(n).Public(), message, key(n).Sign(message)}
}

// Batch and single verification and the independent twin agree on damaged claims in any mix.
func TestBatchAgreesWithSingle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		claims := make([]Claim, rapid.IntRange(0, 20).Draw(t, "n"))
		for i := range claims {
			claims[i] = honest(byte(rapid.IntRange(0, 5).Draw(t, "who")))
			switch rapid.IntRange(0, 4).Draw(t, "damage") {
			case 1:
				claims[i].Sig[rapid.IntRange(0, 63).Draw(t, "byte")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
			case 2:
				claims[i].Message = []byte("another")
			case 3:
				claims[i].Key = key(9).Public()
			}
		}
		for i, got := range VerifyBatch(claims) {
			c := claims[i]
			if single := Verify(c.Key, c.Message, c.Sig); got != single {
				t.Fatalf("claim %d: batch %v, single %v", i, got, single)
			}
			if twin := ed25519consensus.Verify(ed25519.PublicKey(c.Key[:]), c.Message, c.Sig[:]); got != twin {
				t.Fatalf("claim %d: %v, twin %v", i, got, twin)
			}
		}
	})
}

func TestLockAndUnlock(t *testing.T) {
	k := key(7)
	file, err := Lock(k, "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	seed := k.Seed()
	if bytes.Contains(file, seed[:]) || IsOpen(file) {
		t.Fatal("the file shows the secret")
	}
	if got, err := Unlock(file, "correct horse"); err != nil || got.Public() != k.Public() {
		t.Fatalf("unlock: %v", err)
	}
	if _, err := Unlock(file, "wrong"); !errors.Is(err, ErrPassphrase) {
		t.Errorf("wrong passphrase: %v", err)
	}
	for name, bad := range map[string][]byte{"cut": file[:len(file)/2], "empty": nil, "noise": []byte("hello"), "huge": make([]byte, MaxKeyFile+1)} {
		if _, err := Unlock(bad, "correct horse"); !errors.Is(err, ErrKeyFile) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got, err := Unlock(LockOpen(k), ""); err != nil || got.Public() != k.Public() {
		t.Errorf("open file: %v", err)
	}
	if !IsOpen(LockOpen(k)) {
		t.Error("an open file does not say so")
	}
}

func TestAKeyNeverPrintsItsSecret(t *testing.T) {
	k := key(3)
	if !strings.Contains(k.String(), k.Public().String()) || strings.Contains(k.GoString(), "private") {
		t.Errorf("%v %#v", k, k)
	}
}

func BenchmarkVerify(b *testing.B) {
	c := honest(1)
	for b.Loop() {
		Verify(c.Key, c.Message, c.Sig)
	}
}

func BenchmarkVerifyBatch(b *testing.B) {
	claims := make([]Claim, 256)
	for i := range claims {
		claims[i] = honest(byte(i))
	}
	for b.Loop() {
		VerifyBatch(claims)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(claims)), "ns/signature")
}
