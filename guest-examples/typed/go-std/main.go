// A plugin with one hook, in standard Go: it appends a tag to the last user message. Its code is in exports/, where the
// bindings call it: a package for each interface that the world exports.
package main

import _ "tag/exports/wit_exports"

func main() {}
