// Contenders in Go: the Extism Go SDK, and wazero with a core module whose memory is written and read by hand.
//
//	go-peers extism-go|wazero GUESTS DOCUMENTS
//
// It reads one task a line, as JSON, and answers each with one line: see the crate heimdall-measure.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// A peer is a host of a compiled guest, with one instance that stays.
type peer interface {
	// call calls the instance that stays.
	call(ctx context.Context, function string, input []byte) ([]byte, error)
	// instance makes an instance of the compiled code.
	instance(ctx context.Context) (instance, error)
}

// An instance is there for one call.
type instance interface {
	call(ctx context.Context, function string, input []byte) ([]byte, error)
	close(ctx context.Context) error
}

type task struct {
	Case  string `json:"case"`
	Size  uint64 `json:"size"`
	Times uint64 `json:"times"`
}

// One of its fields is set.
type done struct {
	Nanoseconds *int64  `json:"nanoseconds,omitempty"`
	Output      *string `json:"output,omitempty"`
	Error       *string `json:"error,omitempty"`
}

func main() {
	if err := serve(context.Background(), os.Args); err != nil {
		fmt.Fprintln(os.Stderr, "go-peers:", err)
		os.Exit(1)
	}
}

func serve(ctx context.Context, arguments []string) error {
	if len(arguments) != 4 {
		return fmt.Errorf("usage: go-peers extism-go|wazero GUESTS DOCUMENTS")
	}
	it, err := load(ctx, arguments[1], arguments[2])
	if err != nil {
		return err
	}
	documents := map[uint64][]byte{0: nil}
	asked, says := bufio.NewScanner(os.Stdin), json.NewEncoder(os.Stdout)
	says.SetEscapeHTML(false)
	for asked.Scan() {
		var t task
		if err := json.Unmarshal(asked.Bytes(), &t); err != nil {
			return err
		}
		answer, err := run(ctx, it, t, documents, arguments[3])
		if err != nil {
			why := err.Error()
			answer = done{Error: &why}
		}
		if err := says.Encode(answer); err != nil {
			return err
		}
	}
	return asked.Err()
}

func load(ctx context.Context, who, guests string) (peer, error) {
	switch who {
	case "extism-go":
		return loadExtism(ctx, filepath.Join(guests, "extism.wasm"))
	case "wazero":
		return loadWazero(ctx, filepath.Join(guests, "packed.wasm"))
	}
	return nil, fmt.Errorf("there is no contender %q", who)
}

func run(ctx context.Context, it peer, t task, documents map[uint64][]byte, folder string) (done, error) {
	input, read := documents[t.Size]
	if !read {
		document, err := os.ReadFile(filepath.Join(folder, fmt.Sprintf("%d.json", t.Size)))
		if err != nil {
			return done{}, err
		}
		documents[t.Size], input = document, document
	}
	once, err := once(ctx, it, t.Case, input)
	if err != nil {
		return done{}, err
	}
	if t.Times == 0 {
		output, err := once()
		text := string(output)
		return done{Output: &text}, err
	}
	started := time.Now()
	for range t.Times {
		if _, err := once(); err != nil {
			return done{}, err
		}
	}
	took := time.Since(started).Nanoseconds()
	return done{Nanoseconds: &took}, nil
}

// once is how a case is done one time.
func once(ctx context.Context, it peer, name string, input []byte) (func() ([]byte, error), error) {
	switch name {
	case "echo":
		return func() ([]byte, error) { return it.call(ctx, "echo", input) }, nil
	case "edit":
		return func() ([]byte, error) { return it.call(ctx, "edit_chat", input) }, nil
	case "instance":
		return func() ([]byte, error) {
			fresh, err := it.instance(ctx)
			if err != nil {
				return nil, err
			}
			return nil, fresh.close(ctx)
		}, nil
	case "call-fresh":
		return func() ([]byte, error) {
			fresh, err := it.instance(ctx)
			if err != nil {
				return nil, err
			}
			output, err := fresh.call(ctx, "echo", input)
			if err != nil {
				return nil, err
			}
			// What comes out may lie in the memory of the instance that goes.
			output = append([]byte(nil), output...)
			return output, fresh.close(ctx)
		}, nil
	}
	return nil, fmt.Errorf("there is no such case")
}
