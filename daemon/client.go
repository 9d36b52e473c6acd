package daemon

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/sustainy/coop/home"
)

// maxAnswer bounds an answer that a client reads whole.
const maxAnswer = 64 << 20

// Client speaks to the daemon of a home.
type Client struct {
	Notice func(text string) // told what the person should know of an answer; may be nil

	http   *http.Client
	socket string
}

// Dial makes a client. It doesn't look whether a daemon runs: the first request does.
func Dial(p home.Paths) *Client {
	socket := p.Socket()
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var dialer net.Dialer
		return dialer.DialContext(ctx, "unix", socket)
	}}
	return &Client{http: &http.Client{Transport: transport}, socket: socket}
}

// Get asks, and decodes the answer into out.
func (c *Client) Get(ctx context.Context, path string, out any) error {
	return c.do(ctx, http.MethodGet, path, "", nil, out)
}

// Post sends in as JSON, and decodes the answer into out, which may be nil.
func (c *Client) Post(ctx context.Context, path string, in, out any) error {
	text, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("cannot write the request: %w", err)
	}
	return c.do(ctx, http.MethodPost, path, "application/json", bytes.NewReader(text), out)
}

// Send streams a body of another type.
func (c *Client) Send(ctx context.Context, path, contentType string, body io.Reader, out any) error {
	return c.do(ctx, http.MethodPost, path, contentType, body, out)
}

// Stream asks, and copies the answer to w.
func (c *Client) Stream(ctx context.Context, path string, w io.Writer) error {
	res, err := c.ask(ctx, http.MethodGet, path, "", nil)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return problemIn(res)
	}
	if _, err := io.Copy(w, res.Body); err != nil {
		return fmt.Errorf("the answer ended too early: %w", err)
	}
	if told := res.Trailer.Get(trailerError); told != "" {
		return &home.Problem{Code: CodeInternal, What: told, Next: "coop doctor"}
	}
	return nil
}

// trailerError tells of an error that came after the answer had begun.
const trailerError = "X-Coop-Error"

func (c *Client) do(ctx context.Context, method, path, contentType string, body io.Reader, out any) error {
	res, err := c.ask(ctx, method, path, contentType, body)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return problemIn(res)
	}
	if out == nil {
		return nil
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, maxAnswer)).Decode(out); err != nil {
		return &home.Problem{Code: CodeInternal, What: "the daemon's answer could not be read", Why: err.Error(), Err: err,
			Next: "coop down; coop up, if coop was updated while the daemon ran"}
	}
	return nil
}

func (c *Client) ask(ctx context.Context, method, path, contentType string, body io.Reader) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://coop"+path, body)
	if err != nil {
		return nil, fmt.Errorf("cannot ask the daemon: %w", err)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	res, err := c.http.Do(req)
	switch {
	case errors.Is(err, syscall.ENOENT), errors.Is(err, syscall.ECONNREFUSED):
		return nil, &home.Problem{Code: CodeNotRunning, What: "the daemon of this home is not running", Why: "nobody answers on " + c.socket, Next: "coop up", Err: err}
	case errors.Is(err, syscall.EACCES):
		return nil, &home.Problem{Code: CodeNotPermitted, What: "the daemon belongs to another user", Why: c.socket + " is closed to you", Next: "use your own home: coop init", Err: err}
	case err != nil && ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		return nil, &home.Problem{Code: CodeNotRunning, What: "the daemon did not answer", Why: err.Error(), Next: "coop status, then: coop up", Err: err}
	}
	if text := res.Header.Get(noticeHeader); text != "" && c.Notice != nil {
		c.Notice(text)
	}
	return res, nil
}

func problemIn(res *http.Response) error {
	var p home.Problem
	text, err := io.ReadAll(io.LimitReader(res.Body, MaxBody))
	if err != nil || json.Unmarshal(text, &p) != nil || p.Code == "" {
		return &home.Problem{Code: CodeInternal, What: "the daemon failed", Why: res.Status + " " + strings.TrimSpace(string(text)), Next: "coop doctor"}
	}
	return &p
}

// Path joins escaped parts to a path of the API.
func Path(parts ...string) string {
	path := "/v1"
	for _, part := range parts {
		path += "/" + url.PathEscape(part)
	}
	return path
}

// Await waits until the daemon answers, or until ended says that it never will.
func (c *Client) Await(ctx context.Context, ended <-chan error) error {
	for {
		err := c.Get(ctx, "/v1/status", new(Status))
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case end := <-ended:
			return end
		case <-time.After(20 * time.Millisecond):
		}
	}
}
