// A guard on generation 3 of the packed ABI, in standard Go.
package main

const name = "go"

// The host calls the exports; there is nothing to run.
func main() {}
