//! wasmtime as a contender, without any limits: a component that takes and gives JSON as `list<u8>`. It is set up for speed:
//! pooled instances, no interruption, no concurrent calls.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Result, anyhow};
use heimdall_peers::peer::{Function, Peer, serve};
use wasmtime::component::{Component, InstancePre, Linker, TypedFunc};
use wasmtime::{Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, Store};

type Echo = TypedFunc<(Arc<[u8]>,), (Vec<u8>,)>;
type Edit = TypedFunc<(Arc<[u8]>,), (std::result::Result<Vec<u8>, String>,)>;

struct Plain {
    engine: Engine,
    code: InstancePre<()>,
    warm: Guest,
}

struct Guest {
    store: Store<()>,
    echo: Echo,
    edit: Edit,
}

impl Guest {
    fn new(engine: &Engine, code: &InstancePre<()>) -> Result<Guest> {
        let mut store = Store::new(engine, ());
        let instance = code.instantiate(&mut store)?;
        let echo = instance.get_typed_func(&mut store, "echo")?;
        let edit = instance.get_typed_func(&mut store, "edit-chat")?;
        Ok(Guest { store, echo, edit })
    }

    fn call(&mut self, function: Function, input: &Arc<[u8]>) -> Result<Vec<u8>> {
        match function {
            Function::Echo => Ok(self.echo.call(&mut self.store, (input.clone(),))?.0),
            Function::Edit => {
                let (edited,) = self.edit.call(&mut self.store, (input.clone(),))?;
                edited.map_err(|why| anyhow!(why))
            }
        }
    }
}

impl Peer for Plain {
    type Instance = Guest;

    fn load(guests: &Path) -> Result<Self> {
        let mut config = Config::new();
        config
            .allocation_strategy(InstanceAllocationStrategy::Pooling(PoolingAllocationConfig::default()))
            .concurrency_support(false);
        let engine = Engine::new(&config)?;
        let component = Component::from_file(&engine, guests.join("component.wasm"))?;
        let code = Linker::new(&engine).instantiate_pre(&component)?;
        let warm = Guest::new(&engine, &code)?;
        Ok(Plain { engine, code, warm })
    }

    fn call(&mut self, function: Function, input: &Arc<[u8]>) -> Result<Vec<u8>> {
        self.warm.call(function, input)
    }

    fn instance(&mut self) -> Result<Guest> {
        Guest::new(&self.engine, &self.code)
    }

    fn call_fresh(&mut self, mut instance: Guest, input: &Arc<[u8]>) -> Result<Vec<u8>> {
        instance.call(Function::Echo, input)
    }
}

fn main() -> Result<()> {
    serve::<Plain>()
}
