//! A module of the packed ABI, called as its ABI says and no more: room for the inputs, written, called, the result read, all
//! of it freed.

use bytes::Bytes;
use wasmtime::{Engine, Instance, InstancePre, Linker, Memory, Module, Store, TypedFunc};

use super::store;
use crate::Error;

/// An instance of a packed guest.
pub struct RawModule {
    store: Store<()>,
    memory: Memory,
    malloc: TypedFunc<u32, u32>,
    free: Free,
    hook: Hook,
}

enum Free {
    Address(TypedFunc<u32, ()>),
    AddressAndSize(TypedFunc<(u32, u32), ()>),
}

enum Hook {
    One(TypedFunc<(u32, u32), u64>),
    Two(TypedFunc<(u32, u32, u32, u32), u64>),
    Three(TypedFunc<(u32, u32, u32, u32, u32, u32), u64>),
}

/// Where something lies in the guest's memory.
#[derive(Clone, Copy, Default)]
struct Span {
    address: u32,
    length: u32,
}

impl RawModule {
    /// A module that can be instantiated. What it imports traps.
    ///
    /// # Errors
    /// Where it can't be compiled or linked.
    pub fn link(engine: &Engine, bytes: &[u8]) -> Result<InstancePre<()>, Error> {
        let module = Module::new(engine, bytes)?;
        let mut linker = Linker::new(engine);
        linker.define_unknown_imports_as_traps(&module)?;
        Ok(linker.instantiate_pre(&module)?)
    }

    /// Instantiates it, and nothing else.
    ///
    /// # Errors
    /// Where the engine refuses.
    pub async fn instantiate(module: &InstancePre<()>) -> Result<(Store<()>, Instance), Error> {
        let mut store = store(module.module().engine(), ());
        let instance = module.instantiate_async(&mut store).await?;
        Ok((store, instance))
    }

    /// An instance with its `init` called, where it has one.
    ///
    /// # Errors
    /// Where it is no module of the packed ABI with that hook.
    pub async fn start(module: &InstancePre<()>, hook: &str, config: &[u8]) -> Result<RawModule, Error> {
        let (mut store, instance) = RawModule::instantiate(module).await?;
        let memory = instance.get_memory(&mut store, "memory");
        let memory = memory.ok_or_else(|| Error::did("it has no memory"))?;
        let malloc = instance.get_typed_func(&mut store, "malloc")?;
        let free = match instance.get_typed_func(&mut store, "free") {
            Ok(free) => Free::AddressAndSize(free),
            Err(_) => Free::Address(instance.get_typed_func(&mut store, "free")?),
        };
        let hook = Hook::of(&instance, &mut store, hook)?;
        let mut started = RawModule {
            store,
            memory,
            malloc,
            free,
            hook,
        };
        if let Ok(init) = instance.get_typed_func::<(u32, u32), i32>(&mut started.store, "init") {
            let given = started.put(config).await?;
            init.call_async(&mut started.store, (given.address, given.length))
                .await?;
        }
        Ok(started)
    }

    /// One call: what the guest gave, copied out; empty where it gave nothing.
    ///
    /// # Errors
    /// Where the guest traps, or gives what lies outside of its memory.
    pub async fn call(&mut self, inputs: &[Bytes]) -> Result<Vec<u8>, Error> {
        let mut placed = [Span::default(); 3];
        for (place, input) in placed.iter_mut().zip(inputs) {
            *place = self.put(input).await?;
        }
        let [a, b, c] = placed;
        let store = &mut self.store;
        let packed = match &self.hook {
            Hook::One(hook) => hook.call_async(store, (a.address, a.length)).await,
            Hook::Two(hook) => hook.call_async(store, (a.address, a.length, b.address, b.length)).await,
            Hook::Three(hook) => {
                let parameters = (a.address, a.length, b.address, b.length, c.address, c.length);
                hook.call_async(store, parameters).await
            }
        }?;
        let result = Span {
            address: (packed >> 32) as u32,
            length: packed as u32,
        };
        let output = self.read(result)?;
        for span in [result, a, b, c] {
            self.give_back(span).await?;
        }
        Ok(output)
    }

    async fn put(&mut self, input: &[u8]) -> Result<Span, Error> {
        let length = input.len() as u32;
        if length == 0 {
            return Ok(Span::default());
        }
        let address = self.malloc.call_async(&mut self.store, length).await?;
        let written = self.memory.write(&mut self.store, address as usize, input);
        written.map_err(|error| Error::did(error.to_string()))?;
        Ok(Span { address, length })
    }

    fn read(&self, span: Span) -> Result<Vec<u8>, Error> {
        let (start, length) = (span.address as usize, span.length as usize);
        let bytes = self.memory.data(&self.store).get(start..start + length);
        let bytes = bytes.ok_or_else(|| Error::did("its result lies outside of its memory"))?;
        Ok(bytes.to_vec())
    }

    async fn give_back(&mut self, span: Span) -> Result<(), Error> {
        let Span { address, length } = span;
        match &self.free {
            _ if length == 0 => {}
            Free::Address(free) => free.call_async(&mut self.store, address).await?,
            Free::AddressAndSize(free) => free.call_async(&mut self.store, (address, length)).await?,
        }
        Ok(())
    }
}

impl Hook {
    fn of(instance: &Instance, store: &mut Store<()>, name: &str) -> Result<Hook, Error> {
        if let Ok(hook) = instance.get_typed_func(&mut *store, name) {
            return Ok(Hook::One(hook));
        }
        if let Ok(hook) = instance.get_typed_func(&mut *store, name) {
            return Ok(Hook::Two(hook));
        }
        Ok(Hook::Three(instance.get_typed_func(store, name)?))
    }
}
