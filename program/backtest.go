package program

// Past is a proposal that has been decided.
type Past struct {
	Input  Input
	Own    *Ballot // what the member voted, nil if nothing
	Result Choice  // Yes if it passed, No if it was rejected, empty if neither
}

// Record is how a program would have voted on past proposals.
type Record struct {
	Verdicts  []Verdict // one for each, in order
	Abstained int       // abstained of itself
	Failed    int       // abstained because of an error
	Compared  int       // where the member had voted and the program didn't fail
	Agreed    int       // of Compared: both said the same
	Decided   int       // where the program said yes or no and there was a result
	Won       int       // of Decided: the result was what the program said
	Dearest   uint64    // the highest cost
}

// Backtest runs a program on past proposals, each with the same limit.
func Backtest(p *Program, past []Past, limit uint64) Record {
	r := Record{Verdicts: make([]Verdict, len(past))}
	for i, proposal := range past {
		v := p.Run(proposal.Input, limit)
		r.Verdicts[i] = v
		r.Dearest = max(r.Dearest, v.Cost)
		if v.Err != "" {
			r.Failed++
			continue
		}
		if v.Choice == Abstain {
			r.Abstained++
		}
		if proposal.Own != nil {
			r.Compared++
			if proposal.Own.Same(v.Ballot) {
				r.Agreed++
			}
		}
		if (v.Choice == Yes || v.Choice == No) && proposal.Result != "" {
			r.Decided++
			if v.Choice == proposal.Result {
				r.Won++
			}
		}
	}
	return r
}
