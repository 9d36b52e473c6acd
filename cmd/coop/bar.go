package main

import (
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// bar shows how far something long has come, with rate and time left, to a person on a terminal.
// Everybody else sees nothing of it.
type bar struct {
	title    string
	app      *app
	progress *mpb.Progress
	bar      *mpb.Bar
}

func (a *app) newBar(title string) *bar { return &bar{title: title, app: a} }

// set says that done of total are done.
func (b *bar) set(done, total uint64) {
	if !b.app.errTTY || b.app.quiet {
		return
	}
	if b.bar == nil {
		b.progress = mpb.New(mpb.WithOutput(b.app.err), mpb.WithWidth(40))
		b.bar = b.progress.AddBar(int64(total),
			mpb.PrependDecorators(decor.Name(b.title+" "), decor.CountersNoUnit("%d/%d")),
			mpb.AppendDecorators(decor.AverageSpeed(0, "%.0f/s "), decor.AverageETA(decor.ET_STYLE_GO)), mpb.BarRemoveOnComplete())
	}
	b.bar.SetTotal(int64(total), false)
	b.bar.SetCurrent(int64(done))
}

// end takes the bar away.
func (b *bar) end() {
	if b.bar != nil {
		b.bar.Abort(true)
		b.progress.Wait()
	}
}
