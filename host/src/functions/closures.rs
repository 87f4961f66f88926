//! Functions of the embedder's that guests may call.

use std::fmt;
use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use super::convert::{Argument, Output};
use super::value::{Value, ValueType};

/// How a host function fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostError {
    /// The guest's call ends with this message.
    Fatal(String),
    /// The guest is told, and may go on, where its ABI has a way to tell it; else as [`HostError::Fatal`].
    Recoverable(String),
}

impl HostError {
    /// The guest's call ends with this message.
    pub fn fatal(message: impl fmt::Display) -> Self {
        HostError::Fatal(message.to_string())
    }

    /// The guest is told this, and may go on.
    pub fn recoverable(message: impl fmt::Display) -> Self {
        HostError::Recoverable(message.to_string())
    }

    /// What it says.
    pub fn message(&self) -> &str {
        let (HostError::Fatal(message) | HostError::Recoverable(message)) = self;
        message
    }
}

/// Any error ends the guest's call.
impl<E: std::error::Error> From<E> for HostError {
    fn from(error: E) -> Self {
        HostError::fatal(error)
    }
}

type Body = dyn Fn(Vec<Value>) -> BoxFuture<'static, Result<Value, HostError>> + Send + Sync;

/// One function of the embedder's.
#[derive(Clone)]
pub struct HostFunction {
    namespace: Arc<str>,
    name: Arc<str>,
    parameters: Arc<[ValueType]>,
    result: ValueType,
    body: Arc<Body>,
}

impl HostFunction {
    /// The module that guests import it from.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it takes.
    pub fn parameters(&self) -> &[ValueType] {
        &self.parameters
    }

    /// What it gives.
    pub fn result(&self) -> ValueType {
        self.result
    }

    /// Carries it out.
    pub fn call(&self, arguments: Vec<Value>) -> BoxFuture<'static, Result<Value, HostError>> {
        (self.body)(arguments)
    }
}

impl fmt::Debug for HostFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.namespace, self.name)
    }
}

/// The functions that an embedder gives to a plugin, by namespace and name. Clones are cheap.
#[derive(Debug, Clone, Default)]
pub struct HostFunctions {
    all: Vec<HostFunction>,
}

impl HostFunctions {
    /// None.
    pub fn new() -> Self {
        Self::default()
    }

    /// One more: an async closure of up to four typed arguments. One of the same name takes the place of an earlier one.
    ///
    /// An ABI without namespaces (JSON-RPC) goes by the name alone.
    pub fn function<M>(mut self, namespace: &str, name: &str, closure: impl HostClosure<M>) -> Self {
        self.all
            .retain(|known| known.namespace() != namespace || known.name() != name);
        self.all.push(closure.into_function(namespace, name));
        self
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &HostFunction> {
        self.all.iter()
    }

    /// The one of this namespace and name.
    pub fn get(&self, namespace: &str, name: &str) -> Option<&HostFunction> {
        self.all
            .iter()
            .find(|known| known.namespace() == namespace && known.name() == name)
    }

    /// The last one of this name, in any namespace.
    pub fn named(&self, name: &str) -> Option<&HostFunction> {
        self.all.iter().rev().find(|known| known.name() == name)
    }
}

/// A closure that can be a host function: async, of typed arguments, with a typed result. `M` only tells the numbers of
/// arguments apart.
pub trait HostClosure<M>: Send + Sync + 'static {
    /// As a function of this name.
    fn into_function(self, namespace: &str, name: &str) -> HostFunction;
}

