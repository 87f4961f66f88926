package main

import (
	"guard/config"
	httptypes "guard/gen/heimdall/plugin/http-types"
	"guard/support"
)

// The hook of responses: adds a header.
func onResponse(_ httptypes.HTTPRequest, response httptypes.HTTPResponse) error {
	return support.Check(response.AddHeader("x-"+config.Name, configured.Mark))
}
