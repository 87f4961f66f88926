// What the guard looks for, and what its configuration says.

package main

import (
	"encoding/json"
	"slices"
	"strings"
)

const (
	name      = "tinygo"
	mark      = "[tinygo redacted]"       // in whole answers
	chunkMark = "[tinygo chunk redacted]" // in chunks of streams
)

type guard struct {
	Banned      []string `json:"banned"`
	Secrets     []string `json:"secrets"`
	System      *string  `json:"system"` // nil: none
	Header      string   `json:"header"`
	ClosedPaths []string `json:"closed_paths"`
}

var config = defaults()

func defaults() guard {
	system := "Rule of " + name + ": be kind."
	return guard{Banned: []string{"forbidden-word"}, Secrets: []string{"TOP-SECRET"}, System: &system, Header: name}
}

func configure(text []byte) error {
	config = defaults()
	if len(text) == 0 {
		return nil
	}
	return json.Unmarshal(text, &config)
}

func (g *guard) isBanned(text string) bool {
	return slices.ContainsFunc(g.Banned, func(word string) bool { return strings.Contains(text, word) })
}

func (g *guard) redact(text, mark string) string {
	for _, secret := range g.Secrets {
		text = strings.ReplaceAll(text, secret, mark)
	}
	return text
}

// Texts to be completed or embedded have no place for a system message. Without a path it is a conversation.
func isConversation(path string) bool {
	return path == "" || strings.HasSuffix(path, "/chat/completions") || strings.HasSuffix(path, "/responses")
}
