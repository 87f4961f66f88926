// A guard on generation 2 of the packed ABI, in Go for TinyGo.
package main

const name = "tinygo-heap"

// The host calls the exports; there is nothing to run.
func main() {}
