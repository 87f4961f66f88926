"""The gateway under test: its configuration, its start, its end."""

import json
import os
import pathlib
import signal
import socket
import ssl
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

START_SECONDS = 60
STOP_SECONDS = 30

# What each plugin does to a request or an answer, and what the checks know it by. A word that only one plugin knows
# shows that plugin's hook; a word that both know shows which of them came first.
MARKS = {
    "system_typed": "Mark of the typed plugin.",
    "system_legacy": "Mark of the legacy plugin.",
    "banned_typed": "banned-by-typed",
    "banned_legacy": "banned-by-legacy",
    "banned_both": "banned-by-both",
    "secret_typed": "SECRET-OF-TYPED",
    "secret_legacy": "SECRET-OF-LEGACY",
    "secret_both": "SECRET-OF-BOTH",
    "closed_typed": "/v1/closed-by-typed",
    "closed_legacy": "/v1/closed-by-legacy",
}

# Those who may call: a key for most checks, and one that runs into its limit.
KEYS = {
    "python": "key-of-the-python-client",
    "python-limited": "key-of-the-limited-python-client",
    "javascript": "key-of-the-javascript-client",
    "javascript-limited": "key-of-the-limited-javascript-client",
}
REQUESTS_PER_MINUTE = 2


def typed(guests: pathlib.Path) -> dict[str, object]:
    """The plugin that comes first: it sees the request before the legacy one, and the answer after it."""
    return plugin("typed", guests / "typed/rust/guard.wasm")


def legacy(guests: pathlib.Path) -> dict[str, object]:
    """The plugin that comes second."""
    return plugin("legacy", guests / "legacy/rust/gen3/gen3.wasm")


def plugin(name: str, file: pathlib.Path) -> dict[str, object]:
    """One entry of the configuration."""
    config = {
        "banned": [MARKS[f"banned_{name}"], MARKS["banned_both"]],
        "system": MARKS[f"system_{name}"],
        "header": name,
        "secrets": [MARKS[f"secret_{name}"], MARKS["secret_both"]],
        "closed_paths": [MARKS[f"closed_{name}"]],
    }
    return {"name": name, "path": str(file.resolve()), "config": config}


def configuration(guests: pathlib.Path, upstream: str) -> dict[str, object]:
    """Two plugins, the echo, and an upstream under several names, each with settings of its own."""
    recorded = {"base_url": f"{upstream}/v1"}
    # Nobody listens there.
    down = {"base_url": f"http://127.0.0.1:{free_port()}/v1"}
    return {
        "client_keys": client_keys(),
        "plugins": [typed(guests), legacy(guests)],
        "upstreams": {
            "echo": {"kind": "echo"},
            "recorded": recorded,
            "down": down,
            "forwarding": recorded | {"forward_client_key": True},
            "hasty": recorded | {"first_byte_timeout_ms": 300},
            "retrying": recorded | {"retries": 2, "retry_backoff_ms": 10},
            "fallen": down | {"fallbacks": ["recorded"]},
            "failing": recorded | {"fallbacks": ["down/answers", "recorded/answers"]},
        },
        "routes": [{"models": ["routed-*"], "upstream": "recorded", "model": "answers"}],
        "aliases": {"best": "recorded/answers"},
        "passthrough": [{"path": "/v1/moderations", "upstream": "recorded"}],
    }


# The plugins of the chain: five typed ones, each in a language of its own, and a legacy one of each ABI among them.
CHAIN = {
    "rust": "typed/rust/guard.wasm",
    "c": "typed/c/guard.wasm",
    "gen3": "legacy/rust/gen3/gen3.wasm",
    "extism": "../tests/abi/guests/extism/guard-rust/guard.wasm",
    "wasp": "../tests/abi/guests/wasp/guard-rust/guard.wasm",
    "stdio": "../tests/abi/guests/stdio/guard-rust/guard.wasm",
    "go": "typed/go/guard.wasm",
    "js": "typed/js/guard.wasm.zst",
    "py": "typed/python/guard.wasm.zst",
}

# Those of them that are legacy.
LEGACY = ["gen3", "extism", "wasp", "stdio"]

