// Package redact finds secrets in texts and in streams of texts.
package redact

import "strings"

// Mark stands in a secret's place.
const Mark = "[redacted]"

// Whole redacts a whole text. False: there is no secret in it.
func Whole(secrets []string, text string) (string, bool) {
	for _, secret := range secrets {
		if strings.Contains(text, secret) {
			return End(secrets, text), true
		}
	}
	return "", false
}

// Beginning redacts a text that goes on: what of it can be sent now, and the longest tail that could begin a secret.
func Beginning(secrets []string, text string) (ready, held string) {
	return scan(secrets, text, true)
}

// End redacts what is left of a text once it is known to be at its end.
func End(secrets []string, text string) string {
	ready, _ := scan(secrets, text, false)
	return ready
}

// Goes byte by byte: in UTF-8 no character begins within another, so none is ever cut.
func scan(secrets []string, text string, goesOn bool) (ready, held string) {
	var out strings.Builder
	out.Grow(len(text))
	rest := text
	for rest != "" && !(goesOn && mayBegin(secrets, rest)) {
		if secret := longest(secrets, rest); secret > 0 {
			out.WriteString(Mark)
			rest = rest[secret:]
		} else {
			out.WriteByte(rest[0])
			rest = rest[1:]
		}
	}
	return out.String(), rest
}

// True where a secret begins like rest and goes on.
func mayBegin(secrets []string, rest string) bool {
	for _, secret := range secrets {
		if len(secret) > len(rest) && strings.HasPrefix(secret, rest) {
			return true
		}
	}
	return false
}

// The length of the secret that rest begins with: the longest, where one secret begins another.
func longest(secrets []string, rest string) int {
	length := 0
	for _, secret := range secrets {
		if len(secret) > length && strings.HasPrefix(rest, secret) {
			length = len(secret)
		}
	}
	return length
}
