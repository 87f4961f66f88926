// Finds secrets in texts, and in texts that come piece by piece.

package main

import (
	"slices"
	"strings"
)

// Redacts a whole text, or the rest of one.
func (g *guard) redact(text, mark string) string {
	if !slices.ContainsFunc(g.Secrets, func(secret string) bool { return strings.Contains(text, secret) }) {
		return text
	}
	ready, _ := g.scan(text, mark, false)
	return ready
}

// Redacts a text that goes on: what of it can be sent now, and the longest tail that could begin a secret.
func (g *guard) redactBeginning(text, mark string) (ready, held string) {
	return g.scan(text, mark, true)
}

// Goes byte by byte: in UTF-8 no character begins within another, so none is ever cut.
func (g *guard) scan(text, mark string, goesOn bool) (ready, held string) {
	var out strings.Builder
	out.Grow(len(text))
	rest := text
	for rest != "" && !(goesOn && g.mayBegin(rest)) {
		if length := g.secretAt(rest); length > 0 {
			out.WriteString(mark)
			rest = rest[length:]
		} else {
			out.WriteByte(rest[0])
			rest = rest[1:]
		}
	}
	return out.String(), rest
}

// True where a secret begins like rest and goes on.
func (g *guard) mayBegin(rest string) bool {
	for _, secret := range g.Secrets {
		if len(secret) > len(rest) && strings.HasPrefix(secret, rest) {
			return true
		}
	}
	return false
}

// The length of the secret that rest begins with: the longest, where one secret begins another.
func (g *guard) secretAt(rest string) int {
	length := 0
	for _, secret := range g.Secrets {
		if len(secret) > length && strings.HasPrefix(rest, secret) {
			length = len(secret)
		}
	}
	return length
}
