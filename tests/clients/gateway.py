"""The gateway under test: its configuration, its start, its end."""

import json
import pathlib
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

START_SECONDS = 60
STOP_SECONDS = 30

# What each plugin does to a request or an answer, and what the checks know it by. A word that only one plugin knows
# shows that plugin's hook; a word that both know shows which of them came first.
SYSTEM_TYPED = "Mark of the typed plugin."
SYSTEM_LEGACY = "Mark of the legacy plugin."
BANNED_TYPED = "banned-by-typed"
BANNED_LEGACY = "banned-by-legacy"
BANNED_BOTH = "banned-by-both"
SECRET_TYPED = "SECRET-OF-TYPED"
SECRET_LEGACY = "SECRET-OF-LEGACY"
SECRET_BOTH = "SECRET-OF-BOTH"
CLOSED_TYPED = "/v1/closed-by-typed"
CLOSED_LEGACY = "/v1/closed-by-legacy"

TYPED = {
    "banned": [BANNED_TYPED, BANNED_BOTH],
    "system": SYSTEM_TYPED,
    "header": "typed",
    "secrets": [SECRET_TYPED, SECRET_BOTH],
    "closed_paths": [CLOSED_TYPED],
}
LEGACY = {
    "banned": [BANNED_LEGACY, BANNED_BOTH],
    "system": SYSTEM_LEGACY,
    "header": "legacy",
    "secrets": [SECRET_LEGACY, SECRET_BOTH],
    "closed_paths": [CLOSED_LEGACY],
}


class Gateway:
    """A gateway of its own, on a port of its own, with its files in a folder that goes with it."""

    def __init__(self, binary: pathlib.Path, guests: pathlib.Path) -> None:
        self.binary = binary
        self.guests = guests
        self.folder = tempfile.TemporaryDirectory(prefix="heimdall-clients-")
        self.port = free_port()
        self.base = f"http://127.0.0.1:{self.port}"

    def configuration(self) -> str:
        """The typed plugin comes first: it sees the request before the legacy one, and the answer after it."""
        return "\n".join(
            [
                f'listen = "127.0.0.1:{self.port}"',
                # Compiled plugins stay in this folder: the user's own cache is left alone.
                'cache_dir = "cache"',
                'state_dir = "state"',
                "[upstreams.echo]",
                'kind = "echo"',
                # Nobody listens there.
                "[upstreams.down]",
                f'base_url = "http://127.0.0.1:{free_port()}/v1"',
                *plugin("typed", self.guests / "typed/rust/guard.wasm", TYPED),
                *plugin("legacy", self.guests / "legacy/rust/gen3/gen3.wasm", LEGACY),
            ]
        )

    def __enter__(self) -> "Gateway":
        folder = pathlib.Path(self.folder.name)
        file = folder / "heimdall.toml"
        file.write_text(self.configuration(), encoding="utf-8")
        self.log = folder / "gateway.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [self.binary, "serve", "--config", file],
                cwd=folder,
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
        while time.monotonic() < limit:
            if self.process.poll() is not None:
                raise RuntimeError(f"the gateway ended with status {self.process.returncode}:\n{self.output()}")
            try:
                with urllib.request.urlopen(f"{self.base}/readyz", timeout=2):
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


def plugin(name: str, file: pathlib.Path, config: dict[str, object]) -> list[str]:
    """One entry of the configuration. JSON strings and lists of them are TOML as well."""
    entry = {"name": name, "path": str(file.resolve())}
    return [
        "[[plugins]]",
        *(f"{key} = {json.dumps(value)}" for key, value in entry.items()),
        "[plugins.config]",
        *(f"{key} = {json.dumps(value)}" for key, value in config.items()),
    ]


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
