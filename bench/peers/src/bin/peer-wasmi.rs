//! wasmi as a contender: a core module, whose memory is written and read by hand.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use heimdall_peers::peer::{Function, Peer, serve};
use wasmi::{Engine, Linker, Memory, Module, Store, TypedFunc};

struct Wasmi {
    module: Module,
    linker: Linker<()>,
    warm: Guest,
}

struct Guest {
    store: Store<()>,
    memory: Memory,
    malloc: TypedFunc<u32, u32>,
    free: TypedFunc<(u32, u32), ()>,
    echo: TypedFunc<(u32, u32), u64>,
    edit: TypedFunc<(u32, u32), u64>,
}

impl Guest {
    fn new(module: &Module, linker: &Linker<()>) -> Result<Guest> {
        let mut store = Store::new(module.engine(), ());
        let instance = linker.instantiate_and_start(&mut store, module)?;
        Ok(Guest {
            memory: instance
                .get_memory(&store, "memory")
                .context("the guest has no memory")?,
            malloc: instance.get_typed_func(&store, "malloc")?,
            free: instance.get_typed_func(&store, "free")?,
            echo: instance.get_typed_func(&store, Function::Echo.export())?,
            edit: instance.get_typed_func(&store, Function::Edit.export())?,
            store,
        })
    }

    fn call(&mut self, function: Function, input: &Arc<[u8]>) -> Result<Vec<u8>> {
        let length = u32::try_from(input.len())?;
        let address = self.malloc.call(&mut self.store, length)?;
        self.memory.write(&mut self.store, address as usize, input)?;
        let function = match function {
            Function::Echo => self.echo,
            Function::Edit => self.edit,
        };
        let packed = function.call(&mut self.store, (address, length))?;
        let (at, bytes) = ((packed >> 32) as u32, packed as u32);
        let mut output = vec![0; bytes as usize];
        self.memory.read(&self.store, at as usize, &mut output)?;
        self.free.call(&mut self.store, (at, bytes))?;
        self.free.call(&mut self.store, (address, length))?;
        Ok(output)
    }
}

impl Peer for Wasmi {
    type Instance = Guest;

    fn load(guests: &Path) -> Result<Self> {
        let engine = Engine::default();
        let module = Module::new(&engine, fs::read(guests.join("packed.wasm"))?)?;
        let linker = Linker::new(&engine);
        let warm = Guest::new(&module, &linker)?;
        Ok(Wasmi { module, linker, warm })
    }

    fn call(&mut self, function: Function, input: &Arc<[u8]>) -> Result<Vec<u8>> {
        self.warm.call(function, input)
    }

    fn instance(&mut self) -> Result<Guest> {
        Guest::new(&self.module, &self.linker)
    }

    fn call_fresh(&mut self, mut instance: Guest, input: &Arc<[u8]>) -> Result<Vec<u8>> {
        instance.call(Function::Echo, input)
    }
}

fn main() -> Result<()> {
    serve::<Wasmi>()
}
