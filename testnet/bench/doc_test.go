// Package bench measures whole peers, each figure beside a floor or a peer taken in the same run: the
// bare cost of signatures, of three broadcast rounds, of writing.
package bench
