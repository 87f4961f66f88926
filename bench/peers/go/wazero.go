package main

import (
	"context"
	"fmt"
	"os"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

type wazeroPeer struct {
	runtime wazero.Runtime
	code    wazero.CompiledModule
	warm    *wazeroInstance
}

type wazeroInstance struct {
	module       api.Module
	malloc, free api.Function
	functions    map[string]api.Function
	// The arguments and results of a call, so that none allocates.
	stack [2]uint64
}

func loadWazero(ctx context.Context, guest string) (peer, error) {
	bytes, err := os.ReadFile(guest)
	if err != nil {
		return nil, err
	}
	runtime := wazero.NewRuntime(ctx)
	code, err := runtime.CompileModule(ctx, bytes)
	if err != nil {
		return nil, err
	}
	p := &wazeroPeer{runtime: runtime, code: code}
	p.warm, err = p.make(ctx)
	return p, err
}

func (p *wazeroPeer) make(ctx context.Context) (*wazeroInstance, error) {
	// Without a name there may be several.
	module, err := p.runtime.InstantiateModule(ctx, p.code, wazero.NewModuleConfig().WithName(""))
	if err != nil {
		return nil, err
	}
	made := &wazeroInstance{module: module, malloc: module.ExportedFunction("malloc"), free: module.ExportedFunction("free")}
	made.functions = map[string]api.Function{}
	for _, name := range []string{"echo", "edit_chat"} {
		made.functions[name] = module.ExportedFunction(name)
	}
	return made, nil
}

func (p *wazeroPeer) call(ctx context.Context, function string, input []byte) ([]byte, error) {
	return p.warm.call(ctx, function, input)
}

func (p *wazeroPeer) instance(ctx context.Context) (instance, error) { return p.make(ctx) }

func (i *wazeroInstance) call(ctx context.Context, function string, input []byte) ([]byte, error) {
	length := uint64(len(input))
	address, err := i.do(ctx, i.malloc, length)
	if err != nil {
		return nil, err
	}
	if !i.module.Memory().Write(uint32(address), input) {
		return nil, fmt.Errorf("malloc gave %d, which is outside of the memory", address)
	}
	packed, err := i.do(ctx, i.functions[function], address, length)
	if err != nil {
		return nil, err
	}
	at, bytes := packed>>32, packed&0xffff_ffff
	view, inside := i.module.Memory().Read(uint32(at), uint32(bytes))
	if !inside {
		return nil, fmt.Errorf("the result at %d is outside of the memory", at)
	}
	output := append([]byte(nil), view...)
	if _, err := i.do(ctx, i.free, at, bytes); err != nil {
		return nil, err
	}
	_, err = i.do(ctx, i.free, address, length)
	return output, err
}

func (i *wazeroInstance) do(ctx context.Context, function api.Function, arguments ...uint64) (uint64, error) {
	copy(i.stack[:], arguments)
	err := function.CallWithStack(ctx, i.stack[:])
	return i.stack[0], err
}

func (i *wazeroInstance) close(ctx context.Context) error { return i.module.Close(ctx) }
