// What the configuration says.

package main

import (
	"encoding/json"
	"slices"
	"strings"
)

type guard struct {
	Banned      []string          `json:"banned"`
	Secrets     []string          `json:"secrets"`
	System      *string           `json:"system"` // nil: none
	Header      string            `json:"header"`
	ClosedPaths []string          `json:"closed_paths"`
	Models      map[string]string `json:"models"`
	Answers     map[string]string `json:"answers"`
	Reads       string            `json:"reads"` // empty: nothing
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

func (g *guard) isClosed(path string) bool {
	return slices.Contains(g.ClosedPaths, path)
}
