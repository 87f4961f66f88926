// Package config is the plugin's configuration.
package config

import (
	_ "embed"
	"encoding/json"
	"errors"
	"slices"
	"strings"
)

// Schema is what the host checks a configuration against before it calls init.
//
//go:embed schema.json
var Schema string

// Config is the configuration; see schema.json for its members.
type Config struct {
	Banned      []string          `json:"banned"`
	Secrets     []string          `json:"secrets"`
	System      *string           `json:"system"`
	Header      string            `json:"header"`
	ClosedPaths []string          `json:"closed_paths"`
	Models      map[string]string `json:"models"`
	Answers     map[string]string `json:"answers"`
	Reads       *string           `json:"reads"`
	ShowContext bool              `json:"show_context"`
}

// Default is the configuration where there is none.
func Default() Config {
	system := "Rule of the typed Go guard: be kind."
	return Config{
		Banned:  []string{"forbidden-word"},
		Secrets: []string{"TOP-SECRET"},
		System:  &system,
		Header:  "go",
	}
}

// Parse reads what the host gives to init; `null` stands for no configuration.
func Parse(text string) (Config, error) {
	config := Default()
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&config); err != nil {
		return Config{}, err
	}
	// An empty word is in every text.
	if slices.Contains(config.Banned, "") || slices.Contains(config.Secrets, "") {
		return Config{}, errors.New("a word in `banned` or `secrets` is empty")
	}
	return config, nil
}

// IsBanned tells whether a banned word is in a text.
func (c *Config) IsBanned(text string) bool {
	return slices.ContainsFunc(c.Banned, func(word string) bool { return strings.Contains(text, word) })
}

// InsteadOf gives the upstream, empty unless another one is named, and the model that is asked instead of this one.
func (c *Config) InsteadOf(asked string) (upstream, model string, found bool) {
	other, found := c.Models[asked]
	if upstream, model, slash := strings.Cut(other, "/"); slash {
		return upstream, model, found
	}
	return "", other, found
}

// AnswerTo gives what the guard answers itself.
func (c *Config) AnswerTo(asked string) (string, bool) {
	answer, found := c.Answers[strings.TrimSpace(asked)]
	return answer, found
}
