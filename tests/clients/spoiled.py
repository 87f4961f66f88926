"""Checks the checks: each has to fail in at least one of the rounds whose configuration is spoiled, and each of these
rounds has to make some fail.

Usage: spoiled.py BINARY GUEST-EXAMPLES PYTHON NODE-MODULES
"""

import pathlib
import sys

from gateway import MARKS
from rounds import Programs, play

Config = dict[str, object]


def without_typed(config: Config, _: Config) -> None:
    """without the typed plugin"""
    del config["plugins"][0]


def without_legacy(config: Config, _: Config) -> None:
    """without the legacy plugin"""
    del config["plugins"][1]


def swapped(config: Config, _: Config) -> None:
    """with the plugins in the other order"""
    config["plugins"].reverse()


def without_second_chance(config: Config, _: Config) -> None:
    """without retries and fallbacks, and with an upstream's patience"""
    for upstream in config["upstreams"].values():
        for setting in ("retries", "fallbacks"):
            upstream.pop(setting, None)
    config["upstreams"]["hasty"]["first_byte_timeout_ms"] = 60_000


def without_names(config: Config, _: Config) -> None:
    """without routes, aliases, further paths and a way to the list of models"""
    for setting in ("routes", "aliases", "passthrough"):
        del config[setting]
    config["plugins"][0]["config"]["closed_paths"] = [MARKS["closed_typed"], "/v1/models"]


def without_access(config: Config, secure: Config) -> None:
    """without keys and TLS, and with a key that goes everywhere"""
    for each in (config, secure):
        del each["client_keys"]
    del secure["tls"]
    config["upstreams"]["recorded"]["forward_client_key"] = True


def crossed(config: Config, _: Config) -> None:
    """with the echo in every upstream's place, a recorded one in the echo's, and no unknown path or model"""
    upstreams = config["upstreams"]
    recorded = upstreams["recorded"]
    config["upstreams"] = {name: {"kind": "echo"} for name in upstreams} | {"echo": recorded}
    config["default_upstream"] = "down"
    config["passthrough"] = [{"path": "/v1/*", "upstream": "down"}]


SPOILS = [without_typed, without_legacy, swapped, without_second_chance, without_names, without_access, crossed]


def main() -> int:
    binary, guests = (pathlib.Path(argument).resolve() for argument in sys.argv[1:3])
    programs = Programs(binary, guests, *sys.argv[3:5])
    passed_always: dict[str, set[str]] = {}
    idle = []
    for spoil in SPOILS:
        results = play(programs, lambda _: None, spoil).results
        failed = {client: {name for name, passed in of.items() if not passed} for client, of in results.items()}
        print(f"{spoil.__doc__}: {[len(names) for names in failed.values()]} fail", flush=True)
        idle += [f"{spoil.__doc__} ({client})" for client, names in failed.items() if not names]
        for client, of in results.items():
            passed_always[client] = passed_always.get(client, set(of)) - failed[client]
    never = [f"{name} ({client})" for client, names in passed_always.items() for name in sorted(names)]
    for problem in [*(f"no check sees it: {it}" for it in idle), *(f"no round makes it fail: {it}" for it in never)]:
        print(f"FAIL  {problem}")
    print(f"\n{len(SPOILS) - len(idle)} passed, {len(idle) + len(never)} failed")
    return 1 if idle or never else 0


sys.exit(main())
