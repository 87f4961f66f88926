// A guard on generation 3 of the packed ABI, in Go for TinyGo.
package main

const name = "tinygo"

// The host calls the exports; there is nothing to run.
func main() {}
