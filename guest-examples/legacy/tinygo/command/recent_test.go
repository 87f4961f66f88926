package main

import (
	"fmt"
	"testing"
)

func TestOfTooManyRequestsTheOldestIsForgotten(t *testing.T) {
	var texts recent[string]
	for i := range maxRequests + 1 {
		texts.set(fmt.Sprint(i), "text")
	}
	texts.set("1", "other")
	if texts.get("0") != "" || texts.get("1") != "other" || texts.get(fmt.Sprint(maxRequests)) != "text" {
		t.Error(texts.ids)
	}
}

func TestNothingIsKeptOfAStreamThatFinished(t *testing.T) {
	send := newStream(t)
	send(piece(0, "TOP") + "," + piece(1, "TOP"))
	if len(held.get(streamID)) != 2 {
		t.Error(held.values)
	}
	send(finish(0) + "," + finish(1))
	if len(held.values) != 0 || len(held.ids) != 0 {
		t.Error(held.values)
	}
}
