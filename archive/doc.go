// Package archive writes a whole cooperative into one file, and proves such a file on an empty
// machine.
//
// Its one idea: a file is believed in nothing. It claims a number of commits and a state root; a
// reader opens every event and every round block, with all signatures, runs the one rule of order
// over them, folds the result, counts every vote again, and compares. So the file serves as backup,
// as invitation without a network, and as evidence for a stranger.
//
// The file is a CARv1 (https://ipld.io/specs/transport/car/carv1/) of dag-cbor blocks in one order
// only: the manifest, which is the root; pages, lists of links to events and then to round blocks;
// the events as signed envelopes, in the order in which the writer accepted them; the round blocks,
// likewise. Every block is named by its hash. What is missing, damaged, in another order or too much
// is an error that says so.
//
// The package knows no disk and no network: it writes to a writer, reads from a reader, and takes
// and gives events through crdt.Store.
package archive
