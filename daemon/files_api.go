package daemon

import (
	"errors"
	"net/http"
	"sync"

	"github.com/sustainy/coop/content"
	"github.com/sustainy/coop/home"
)

// fetches are the files that are being fetched, so that none is fetched twice at a time, and how large they are. Its
// methods may be called from any goroutine.
type fetches struct {
	mu    sync.Mutex
	sizes map[content.ID]uint64
}

func (f *fetches) begin(id content.ID) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.sizes == nil {
		f.sizes = map[content.ID]uint64{}
	}
	if _, busy := f.sizes[id]; busy {
		return false
	}
	f.sizes[id] = 0
	return true
}

func (f *fetches) measure(id content.ID, size uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sizes[id] = size
}

func (f *fetches) end(id content.ID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.sizes, id)
}

func (f *fetches) size(id content.ID) uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.sizes[id]
}

// fileRoutes are about files by their addresses.
func (d *Daemon) fileRoutes(on func(string, answer), mux *http.ServeMux) {
	on("GET /v1/coops/{coop}/files", d.getFiles)
	on("GET /v1/coops/{coop}/files/{file}", d.aboutFile(func(_ *http.Request, room *room, id content.ID) (any, error) {
		f, err := room.files.Get(id)
		if f.Size == 0 {
			f.Size = room.fetches.size(id)
		}
		return f, err
	}))
	on("POST /v1/coops/{coop}/files/{file}/fetch", d.aboutFile(func(r *http.Request, room *room, id content.ID) (any, error) {
		if f, err := room.files.Get(id); err == nil && f.Whole() {
			return f, nil
		}
		if !room.fetches.begin(id) {
			return nil, &home.Problem{Code: CodeBusy, What: "this file is being fetched already", Next: "coop file list shows how far it is"}
		}
		defer room.fetches.end(id)
		return room.fetch(r.Context(), id)
	}))
	on("POST /v1/coops/{coop}/files/{file}/drop", d.aboutFile(func(_ *http.Request, room *room, id content.ID) (any, error) {
		if !room.fetches.begin(id) {
			return nil, &home.Problem{Code: CodeBusy, What: "this file is being fetched", Next: "end that first (Ctrl-C)"}
		}
		defer room.fetches.end(id)
		return struct{}{}, room.files.Drop(id)
	}))
	mux.HandleFunc("POST /v1/coops/{coop}/files", d.postFile)
	mux.HandleFunc("GET /v1/coops/{coop}/files/{file}/bytes", d.getBytes)
}

// storing finds the room that a request is about, with its files.
func (d *Daemon) storing(r *http.Request) (*room, error) {
	room, err := d.room(r.PathValue("coop"))
	if err == nil && room.files == nil {
		err = &home.Problem{Code: home.CodeDisk, What: "the files of this cooperative cannot be kept here", Why: "their directory could not be made or read", Next: "coop doctor"}
	}
	return room, err
}

func (d *Daemon) aboutFile(do func(r *http.Request, room *room, id content.ID) (any, error)) answer {
	return func(r *http.Request) (any, error) {
		room, err := d.storing(r)
		if err != nil {
			return nil, err
		}
		id, err := content.Parse(r.PathValue("file"))
		if err != nil {
			return nil, fileTrouble(err)
		}
		value, err := do(r, room, id)
		return value, fileTrouble(err)
	}
}

// fileTrouble tells what is wrong with a file. It lets other errors pass.
func fileTrouble(err error) error {
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large), errors.Is(err, content.ErrLarge):
		return &home.Problem{Code: CodeUsage, What: content.ErrLarge.Error(), Next: "coop file add FILE", Err: err}
	case errors.Is(err, content.ErrAddress), errors.Is(err, content.ErrEmpty):
		return &home.Problem{Code: CodeUsage, What: err.Error(), Next: "coop file --help", Err: err}
	case errors.Is(err, content.ErrAbsent):
		return &home.Problem{Code: CodeNotFound, What: err.Error(), Next: "coop file get ADDRESS", Err: err}
	case errors.Is(err, content.ErrDamaged):
		return &home.Problem{Code: home.CodeDisk, What: err.Error(), Why: "the disk may be failing, or somebody changed it", Next: "coop file drop ADDRESS; coop file get ADDRESS", Err: err}
	}
	return err
}

func (d *Daemon) getFiles(r *http.Request) (any, error) {
	room, err := d.storing(r)
	if err != nil {
		return nil, err
	}
	files, err := room.files.List()
	for i, f := range files {
		if f.Size == 0 {
			files[i].Size = room.fetches.size(f.ID)
		}
	}
	return files, err
}

// postFile takes a file in.
func (d *Daemon) postFile(w http.ResponseWriter, r *http.Request) {
	answer(func(*http.Request) (any, error) {
		room, err := d.storing(r)
		if err != nil {
			return nil, err
		}
		if free, err := d.freeSpace(d.home.Paths.FilesDir(room.id)); err == nil && free < leastFree+uint64(max(r.ContentLength, 0)) {
			return nil, errNoSpace
		}
		f, err := room.files.Add(http.MaxBytesReader(w, r.Body, content.MaxFile+1))
		return f, fileTrouble(err)
	}).ServeHTTP(w, r.Clone(r.Context()))
}

// getBytes hands out a whole file, and nothing that is not of it; a trailer tells of damage.
func (d *Daemon) getBytes(w http.ResponseWriter, r *http.Request) {
	out := &begun{w: w, kind: "application/octet-stream"}
	room, err := d.storing(r)
	if err == nil {
		var id content.ID
		if id, err = content.Parse(r.PathValue("file")); err == nil {
			err = room.files.WriteTo(out, id)
		}
	}
	out.end(trouble, fileTrouble(err))
}
