package p2p

import (
	"net"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/peer"
)

// Score at which gossip of a peer is no longer heard at all.
const graylist = -2500

// scoring is what gossip thinks of peers. The figures are Lotus's
// (https://github.com/filecoin-project/lotus, node/modules/lp2p/pubsub.go) except where the comment
// says why not. Two invalid messages graylist a peer, and the gate then closes: for a minute, and
// as gossip has not forgotten when it returns, for two, four, eight; about a quarter of an hour.
func scoring(penalty func(peer.ID) float64) (*pubsub.PeerScoreParams, *pubsub.PeerScoreThresholds) {
	return &pubsub.PeerScoreParams{
			Topics:            map[string]*pubsub.TopicScoreParams{},
			AppSpecificScore:  penalty,
			AppSpecificWeight: 1,
			// Lotus begins at 1 with -100; but offices share an address. Up to ten it does not
			// matter, and connsPerAddress is not enough to be graylisted for it alone.
			IPColocationFactorThreshold: 10,
			IPColocationFactorWeight:    -50,
			IPColocationFactorWhitelist: localNetworks(),
			BehaviourPenaltyThreshold:   6,
			BehaviourPenaltyWeight:      -10,
			BehaviourPenaltyDecay:       pubsub.ScoreParameterDecay(time.Hour),
			DecayInterval:               time.Second,
			DecayToZero:                 0.01,
			// Lotus: 6 hours. Scores of the absent do not decay, and the gate has its own memory.
			RetainScore: 10 * time.Minute,
		}, &pubsub.PeerScoreThresholds{
			GossipThreshold:             -500,
			PublishThreshold:            -1000,
			GraylistThreshold:           graylist,
			AcceptPXThreshold:           1000,
			OpportunisticGraftThreshold: 3.5,
		}
}

// topicScoring leaves mesh delivery (P3) out: in a cooperative most hours are silent, and silence
// would look like failure.
func topicScoring() *pubsub.TopicScoreParams {
	return &pubsub.TopicScoreParams{
		TopicWeight:                    1,
		TimeInMeshWeight:               0.0002778, // at most 1 after an hour
		TimeInMeshQuantum:              time.Second,
		TimeInMeshCap:                  3600,
		FirstMessageDeliveriesWeight:   0.5,
		FirstMessageDeliveriesDecay:    pubsub.ScoreParameterDecay(10 * time.Minute),
		FirstMessageDeliveriesCap:      100,
		InvalidMessageDeliveriesWeight: -1000,
		InvalidMessageDeliveriesDecay:  pubsub.ScoreParameterDecay(time.Hour),
	}
}

// localNetworks are loopback and private addresses, where many peers of one machine or of one
// container network share an address honestly.
func localNetworks() []*net.IPNet {
	var out []*net.IPNet
	for _, s := range []string{
		"127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16",
		"::1/128", "fc00::/7", "fe80::/10",
	} {
		_, n, err := net.ParseCIDR(s)
		if err != nil {
			panic("p2p: invariant: " + err.Error())
		}
		out = append(out, n)
	}
	return out
}

// Heartbeat is how often gossip mends its mesh. For so long after a peer's Up, it may miss what
// others publish and we would forward; the usual second would be a long gap.
const Heartbeat = 200 * time.Millisecond

// mesh is gossip among few peers: what a peer publishes goes to all it knows anyway (flood
// publishing), so the mesh only matters beyond one hop.
func mesh() pubsub.GossipSubParams {
	p := pubsub.DefaultGossipSubParams()
	p.D, p.Dlo, p.Dhi, p.Dout, p.Dscore = 6, 4, 12, 2, 4
	p.HeartbeatInterval = Heartbeat
	const perSecond = int(time.Second / Heartbeat)
	p.HistoryLength, p.HistoryGossip = 5*perSecond, 2*perSecond
	p.IDontWantMessageTTL = 3 * perSecond
	p.OpportunisticGraftTicks = uint64(60 * perSecond)
	p.MaxIHaveMessages /= perSecond // per heartbeat, so the same per second
	p.MaxIHaveLength /= perSecond
	p.MaxIDontWantMessages /= perSecond
	// Events are small, and an id is 32 bytes.
	p.IDontWantMessageThreshold = 256
	return p
}
