package main

import (
	"guard/config"
	requesthook "guard/gen/heimdall/plugin/http-request-hook"
	httptypes "guard/gen/heimdall/plugin/http-types"
	"guard/support"
)

// The hook of requests: adds a header.
func onRequest(request httptypes.HTTPRequest) (requesthook.Outcome, error) {
	err := support.Check(request.AddHeader("x-"+config.Name, configured.Mark))
	return requesthook.OutcomeProceed(), err
}
