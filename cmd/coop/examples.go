package main

import (
	"strings"

	"github.com/spf13/cobra"
)

// examples are shown by --help of the commands about work, money and sales.
var examples = map[string]string{
	"mission":        "coop mission list --under-way",
	"mission list":   "coop mission list --phase funding --tag music",
	"mission show":   "coop mission show 'A song'",
	"mission new":    "coop mission new 'A song' --text 'For the roof' --criteria Singable --prize 30 --prize 10 --target 40 --token song --price 5",
	"mission cancel": "coop mission cancel 'A song'",
	"mission judge":  "coop mission judge 'A song' --approve Sunrise --reason 'I sing it'",
	"mission appeal": "coop mission appeal 'A song' --reason 'The jury did not hear it'",
	"mission flag":   "coop mission flag 'A song' --reason 'Listed three times'",
	"mission call":   "coop mission call 'A song' sound",
	"mission prove":  "coop mission prove 'A wall' --text 'The stones lie there' --file wall.jpg",
	"mission accept": "coop mission accept 'A wall' --no",
	"pledge":         "coop pledge 'A song' 15 --comment 'For Sunday'",
	"submit":         "coop submit 'A song' Sunrise --file score.pdf --with Cleo=3:music --with Ben=1:words",
	"reveal":         "coop reveal Sunrise",
	"consent":        "coop consent Sunrise",
	"withdraw":       "coop withdraw Sunrise",
	"forecast":       "coop forecast 'A song' target 80 --comment 'We all sing'",
	"standing":       "coop standing --member Cleo",
	"jury":           "coop jury list --mine",
	"jury list":      "coop jury list --sitting --of 'A song'",
	"jury show":      "coop jury show 'mission 0 round 1' --proposal ID",
	"jury decline":   "coop jury decline 'mission 0 round 1' --proposal ID",
	"award":          "coop award list --mine",
	"award list":     "coop award list --member Cleo --token song",
	"award show":     "coop award show 'A song'",

	"ledger":         "coop ledger --of EUR --member treasury",
	"statement":      "coop statement --of EUR --what mission\n  coop statement --member treasury --csv > treasury.csv",
	"token":          "coop token list",
	"token list":     "coop token list --rule members",
	"token show":     "coop token show song",
	"token transfer": "coop token transfer Ben 12.50 --memo 'For the paint'\n  coop token transfer Ben 10 --of song",
	"token claim":    "coop token claim song",
	"token pay":      "coop token pay song 25 --memo 'The concert'",
	"token issue":    "coop token issue Ben 50 --receipt bank-2026-114",
	"token redeem":   "coop token redeem 50 --receipt bank-2026-115",
	"market":         "coop market book song",
	"market list":    "coop market list --mine",
	"market book":    "coop market book song --side sell",
	"market buy":     "coop market buy song 10 --at 0.60 --for 7d",
	"market sell":    "coop market sell song 10 --at 0.50",
	"market cancel":  "coop market cancel ID",
	"market prices":  "coop market prices song --last 10",

	"element":         "coop element list",
	"element list":    "coop element list --state 'on sale'",
	"element show":    "coop element show song",
	"product":         "coop product list --all",
	"product list":    "coop product list --state 'on sale'",
	"product show":    "coop product show home",
	"product terms":   "coop product terms",
	"product demand":  "coop product demand --kind mission",
	"bundle":          "coop bundle list",
	"bundle list":     "coop bundle list --all",
	"bundle show":     "coop bundle show home",
	"buy":             "coop buy home --steer song=20% --steer treasury=2 --dry-run\n  coop buy song 8 --steer 'mission/A song=3'\n  coop buy song --receipt till-7 --for did:key:…",
	"receipt":         "coop receipt ID --explain",
	"receipt list":    "coop receipt list --all --state held",
	"receipt refund":  "coop receipt refund ID --memo 'Bought twice'",
	"claim":           "coop claim\n  coop claim song",
	"surplus":         "coop surplus list",
	"surplus list":    "coop surplus list --open",
	"surplus show":    "coop surplus show 0 --csv > shares.csv",
	"surplus capital": "coop surplus capital --member Ben",
	"surplus claim":   "coop surplus claim 0",
}

// addExamples gives them to the commands below root.
func addExamples(root *cobra.Command) {
	for _, cmd := range root.Commands() {
		addExamples(cmd)
		_, path, _ := strings.Cut(cmd.CommandPath(), " ")
		if text := examples[path]; text != "" {
			cmd.Example = "  " + text
		}
	}
}
