// What Extism's Go kit asks of its host.
package main

import (
	"encoding/json"
	"errors"
	"strings"

	"github.com/extism/go-pdk"
)

const vowels = "aeiouAEIOU"

func main() {}

func succeed(output []byte) int32 {
	pdk.Output(output)
	return 0
}

func refuse(err error) int32 {
	pdk.SetError(err)
	return 1
}

//go:wasmexport echo
func echo() int32 { return succeed(pdk.Input()) }

//go:wasmexport count_vowels
func countVowels() int32 {
	count := 0
	for _, letter := range pdk.InputString() {
		if strings.ContainsRune(vowels, letter) {
			count++
		}
	}
	total := pdk.GetVarInt("total") + count
	pdk.SetVarInt("total", total)
	output, err := json.Marshal(struct {
		Count  int    `json:"count"`
		Total  int    `json:"total"`
		Vowels string `json:"vowels"`
	}{count, total, vowels})
	if err != nil {
		return refuse(err)
	}
	return succeed(output)
}

//go:wasmexport config_value
func configValue() int32 {
	key := pdk.InputString()
	value, ok := pdk.GetConfig(key)
	if !ok {
		return refuse(errors.New("no configuration value: " + key))
	}
	return succeed([]byte(value))
}

//go:wasmexport fail
func fail() int32 { return refuse(errors.New(pdk.InputString())) }

//go:wasmexport panics
func panics() int32 { panic(pdk.InputString()) }

// What a host function gives.
//
//go:wasmimport extism:host/user greet
func greet(name uint64) uint64

//go:wasmexport host_greet
func hostGreet() int32 {
	name := pdk.AllocateString(pdk.InputString())
	defer name.Free()
	greeting := pdk.FindMemory(greet(name.Offset()))
	return succeed(greeting.ReadBytes())
}

// The status and the body of what is at a URL, as {"status", "body"}.
//
//go:wasmexport http_get
func httpGet() int32 {
	response := pdk.NewHTTPRequest(pdk.MethodGet, pdk.InputString()).Send()
	output, err := json.Marshal(struct {
		Status uint16 `json:"status"`
		Body   string `json:"body"`
	}{response.Status(), string(response.Body())})
	if err != nil {
		return refuse(err)
	}
	return succeed(output)
}

//go:wasmexport log_all
func logAll() int32 {
	text := pdk.InputString()
	for level := pdk.LogTrace; level <= pdk.LogError; level++ {
		pdk.Log(level, text)
	}
	return 0
}
