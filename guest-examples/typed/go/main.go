// A guard for Heimdall that has every hook: it refuses banned words, puts a system message first, and redacts secrets in
// answers and in streams, also where a secret is cut in two by a chunk boundary.
package main

import "guard/support"

func init() {
	support.Lifecycle(describe, start, cleanup)
	support.OnRequest(onRequest)
	support.OnResponse(onResponse)
	support.BeforeCall(beforeCall)
	support.AfterCall(afterCall, afterError)
	support.Stream(onChunk, onEnd)
}

func main() {}
