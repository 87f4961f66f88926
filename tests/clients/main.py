"""Runs every check of both clients, and says how many passed.

Usage: main.py BINARY GUEST-EXAMPLES PYTHON NODE-MODULES
"""

import pathlib
import sys
from functools import partial

from rounds import Programs, play

LOG_LINES = 200


def main() -> int:
    binary, guests = (pathlib.Path(argument).resolve() for argument in sys.argv[1:3])
    played = play(Programs(binary, guests, *sys.argv[3:5]), partial(print, flush=True))
    python, javascript = played.results["python"], played.results["javascript"]
    of_both = {
        "both clients have the same checks": set(python) == set(javascript),
        "the gateway ends with status 0 when it is asked to": played.exit_status == 0,
    }
    for name, passed in of_both.items():
        print(f"{'ok   ' if passed else 'FAIL '} {name}")
    verdicts = [*python.values(), *javascript.values(), *of_both.values()]
    if not all(verdicts):
        print(f"\nonly one client has: {sorted(set(python) ^ set(javascript))}")
        print("\nwhat the gateway printed last:", *played.printed.splitlines()[-LOG_LINES:], sep="\n")
    passed = sum(verdicts)
    print(f"\n{passed} passed, {len(verdicts) - passed} failed")
    return 0 if all(verdicts) else 1


sys.exit(main())
