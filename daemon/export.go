package daemon

import "net/http"

func (d *Daemon) getExport(w http.ResponseWriter, r *http.Request) {}

func (d *Daemon) postImport(w http.ResponseWriter, r *http.Request) {}
