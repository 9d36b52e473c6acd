package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sustainy/coop/coop"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/missions"
)

func (a *app) forecastCommand() *cobra.Command {
	var comment string
	cmd := a.signs(&cobra.Command{
		Use:   "forecast MISSION target|delivery CHANCE",
		Short: "Say how likely a mission reaches its target, or is delivered; who is right earns standing",
		Long: `Say how likely a mission reaches its target, or is delivered, in percent from 1 to 99. When it is known, your
forecast is compared with those of the others: who was less wrong than they were on average gains standing, who
was more wrong loses some. Early forecasts weigh more. What pays is to say what you believe.

Who can gain from a mission (its lister, its backers, who works for it) makes no forecast, and a forecast of
somebody who backs, works for or judges it later does not count.`,
		Args: cobra.ExactArgs(3),
	}, func(cmd *cobra.Command, args []string) (act, error) {
		m, err := a.mission(cmd, args[0])
		if err != nil {
			return act{}, err
		}
		chance, err := strconv.ParseUint(strings.TrimSuffix(args[2], "%"), 10, 32)
		if err != nil {
			return act{}, usagef("%q is no chance in percent", args[2])
		}
		what := map[string]string{"target": "reaches its target", "delivery": "is delivered"}[args[1]]
		if what == "" {
			return act{}, usagef("%q can't be forecast: say target or delivery", args[1])
		}
		return act{missions.KindForecast, missions.Foresee{Mission: m.ID, About: missions.Question(args[1]), Chance: chance, Comment: comment},
			fmt.Sprintf("forecast that the mission %q %s with a chance of %d %%", m.Title, what, chance)}, nil
	})
	cmd.Flags().StringVar(&comment, "comment", "", "why; everybody can read it")
	return cmd
}

func (a *app) standingCommand() *cobra.Command {
	var member string
	var least int64
	cmd := &cobra.Command{
		Use:   "standing",
		Short: "List the members' standing, earned by forecasts and on juries; it fades, and counts in no vote",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			all, err := get[[]coop.StandingView](a, cmd, "standing")
			if err != nil {
				return err
			}
			type view = coop.StandingView
			all, err = ofMember(a, cmd, all, member, func(v view) (identity.PublicKey, string) { return v.Member, v.Name })
			if err != nil {
				return err
			}
			all = slices.DeleteFunc(all, func(v view) bool { return cmd.Flags().Changed("least") && v.Points < least })
			return list(a, all, func(v view) string { return v.Member.String() },
				column[view]{name: "member", text: func(v view) string { return v.Name }},
				column[view]{name: "points", text: func(v view) string { return fmt.Sprint(v.Points) }})
		},
	}
	cmd.Flags().StringVar(&member, "member", "", "only this member's, by name or key")
	cmd.Flags().Int64Var(&least, "least", 0, "only those with so many points or more")
	return cmd
}

func (a *app) missionFlagCommand() *cobra.Command {
	var reason string
	cmd := a.signs(&cobra.Command{
		Use:   "flag MISSION --reason WHY",
		Short: "Say that you take a mission for spam; once enough do, all members are asked",
		Args:  cobra.ExactArgs(1),
	}, func(cmd *cobra.Command, args []string) (act, error) {
		m, err := a.mission(cmd, args[0])
		return act{missions.KindFlag, missions.Flag{Mission: m.ID, Reason: reason},
			fmt.Sprintf("say that you take the mission %q for spam; %d have said so before you, and with %d all members are asked", m.Title, len(m.Flags), m.FlagsNeeded)}, err
	})
	cmd.Flags().StringVar(&reason, "reason", "", "why; everybody can read it")
	required(cmd, "reason")
	return cmd
}

func (a *app) missionCallCommand() *cobra.Command {
	return a.signs(&cobra.Command{
		Use:   "call MISSION spam|sound",
		Short: "Say whether a mission that was flagged is spam",
		Args:  cobra.ExactArgs(2),
	}, func(cmd *cobra.Command, args []string) (act, error) {
		m, err := a.mission(cmd, args[0])
		if err != nil {
			return act{}, err
		}
		words := fmt.Sprintf("say that the mission %q is no spam, and goes on", m.Title)
		switch args[1] {
		case "spam":
			words = fmt.Sprintf("call the mission %q spam; if most do, all pledges go back, and its deposit of %s to those who flagged it", m.Title, m.Currency.Format(m.Deposit))
		case "sound":
		default:
			return act{}, usagef("%q is neither spam nor sound", args[1])
		}
		return act{missions.KindCall, missions.Call{Mission: m.ID, Spam: args[1] == "spam"}, words}, nil
	})
}

// expectedInWords says what the members expect of a mission, and what each has said.
func expectedInWords(m *coop.MissionView) string {
	var lines []string
	for _, e := range m.Expected {
		lines = append(lines, fmt.Sprintf("%s: %d %% by %s", e.About, e.Chance, coop.Plural(e.Forecasts, "forecast", "forecasts")))
	}
	for _, f := range m.Forecasts {
		line := fmt.Sprintf("%s: %d %% for the %s, weight %d", oneLine(f.Name), f.Chance, f.About, f.Weight)
		if f.Points != 0 {
			line += fmt.Sprintf(", %d points", f.Points)
		}
		lines = append(lines, strings.TrimSuffix(line+"; "+oneLine(f.Comment), "; "))
	}
	return strings.Join(lines, "\n")
}

// spamInWords says who takes a mission for spam.
func spamInWords(m *coop.MissionView) string {
	if len(m.Flags) == 0 {
		return ""
	}
	line := fmt.Sprintf("flagged by %d of %d", len(m.Flags), m.FlagsNeeded)
	if m.Trial != 0 {
		line += fmt.Sprintf("; until %s members say whether it is spam", m.Trial)
	}
	if len(m.Spam)+len(m.Sound) > 0 {
		line += fmt.Sprintf("; %d call it spam, %d do not", len(m.Spam), len(m.Sound))
	}
	for _, f := range m.Flags {
		line += fmt.Sprintf("\n%s: %s", oneLine(f.Name), oneLine(f.Reason))
	}
	return line
}

// missionTerms makes the action of coop propose --mission-terms.
func missionTerms(text string, o *coop.Overview) (b missions.Terms, words string, err error) {
	w := strings.Fields(text)
	if len(w) != 3 {
		return b, "", usagef("%q are no terms: write DEPOSIT FLAGS PERIOD, such as '5 3 3d'", text)
	}
	if b.Deposit, err = amount(w[0], o.Currency); err != nil {
		return b, "", err
	}
	if b.Flags, err = number(w[1]); err != nil {
		return b, "", err
	}
	d, err := duration(w[2])
	b.Trial = event.Time(d.Milliseconds())
	return b, fmt.Sprintf("ask for a deposit of %s to list a mission; once %d have flagged it, members have %s to call it spam, and the deposit goes to who flagged it", o.Currency.Format(b.Deposit), b.Flags, span(d)), err
}
