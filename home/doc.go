// Package home is what one peer keeps on disk besides its events: where everything lies, who has
// the door open, the device key, and the guard that keeps the key from contradicting itself.
//
// Its one idea: the key and its guard stay outside the data directory. Data may be lost, restored
// or copied; a device key that is used in two places, or again after a backup was restored, signs
// two different events with one number, and the cooperative would hold that against its owner for
// ever. So beside the key lies a small file per cooperative with the highest numbers ever signed,
// the name of the data directory it belongs to, and the places on the file system of that
// directory and of itself. When any of these disagree the peer becomes an observer: it reads,
// relays and shows everything, says why it doesn't sign, and says what to do about it: mostly [Renew],
// which gives the home a key of its own.
//
// Paths are found in this order: the flag --home, the variable COOP_HOME, the XDG base directories
// (https://specifications.freedesktop.org/basedir-spec/latest/). One process at a time has a home
// open, by a lock of the operating system that ends with the process.
//
// The package knows no network, no cooperative's rules, and neither how events are stored nor when
// they are signed. That a guard is needed, and that asking the others what one has signed is not
// enough, is measured in docs (signing guard); CometBFT's private validator state and EIP-3076
// (slashing protection interchange) keep the same high-water marks for the same reason.
package home
