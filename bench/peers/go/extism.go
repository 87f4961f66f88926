package main

import (
	"context"
	"fmt"

	extism "github.com/extism/go-sdk"
	"github.com/tetratelabs/wazero"
)

type extismPeer struct {
	compiled *extism.CompiledPlugin
	warm     extismInstance
}

type extismInstance struct{ plugin *extism.Plugin }

func loadExtism(ctx context.Context, guest string) (peer, error) {
	manifest := extism.Manifest{Wasm: []extism.Wasm{extism.WasmFile{Path: guest}}}
	compiled, err := extism.NewCompiledPlugin(ctx, manifest, extism.PluginConfig{}, nil)
	if err != nil {
		return nil, err
	}
	plugin, err := compiled.Instance(ctx, extism.PluginInstanceConfig{ModuleConfig: wazero.NewModuleConfig()})
	if err != nil {
		return nil, err
	}
	return &extismPeer{compiled, extismInstance{plugin}}, nil
}

func (p *extismPeer) call(ctx context.Context, function string, input []byte) ([]byte, error) {
	return p.warm.call(ctx, function, input)
}

func (p *extismPeer) instance(ctx context.Context) (instance, error) {
	plugin, err := p.compiled.Instance(ctx, extism.PluginInstanceConfig{ModuleConfig: wazero.NewModuleConfig()})
	return extismInstance{plugin}, err
}

func (i extismInstance) call(ctx context.Context, function string, input []byte) ([]byte, error) {
	code, output, err := i.plugin.CallWithContext(ctx, function, input)
	if err == nil && code != 0 {
		err = fmt.Errorf("%s returned %d", function, code)
	}
	return output, err
}

func (i extismInstance) close(ctx context.Context) error { return i.plugin.CloseWithContext(ctx) }
