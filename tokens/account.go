package tokens

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/identity"
)

// Asset is what can be held: Currency, or the achievement token that NewAsset names.
type Asset [32]byte

// Currency is the cooperative's money.
var Currency Asset

// ErrAsset is the answer to a text that names no asset.
var errAsset = errors.New("this is not the id of a token: expected 64 hexadecimal digits")

// NewAsset names the n-th token that an act makes: SHA-256 of "coop/token/1", a zero byte, the act's
// id and n (8 bytes, big-endian).
func NewAsset(act event.ID, n uint64) Asset {
	b := append([]byte("coop/token/1\x00"), act[:]...)
	return sha256.Sum256(binary.BigEndian.AppendUint64(b, n))
}

// Compare orders by bytes; the currency is first.
func (a Asset) Compare(other Asset) int { return bytes.Compare(a[:], other[:]) }

// Prefix is the first eight bytes, big-endian.
func (a Asset) Prefix() uint64 { return binary.BigEndian.Uint64(a[:]) }

// String is the asset in hexadecimal; the currency is empty.
func (a Asset) String() string {
	if a == Currency {
		return ""
	}
	return hex.EncodeToString(a[:])
}

// MarshalText writes String, so that JSON shows it.
func (a Asset) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (a *Asset) UnmarshalText(text []byte) error {
	var read Asset
	if n, err := hex.Decode(read[:], text[:min(len(text), 64)]); err != nil || len(text) > 64 || n != 0 && n != len(read) {
		return errAsset
	}
	*a = read
	return nil
}

// Account is where an asset is held. The zero Account is none.
type Account struct {
	Kind AccountKind `cbor:"kind" json:"kind"`
	ID   [32]byte    `cbor:"id" json:"id"` // zero for the treasury and the issue
}

// AccountKind tells what the account is of.
type AccountKind string

// The kinds of account.
const (
	OfMember   AccountKind = "member"   // ID is the key that names the member
	OfTreasury AccountKind = "treasury" // of the cooperative as a whole
	InEscrow   AccountKind = "escrow"   // ID is of what the asset waits for: an order, a transfer
	OfIncome   AccountKind = "income"   // ID is a token: its income that holders have not claimed
	OfIssue    AccountKind = "issue"    // the negative side: it owes what all others have
)

// The accounts of which there is one.
var (
	Treasury = Account{Kind: OfTreasury}
	Issue    = Account{Kind: OfIssue}
)

// Member is the account of whom the key names; the Assembly's is the treasury.
func Member(key identity.PublicKey) Account {
	if key == identity.Assembly {
		return Treasury
	}
	return Account{OfMember, key}
}

// Escrow is the account in which an asset waits for something to happen to id.
func Escrow(id event.ID) Account { return Account{InEscrow, id} }

// Income is the account of a token's income.
func Income(token Asset) Account { return Account{OfIncome, token} }

// Key names the member of a member's account; for any other it is the Assembly's.
func (a Account) Key() identity.PublicKey {
	if a.Kind != OfMember {
		return identity.Assembly
	}
	return a.ID
}

// Compare orders by id, then by kind.
func (a Account) Compare(other Account) int {
	return cmp.Or(bytes.Compare(a.ID[:], other.ID[:]), cmp.Compare(a.Kind, other.Kind))
}

// Prefix is the first eight bytes of the id, big-endian.
func (a Account) Prefix() uint64 { return binary.BigEndian.Uint64(a.ID[:]) }

// Place is an account of an asset: the place of its balance.
type Place struct {
	Asset   Asset   `cbor:"asset"`
	Account Account `cbor:"account"`
}

// Compare orders by asset, then by account, so that the holders of an asset stand together.
func (p Place) Compare(other Place) int {
	return cmp.Or(p.Asset.Compare(other.Asset), p.Account.Compare(other.Account))
}

// Balance is what an account has of an asset, in minor units.
type Balance struct {
	Has  uint64 `cbor:"has" json:"has"`
	Owes uint64 `cbor:"owes" json:"owes"` // one of the two is 0

	// Of an achievement token: what its income has brought this account, up to the time when the token's
	// whole Income was Since. An exact fraction: Due minor units of the currency and Rest / Supply of one.
	Since uint64 `cbor:"since" json:"since"`
	Due   uint64 `cbor:"due" json:"due"` // what was claimed is taken off
	Rest  uint64 `cbor:"rest" json:"rest"`

	// Last is the event that last added to Has, if it was an event: who spends what came by it links it.
	Last event.ID `cbor:"last" json:"last"`
}

// Net is what the account has, or, below 0, owes.
func (b *Balance) Net() int64 { return int64(b.Has) - int64(b.Owes) }

// none tells whether nothing is left to know about the account.
func (b *Balance) none() bool { return b.Has|b.Owes|b.Due|b.Rest == 0 }
