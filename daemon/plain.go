package daemon

import (
	"encoding/hex"
	"fmt"

	"github.com/fxamacker/cbor/v2"

	"github.com/sustainy/coop/event"
)

// plain turns decoded CBOR into values that JSON has: byte strings as hexadecimal, links as CIDs,
// embedded drafts opened.
func plain(v any) any {
	switch v := v.(type) {
	case map[any]any:
		m := make(map[string]any, len(v))
		for key, value := range v {
			m[fmt.Sprint(key)] = plain(value)
		}
		return m
	case []any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = plain(v[i])
		}
		return draftOf(v, list)
	case []byte:
		return hex.EncodeToString(v)
	case cbor.Tag:
		if b, ok := v.Content.([]byte); ok && len(b) == 37 {
			return event.ID(b[5:]).String()
		}
		return fmt.Sprint(v.Content)
	}
	return v
}

// draftOf opens a list that is a draft, [kind, body]; any other list stays as it is.
func draftOf(raw, list []any) any {
	if len(raw) != 2 {
		return list
	}
	kind, isText := raw[0].(string)
	body, isBytes := raw[1].([]byte)
	var inside any
	if !isText || !isBytes || cbor.Unmarshal(body, &inside) != nil {
		return list
	}
	return map[string]any{"kind": kind, "body": plain(inside)}
}
