//! A core module with no host around it.

use std::path::Path;

use wasmtime::{Config, Engine, Instance, Linker, Memory, Module, Result, Store, TypedFunc, ensure, format_err};
use wasmtime_wasi::WasiCtxBuilder;
use wasmtime_wasi::p1::{self, WasiP1Ctx};

/// Of one input, by address and length, to an output in one number.
type Hook = TypedFunc<(u32, u32), u64>;

/// An instance with no host around it, on an engine whose code is like that of the gateway: it can be interrupted.
pub struct Bare {
    store: Store<WasiP1Ctx>,
    memory: Memory,
    malloc: TypedFunc<u32, u32>,
    reset: Option<TypedFunc<(), ()>>,
    hooks: Vec<(&'static str, Hook)>,
}

impl Bare {
    /// Starts it, as the packed ABI has it.
    pub fn start(file: &Path, hooks: &[&'static str]) -> Result<Bare> {
        let engine = Engine::new(Config::new().epoch_interruption(true))?;
        let mut linker = Linker::new(&engine);
        p1::add_to_linker_sync(&mut linker, |context| context)?;
        let mut store = Store::new(&engine, WasiCtxBuilder::new().build_p1());
        store.set_epoch_deadline(u64::MAX / 2);
        let instance = linker.instantiate(&mut store, &Module::from_file(&engine, file)?)?;
        if let Ok(initialize) = instance.get_typed_func::<(), ()>(&mut store, "_initialize") {
            initialize.call(&mut store, ())?;
        }
        if let Ok(init) = instance.get_typed_func::<(u32, u32), i32>(&mut store, "init") {
            ensure!(init.call(&mut store, (0, 0))? == 0, "init of {} failed", file.display());
        }
        let hook = |store: &mut Store<_>, name| Ok((name, instance.get_typed_func(store, name)?));
        Ok(Bare {
            memory: instance
                .get_memory(&mut store, "memory")
                .ok_or_else(|| format_err!("it exports no memory"))?,
            malloc: malloc(&instance, &mut store)?,
            reset: instance.get_typed_func(&mut store, "plugin_reset").ok(),
            hooks: hooks
                .iter()
                .map(|name| hook(&mut store, *name))
                .collect::<Result<_>>()?,
            store,
        })
    }

    /// One call, as the packed ABI has it.
    pub fn call(&mut self, hook: &str, input: &[u8]) -> Result<()> {
        if let Some(reset) = &self.reset {
            reset.call(&mut self.store, ())?;
        }
        let length = u32::try_from(input.len())?;
        let address = self.malloc.call(&mut self.store, length)?;
        self.memory.write(&mut self.store, address as usize, input)?;
        let (_, function) = self
            .hooks
            .iter()
            .find(|(name, _)| *name == hook)
            .ok_or_else(|| format_err!("no hook `{hook}`"))?;
        std::hint::black_box(function.call(&mut self.store, (address, length))?);
        Ok(())
    }
}

fn malloc(instance: &Instance, store: &mut Store<WasiP1Ctx>) -> Result<TypedFunc<u32, u32>> {
    let own = instance.get_typed_func(&mut *store, "plugin_malloc");
    own.or_else(|_| instance.get_typed_func(store, "malloc"))
}
