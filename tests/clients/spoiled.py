"""Checks the checks: each has to fail in at least one of the rounds whose configuration is spoiled, and each of these
rounds has to make some fail.

Usage: spoiled.py BINARY GUEST-EXAMPLES PYTHON NODE-MODULES
"""

import pathlib
import sys

from gateway import LEGACY, MARKS
from rounds import Configs, Programs, play


def without_typed(configs: Configs) -> None:
    """without the typed plugins"""
    del configs.main["plugins"][0]
    configs.chain["plugins"] = [plugin for plugin in configs.chain["plugins"] if plugin["name"] in LEGACY]


def without_legacy(configs: Configs) -> None:
    """without the legacy plugins"""
    del configs.main["plugins"][1]
    configs.chain["plugins"] = [plugin for plugin in configs.chain["plugins"] if plugin["name"] not in LEGACY]


def swapped(configs: Configs) -> None:
    """with the plugins in the other order"""
    configs.main["plugins"].reverse()
    configs.chain["plugins"].reverse()


def without_second_chance(configs: Configs) -> None:
    """without retries and fallbacks, and with an upstream's patience"""
    for upstream in configs.main["upstreams"].values():
        for setting in ("retries", "fallbacks"):
            upstream.pop(setting, None)
    configs.main["upstreams"]["hasty"]["first_byte_timeout_ms"] = 60_000


def without_names(configs: Configs) -> None:
    """without routes, aliases, further paths and a way to the list of models"""
    for setting in ("routes", "aliases", "passthrough"):
        del configs.main[setting]
    configs.main["plugins"][0]["config"]["closed_paths"] = [MARKS["closed_typed"], "/v1/models"]


def without_access(configs: Configs) -> None:
    """without keys and TLS, and with a key that goes everywhere"""
    for each in (configs.main, configs.secure):
        del each["client_keys"]
    del configs.secure["tls"]
    configs.main["upstreams"]["recorded"]["forward_client_key"] = True


def crossed(configs: Configs) -> None:
    """with the echo in every upstream's place, a recorded one in the echo's, and no unknown path or model"""
    upstreams = configs.main["upstreams"]
    recorded = upstreams["recorded"]
    configs.main["upstreams"] = {name: {"kind": "echo"} for name in upstreams} | {"echo": recorded}
    configs.main["default_upstream"] = "down"
    configs.main["passthrough"] = [{"path": "/v1/*", "upstream": "down"}]


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