# What each takes for a secret: the last one a word of the answer, and each before it what the one after it left there,
# with a further word. Only if all of them are there and in their order, one mark is left.
CHAIN_SECRETS = {
    "py": ["one"],
    "js": ["[redacted] two"],
    "go": ["[redacted] three"],
    "stdio": ["[redacted] four"],
    "wasp": ["[stdio redacted] five", "[stdio chunk redacted] five"],
    "extism": ["[wasp redacted] six", "[wasp chunk redacted] six"],
    "gen3": ["[extism redacted] seven", "[extism chunk redacted] seven"],
    "c": ["[gen3 redacted] eight", "[gen3 chunk redacted] eight"],
    "rust": ["[redacted] nine"],
}


def chain_configuration(guests: pathlib.Path) -> dict[str, object]:
    """Nine plugins before the echo, each of which makes an edit of its own."""
    plugins = [
        {
            "name": name,
            "path": str((guests / file).resolve()),
            "config": {"system": f"Rule of {name}.", "header": name, "secrets": CHAIN_SECRETS[name]},
        }
        for name, file in CHAIN.items()
    ]
    return {"plugins": plugins, "upstreams": {"echo": {"kind": "echo"}}}


def secure_configuration(folder: pathlib.Path) -> dict[str, object]:
    """The echo behind TLS."""
    return {
        "client_keys": client_keys(),
        "tls": {"certificate": str(folder / "server.pem"), "key": str(folder / "server.key")},
        "upstreams": {"echo": {"kind": "echo"}},
        "plugins": [],
    }


def client_keys() -> dict[str, object]:
    """Each client's key, by the variable that holds it."""
    limit = {"requests_per_minute": REQUESTS_PER_MINUTE, "burst": REQUESTS_PER_MINUTE}
    return {name: {"env": variable(name)} | (limit if name.endswith("limited") else {}) for name in KEYS}


class Gateway:
    """A gateway of its own, on a port of its own, with its files in a folder that goes with it."""

    def __init__(self, binary: pathlib.Path, config: dict[str, object]) -> None:
        self.binary = binary
        self.port = free_port()
        self.config = config | {
            "listen": f"127.0.0.1:{self.port}",
            # Compiled plugins stay in this folder: the user's own cache is left alone.
            "cache_dir": "cache",
            "state_dir": "state",
        }
        self.secure = "tls" in config
        self.base = f"{'https' if self.secure else 'http'}://127.0.0.1:{self.port}"

    def __enter__(self) -> "Gateway":
        self.folder = tempfile.TemporaryDirectory(prefix="heimdall-clients-")
        folder = pathlib.Path(self.folder.name)
        file = folder / "heimdall.toml"
        file.write_text(toml(self.config), encoding="utf-8")
        self.log = folder / "gateway.log"
        keys = {variable(name): key for name, key in KEYS.items()}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [self.binary, "serve", "--config", file],
                cwd=folder,
                env=os.environ | keys,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            self.wait_until_ready()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self.folder.cleanup()

    def wait_until_ready(self) -> None:
        """Until `/readyz` answers 200, or the gateway has ended, or the time is up."""
        limit = time.monotonic() + START_SECONDS
        # Whether its certificate is good is for the checks to say.
        context = ssl._create_unverified_context() if self.secure else None
        while time.monotonic() < limit:
            if self.process.poll() is not None:
                raise RuntimeError(f"the gateway ended with status {self.process.returncode}:\n{self.output()}")
            try:
                with urllib.request.urlopen(f"{self.base}/readyz", timeout=2, context=context):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.05)
        raise RuntimeError(f"the gateway was not ready after {START_SECONDS} s:\n{self.output()}")

    def stop(self) -> int | None:
        """Asks it to end, as a service manager would. Its exit status; None where it had to be killed."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return None

    def output(self) -> str:
        """Everything that it has printed."""
        return self.log.read_text(encoding="utf-8", errors="replace")


def variable(client: str) -> str:
    """The environment variable of a client's key."""
    return "CHECKS_" + client.upper().replace("-", "_")


def toml(config: dict[str, object]) -> str:
    """A table as TOML on one line for each top-level key: JSON but for the sign after a key."""
    return "\n".join(f"{json.dumps(key)} = {inline(value)}" for key, value in config.items())


def inline(value: object) -> str:
    """A value as TOML's inline form. JSON's texts, numbers and lists of them are TOML as well."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {inline(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(inline(item) for item in value) + "]"
    return json.dumps(value)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