macro_rules! closure_of {
    ($($name:ident: $type:ident),*) => {
        #[allow(private_bounds, reason = "what a result may be is decided beside it")]
        impl<Closure, Called, Gives, $($type),*> HostClosure<(Gives, Called, $($type,)*)> for Closure
        where
            Closure: Fn($($type),*) -> Called + Send + Sync + 'static,
            Called: Future<Output = Result<Gives, HostError>> + Send + 'static,
            Gives: Argument + ResultType + 'static,
            $($type: Output),*
        {
            fn into_function(self, namespace: &str, name: &str) -> HostFunction {
                HostFunction {
                    namespace: namespace.into(),
                    name: name.into(),
                    parameters: [$($type::TYPE),*].into(),
                    result: Gives::RESULT,
                    body: Arc::new(move |arguments| {
                        #[allow(unused_mut, unused_variables, reason = "a function without parameters reads none")]
                        let mut arguments = arguments.into_iter();
                        $(
                            let $name = match $type::from_value(arguments.next().unwrap_or(Value::Nothing)) {
                                Ok(value) => value,
                                Err(what) => {
                                    let error = HostError::Fatal(format!("an argument is {what}"));
                                    return std::future::ready(Err(error)).boxed();
                                }
                            };
                        )*
                        let called = self($($name),*);
                        async move { called.await?.into_value().map_err(HostError::Fatal) }.boxed()
                    }),
                }
            }
        }
    };
}

closure_of!();
closure_of!(a: A);
closure_of!(a: A, b: B);
closure_of!(a: A, b: B, c: C);
closure_of!(a: A, b: B, c: C, d: D);

/// What a host function gives, as a guest has to declare it.
trait ResultType {
    const RESULT: ValueType;
}

impl ResultType for () {
    const RESULT: ValueType = ValueType::Nothing;
}

impl Argument for () {
    fn into_value(self) -> Result<Value, String> {
        Ok(Value::Nothing)
    }
}

macro_rules! result_type {
    ($($type:ty => $kind:ident;)*) => {$(
        impl ResultType for $type {
            const RESULT: ValueType = ValueType::$kind;
        }
    )*};
}

result_type! {
    i32 => I32;
    u32 => I32;
    i64 => I64;
    u64 => I64;
    f32 => F32;
    f64 => F64;
    String => Text;
    bytes::Bytes => Bytes;
    Vec<u8> => Bytes;
}

impl<T> ResultType for super::Json<T> {
    const RESULT: ValueType = ValueType::Json;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_closure_is_called_with_what_its_types_say() {
        let functions = HostFunctions::new()
            .function("env", "add", |a: i32, b: i32| async move { Ok(a + b) })
            .function("plugin", "upper", async |text: String| Ok(text.to_uppercase()))
            .function("plugin", "nothing", async || Ok(()));
        let add = functions.get("env", "add").unwrap();
        assert_eq!(add.parameters(), [ValueType::I32, ValueType::I32]);
        assert_eq!(add.result(), ValueType::I32);
        let sum = add.call(vec![Value::I32(1), Value::I32(2)]).await;
        assert_eq!(sum, Ok(Value::I32(3)));
        let upper = functions.named("upper").unwrap();
        let text = upper.call(vec![Value::Text("a".into())]).await;
        assert_eq!(text, Ok(Value::Text("A".into())));
        let nothing = functions.named("nothing").unwrap();
        assert_eq!(nothing.call(Vec::new()).await, Ok(Value::Nothing));
    }

    #[tokio::test]
    async fn what_is_no_value_of_the_type_is_told() {
        let functions = HostFunctions::new().function("env", "upper", async |text: String| Ok(text));
        let upper = functions.get("env", "upper").unwrap();
        for wrong in [Value::I32(1), Value::Bytes(vec![0xff].into())] {
            assert!(matches!(upper.call(vec![wrong]).await, Err(HostError::Fatal(_))));
        }
    }

    #[test]
    fn a_second_function_of_a_name_takes_the_place_of_the_first() {
        let functions = HostFunctions::new()
            .function("env", "f", async |_: i32| Ok(()))
            .function("env", "f", async |_: String| Ok(()));
        let all: Vec<_> = functions.iter().map(HostFunction::parameters).collect();
        assert_eq!(all, [[ValueType::Text]]);
    }
}
