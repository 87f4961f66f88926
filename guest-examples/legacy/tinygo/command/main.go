// A guard on generation 1 of the packed ABI, in Go for TinyGo, built as a command.
package main

const name = "tinygo-command"

// The host starts the command, which ends at once, and calls the exports after it.
func main() {}
