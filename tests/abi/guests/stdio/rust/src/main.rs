//! One method for each thing that a plugin of the wasmi framework asks of its host.

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use futures::future::try_join_all;
use serde_json::{Value, json};
use wasmi_plugin_pdk::rpc_message::RpcError;
use wasmi_plugin_pdk::server::PluginServer;
use wasmi_plugin_pdk::transport::{JsonRpcTransport, Transport as _};

type Host = Arc<JsonRpcTransport>;

/// A method of the host's, and what it is given.
type HostCall = (String, Value);

fn main() {
    PluginServer::new_with_transport()
        .with_method("ping", ping)
        .with_method("echo", echo)
        .with_method("add", add)
        .with_method("fail", fail)
        .with_method("fail_as", fail_as)
        .with_method("call_host", call_host)
        .with_method("call_host_in_turn", call_host_in_turn)
        .with_method("stderr", stderr)
        .with_method("stdout", stdout)
        .with_method("surroundings", surroundings)
        .with_method("sleep", sleep)
        .with_method("exit", exit)
        .with_method("panics", panics)
        .with_method("spin", spin)
        .with_method("grow", grow)
        .with_method("flood", flood)
        .run();
}

async fn ping(_: Host, (): ()) -> Result<&'static str, RpcError> {
    Ok("pong")
}

async fn echo(_: Host, params: Value) -> Result<Value, RpcError> {
    Ok(params)
}

/// With parameters of a type: others are invalid ones.
async fn add(_: Host, (a, b): (i64, i64)) -> Result<i64, RpcError> {
    Ok(a + b)
}

/// What the parameters say, or `null`: "failed".
async fn fail(_: Host, message: Option<String>) -> Result<(), RpcError> {
    Err(RpcError::Custom(message.unwrap_or_else(|| "failed".into())))
}

/// With one of the codes that JSON-RPC has a meaning for.
async fn fail_as(_: Host, code: i64) -> Result<(), RpcError> {
    Err(match code {
        -32700 => RpcError::ParseError,
        -32600 => RpcError::InvalidRequest,
        -32601 => RpcError::MethodNotFound,
        -32602 => RpcError::InvalidParams,
        -32603 => RpcError::InternalError,
        other => RpcError::Custom(other.to_string()),
    })
}

/// `null` stands for two calls.
fn calls(params: Option<Vec<HostCall>>) -> Vec<HostCall> {
    let two = || ["first", "second"].map(|name| (name.to_owned(), json!({ "from": name })));
    params.unwrap_or_else(|| two().into())
}

/// All calls are on their way before the first answer is read, if the host lets them: their results in a list.
async fn call_host(host: Host, params: Option<Vec<HostCall>>) -> Result<Vec<Value>, RpcError> {
    let calls = calls(params).into_iter().map(|(method, params)| {
        let host = host.clone();
        async move { Ok::<_, RpcError>(host.call(&method, params).await?.result) }
    });
    try_join_all(calls).await
}

/// The next call is made once the one before it has its answer.
async fn call_host_in_turn(host: Host, params: Option<Vec<HostCall>>) -> Result<Vec<Value>, RpcError> {
    let mut results = Vec::new();
    for (method, params) in calls(params) {
        results.push(host.call(&method, params).await?.result);
    }
    Ok(results)
}

/// The lines, and a last one that doesn't end.
async fn stderr(_: Host, lines: Option<Vec<String>>) -> Result<(), RpcError> {
    for line in lines.unwrap_or_else(|| vec!["one".into(), "two".into()]) {
        eprintln!("{line}");
    }
    eprint!("the last one");
    Ok(())
}

/// A line that is no message, on the way of the messages.
async fn stdout(_: Host, line: Option<String>) -> Result<(), RpcError> {
    println!("{}", line.as_deref().unwrap_or("no message"));
    Ok(())
}

/// What WASI gives it: arguments, environment, both clocks' nanoseconds, and whether two random texts differ.
async fn surroundings(_: Host, (): ()) -> Result<Value, RpcError> {
    use std::hash::{BuildHasher as _, RandomState};
    use std::time::{Instant, SystemTime};
    let arguments: Vec<_> = std::env::args().collect();
    let environment: Vec<_> = std::env::vars().collect();
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    Ok(json!({
        "arguments": arguments,
        "environment": environment,
        "seconds": now.as_secs(),
        "elapsed": Instant::now().elapsed().as_secs(),
        "random": RandomState::new().hash_one(0),
    }))
}

async fn sleep(_: Host, milliseconds: u64) -> Result<(), RpcError> {
    wasmi_plugin_rt::sleep(Duration::from_millis(milliseconds)).await;
    Ok(())
}

/// Without an answer; with this code, or 0.
#[expect(clippy::disallowed_methods, reason = "it is what the function is for")]
async fn exit(_: Host, code: Option<i32>) -> Result<(), RpcError> {
    eprintln!("about to exit");
    std::process::exit(code.unwrap_or_default())
}

async fn panics(_: Host, message: Option<String>) -> Result<(), RpcError> {
    panic!("{}", message.as_deref().unwrap_or("panicked"))
}

async fn spin(_: Host, (): ()) -> Result<(), RpcError> {
    loop {
        std::hint::black_box(());
    }
}

/// How many MiB it has, of as many as it is told to allocate.
async fn grow(_: Host, wanted: usize) -> Result<usize, RpcError> {
    let mut pieces: Vec<Vec<u8>> = Vec::new();
    while pieces.len() < wanted {
        let mut piece = Vec::new();
        piece
            .try_reserve_exact(1 << 20)
            .map_err(|_| RpcError::Custom(format!("out of memory at {} MiB", pieces.len())))?;
        piece.resize(1 << 20, 1);
        pieces.push(piece);
    }
    Ok(std::hint::black_box(pieces).len())
}

/// Bytes without an end, and no line among them.
async fn flood(_: Host, (): ()) -> Result<(), RpcError> {
    let bytes = [b'x'; 4096];
    let mut stdout = std::io::stdout();
    while stdout.write_all(&bytes).is_ok() {}
    Ok(())
}
