"""Starts an upstream and a gateway, runs both clients' checks against them, and says how many passed.

Usage: main.py BINARY GUEST-EXAMPLES PYTHON NODE-MODULES
"""

import json
import os
import pathlib
import subprocess
import sys

from gateway import KEYS, MARKS, Gateway, configuration
from upstream import Upstream

HERE = pathlib.Path(__file__).resolve().parent
CLIENT_SECONDS = 300
LOG_LINES = 200


def clients(python: str) -> dict[str, list[str]]:
    """How each client's checks are run."""
    return {
        "python": [python, "-B", str(HERE / "python/run.py")],
        "javascript": ["node", str(HERE / "javascript/run.mjs")],
    }


def run(command: list[str], setup: dict[str, object], environment: dict[str, str]) -> dict[str, bool]:
    """Each check's name, and whether it passed."""
    process = subprocess.Popen(
        command,
        env=os.environ | environment | {"CHECKS_SETUP": json.dumps(setup)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    )
    results = {}
    for line in process.stdout:
        print(line, end="", flush=True)
        verdict, _, name = line.rstrip("\n").partition(" ")
        if verdict in ("ok", "FAIL"):
            results[name.strip()] = verdict == "ok"
    if process.wait(CLIENT_SECONDS) != 0:
        results[f"{pathlib.Path(command[-1]).name} ends with status 0"] = False
    return results


def main() -> int:
    binary, guests = (pathlib.Path(argument).resolve() for argument in sys.argv[1:3])
    python, modules = sys.argv[3:5]
    results: dict[str, dict[str, bool]] = {}
    with Upstream() as upstream, Gateway(binary, configuration(guests, upstream.base)) as gateway:
        for name, command in clients(python).items():
            setup = {
                "base": gateway.base,
                "upstream": upstream.base,
                "key": KEYS[name],
                "limited_key": KEYS[f"{name}-limited"],
                "marks": MARKS,
            }
            results[name] = run(command, setup, {"CHECKS_NODE_MODULES": modules})
        status = gateway.stop()
        results["gateway"] = {
            "both clients have the same checks": set(results["python"]) == set(results["javascript"]),
            "the gateway ends with status 0 when it is asked to": status == 0,
        }
        verdicts = [passed for checks in results.values() for passed in checks.values()]
        for name, passed in results["gateway"].items():
            print(f"{'ok   ' if passed else 'FAIL '} {name}")
        if not all(verdicts):
            print(f"\nonly one client has: {sorted(set(results['python']) ^ set(results['javascript']))}")
            last = gateway.output().splitlines()[-LOG_LINES:]
            print("\nwhat the gateway printed last:", *last, sep="\n")
    passed = sum(verdicts)
    print(f"\n{passed} passed, {len(verdicts) - passed} failed")
    return 0 if all(verdicts) else 1


sys.exit(main())
