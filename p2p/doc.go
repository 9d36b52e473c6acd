// Package p2p carries frames between the peers of cooperatives.
//
// Its one idea: a cooperative is a [Room], and the network asks a room only four things. Check
// judges a frame from outside, concurrently and before anything else happens to it; Deliver takes
// what was judged good and may block, which slows only the peer who sends; Up and Down tell who is
// there. In return a room holds a [Link]: Publish gossips to all, Send speaks to one, and neither
// ever blocks: what does not fit into a bounded queue is refused and counted. Whoever needs
// certainty asks again (pull sync); this package promises none.
//
// One [Host] serves many rooms that know nothing of each other. A peer is its Ed25519 device key,
// which is also its libp2p identity, so a connection is authenticated by the key that signs events.
//
// Gossip is GossipSub v1.1 with scores (https://github.com/libp2p/specs/tree/master/pubsub/gossipsub)
// and content-hashed message ids; messages are not signed again, since what they carry is signed.
// A stream carries frames of one protocol of one room in one direction, each frame behind its
// length as an unsigned varint (https://github.com/multiformats/unsigned-varint); the first frame
// names the room.
//
// Peers kept with [Host.Keep] are pinned by always being connected and never trimmed, not as
// GossipSub "direct peers": those must be configured on both sides, and are exempt from the
// graylist. With flood publishing, what a member publishes reaches every kept peer in one hop.
//
// The package does not know what a frame means, who is a member, or what is on disk.
package p2p
