"""One round: an upstream, three gateways, and every check of both clients against them."""

import json
import os
import pathlib
import subprocess
import tempfile
import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

from certificates import certificates
from gateway import (
    CHAIN,
    KEYS,
    MARKS,
    REQUESTS_PER_MINUTE,
    Gateway,
    chain_configuration,
    configuration,
    secure_configuration,
)
from upstream import Upstream

HERE = pathlib.Path(__file__).resolve().parent
CLIENT_SECONDS = 300


@dataclass
class Programs:
    """What a round runs."""

    binary: pathlib.Path
    guests: pathlib.Path
    python: str
    node_modules: str

    def clients(self) -> dict[str, list[str]]:
        """How each client's checks are run."""
        return {
            "python": [self.python, "-B", str(HERE / "python/run.py")],
            "javascript": ["node", str(HERE / "javascript/run.mjs")],
        }


@dataclass
class Configs:
    """Of each gateway."""

    main: dict[str, object]
    """A typed and a legacy plugin, and all kinds of upstreams."""
    secure: dict[str, object]
    """Behind TLS."""
    chain: dict[str, object]
    """Plugins in every language."""


@dataclass
class Round:
    """What came of it: of each client, each check's name and whether it passed."""

    results: dict[str, dict[str, bool]]
    exit_status: int | None
    printed: str


def play(
    programs: Programs,
    say: Callable[[str], None],
    spoil: Callable[[Configs], None] = lambda _: None,
) -> Round:
    """Runs every check. `spoil` may change the gateways' configurations before they start."""
    with ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="heimdall-clients-")))
        certificates(folder)
        upstream = stack.enter_context(Upstream())
        configs = Configs(
            main=configuration(programs.guests, upstream.base),
            secure=secure_configuration(folder),
            chain=chain_configuration(programs.guests),
        )
        spoil(configs)
        gateway = stack.enter_context(Gateway(programs.binary, configs.main))
        secure = stack.enter_context(Gateway(programs.binary, configs.secure))
        chain = stack.enter_context(Gateway(programs.binary, configs.chain))
        results = {}
        for name, command in programs.clients().items():
            setup = {
                "base": gateway.base,
                # As it is meant to be, even where it was spoiled.
                "secure": f"https://127.0.0.1:{secure.port}",
                "chain": chain.base,
                "chain_plugins": list(CHAIN),
                "authority": str(folder / "ca.pem"),
                "upstream": upstream.base,
                "key": KEYS[name],
                "limited_key": KEYS[f"{name}-limited"],
                "limit": REQUESTS_PER_MINUTE,
                "marks": MARKS,
            }
            settings = {"CHECKS_SETUP": json.dumps(setup), "CHECKS_NODE_MODULES": programs.node_modules}
            results[name] = checks(command, settings, say)
        status = gateway.stop()
        return Round(results, status, gateway.output())


def checks(command: list[str], settings: dict[str, str], say: Callable[[str], None]) -> dict[str, bool]:
    """Each check's name, and whether it passed."""
    process = subprocess.Popen(
        command,
        env=os.environ | settings,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    )
    results = {}
    # Its output ends with it, so it is the process that has a time limit.
    limit = threading.Timer(CLIENT_SECONDS, process.kill)
    limit.start()
    for line in process.stdout:
        say(line.rstrip("\n"))
        verdict, _, name = line.rstrip("\n").partition(" ")
        if verdict in ("ok", "FAIL"):
            results[name.strip()] = verdict == "ok"
    status = process.wait()
    limit.cancel()
    if status != 0:
        results[f"{pathlib.Path(command[-1]).name} ends with status 0"] = False
    return results
