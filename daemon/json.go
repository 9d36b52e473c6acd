package daemon

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"github.com/sustainy/coop/home"
)

// answer is what a route returns: a value to be written as JSON, or an error that trouble knows how
// to tell.
type answer func(r *http.Request) (any, error)

// ServeHTTP writes the answer. It never lets a browser think that a page may use it: the socket has
// no origin, so a request that names one is refused.
func (a answer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Origin") != "" {
		writeProblem(w, &home.Problem{Code: CodeNotPermitted, What: "this socket does not answer browsers", Next: "coop status"})
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, MaxBody)
	value, err := a(r)
	if err != nil {
		writeProblem(w, trouble(err))
		return
	}
	writeJSON(w, http.StatusOK, value)
}

func writeJSON(w http.ResponseWriter, status int, value any) {
	text, err := json.Marshal(value)
	if err != nil {
		status, text = http.StatusInternalServerError, []byte(`{"code":"E-INTERNAL","error":"the answer cannot be written"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n')) // who asked has gone; nobody is left to tell
}

func writeProblem(w http.ResponseWriter, p *home.Problem) {
	code, known := status[p.Code]
	if !known {
		code = http.StatusInternalServerError
	}
	writeJSON(w, code, p)
}

// decode reads a request's JSON strictly: one value, no unknown fields, nothing behind it, within
// the limit.
func decode(r *http.Request, into any) error {
	body, err := io.ReadAll(r.Body)
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return usage("the request has more than %d bytes", large.Limit)
	}
	if err != nil {
		return usage("the request could not be read: %v", err)
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return usage("the request is no JSON of the expected form: %v", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return usage("something follows the request's JSON")
	}
	return nil
}
