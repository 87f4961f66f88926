//! A typed guest with `before-call`, given one resource of the host's, and functions that do next to nothing.

use std::sync::Arc;

use bytes::Bytes;
use heimdall_host::loader;
use wasmtime::component::{Component, InstancePre, Linker, Resource, ResourceTable, ResourceType};
use wasmtime::{Engine, Store, StoreContextMut};

use self::bindings::exports::heimdall::plugin::pre_llm_hook::{Guest, GuestIndices, Outcome};
use self::bindings::heimdall::plugin::llm_types::{Content, Message};
use self::bindings::heimdall::plugin::types::PluginError;
use super::store;
use crate::Error;

mod bindings {
    #![allow(missing_docs, reason = "generated")]
    wasmtime::component::bindgen!({
        path: "../wit/v0.1",
        world: "llm-plugin",
        exports: { default: async },
        with: {
            "heimdall:plugin/llm-types.llm-request": super::RawRequest,
        },
    });
}

/// What the guest is lent: a request that has a model and one message, and nothing else.
#[derive(Clone)]
pub struct RawRequest(pub Arc<Said>);

/// What a request says.
pub struct Said {
    /// The model.
    pub model: String,
    /// The user's message.
    pub message: String,
}

type Request = (Resource<RawRequest>,);
type RequestAt = (Resource<RawRequest>, u32);
type RequestEdit = (Resource<RawRequest>, u32, Message);
type Done = (Result<(), PluginError>,);

type Data<'a> = StoreContextMut<'a, ResourceTable>;

/// An instance of a typed guest.
pub struct RawComponent {
    store: Store<ResourceTable>,
    hook: Guest,
}

impl RawComponent {
    /// A component that can be instantiated. Of what it imports, a request's model and message are there, and setting the message
    /// and a member of the context; all else traps. What is set is read, and kept nowhere.
    ///
    /// # Errors
    /// Where it can't be compiled or linked.
    pub fn link(engine: &Engine, bytes: Bytes) -> Result<InstancePre<ResourceTable>, Error> {
        let component = Component::new(engine, loader::component("bench.wasm", bytes)?)?;
        let mut linker = Linker::<ResourceTable>::new(engine);
        let mut types = linker.instance("heimdall:plugin/llm-types@0.1.0")?;
        types.resource("llm-request", ResourceType::host::<RawRequest>(), |_, _| Ok(()))?;
        types.func_wrap("[method]llm-request.model", |store: Data<'_>, (request,): Request| {
            Ok((store.data().get(&request)?.0.model.clone(),))
        })?;
        types.func_wrap("[method]llm-request.message-count", |_: Data<'_>, _: Request| {
            Ok((1_u32,))
        })?;
        types.func_wrap(
            "[method]llm-request.message-at",
            |store: Data<'_>, (request, _): RequestAt| {
                let message = Message {
                    role: "user".to_owned(),
                    content: Content::Text(store.data().get(&request)?.0.message.clone()),
                    extra: None,
                };
                Ok((Some(message),))
            },
        )?;
        types.func_wrap(
            "[method]llm-request.set-message",
            |_: Data<'_>, (_, _, message): RequestEdit| -> wasmtime::Result<Done> {
                drop(message);
                Ok((Ok(()),))
            },
        )?;
        linker
            .instance("heimdall:plugin/context@0.1.0")?
            .func_wrap("set", |_: Data<'_>, _: (String, String)| -> wasmtime::Result<Done> {
                Ok((Ok(()),))
            })?;
        linker.define_unknown_imports_as_traps(&component)?;
        Ok(linker.instantiate_pre(&component)?)
    }

    /// Instantiates it, and nothing else.
    ///
    /// # Errors
    /// Where the engine refuses.
    pub async fn instantiate(component: &InstancePre<ResourceTable>) -> Result<Store<ResourceTable>, Error> {
        let mut store = store(component.engine(), ResourceTable::new());
        component.instantiate_async(&mut store).await?;
        Ok(store)
    }

    /// An instance whose hook can be called.
    ///
    /// # Errors
    /// Where it has none.
    pub async fn start(component: &InstancePre<ResourceTable>) -> Result<RawComponent, Error> {
        let mut store = store(component.engine(), ResourceTable::new());
        let instance = component.instantiate_async(&mut store).await?;
        let hook = GuestIndices::new(component)?.load(&mut store, &instance)?;
        Ok(RawComponent { store, hook })
    }

    /// One call: a resource is lent, and taken back.
    ///
    /// # Errors
    /// Where the guest traps, or does anything but go on.
    pub async fn call(&mut self, request: RawRequest) -> Result<RawRequest, Error> {
        // The tick at which an idle Store would have yielded has long passed.
        self.store.set_epoch_deadline(1);
        let lent = self.store.data_mut().push(request).map_err(wasmtime::Error::from)?;
        let borrowed = Resource::new_borrow(lent.rep());
        let outcome = self.hook.call_before_call(&mut self.store, borrowed).await?;
        let back = self.store.data_mut().delete(lent).map_err(wasmtime::Error::from)?;
        match outcome {
            Ok(Outcome::Proceed) => Ok(back),
            _ => Err(Error::did("the guest did not go on")),
        }
    }
}
