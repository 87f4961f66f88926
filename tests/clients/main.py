"""Starts a gateway, runs every check against it, and says how many passed.

Usage: main.py BINARY GUEST-EXAMPLES
"""

import pathlib
import sys
import traceback

import openai

from checks import CHECKS
from gateway import Gateway


def run(gateway: Gateway) -> list[str]:
    """The names of the checks that failed."""
    client = openai.OpenAI(base_url=f"{gateway.base}/v1", api_key="of-no-upstream", max_retries=0, timeout=30)
    failed = []
    for name, check in CHECKS:
        try:
            check(client)
        # Whatever a check raises is its failure, and the next one runs.
        except Exception:
            failed.append(name)
            print(f"FAIL  {name}")
            traceback.print_exc(file=sys.stdout)
        else:
            print(f"ok    {name}")
    return failed


def main() -> int:
    binary, guests = (pathlib.Path(argument).resolve() for argument in sys.argv[1:3])
    print(f"openai {openai.__version__} against {binary.name}")
    with Gateway(binary, guests) as gateway:
        failed = run(gateway)
        passed = len(CHECKS) - len(failed)
        status = gateway.stop()
        name = "the gateway ends with status 0 when it is asked to"
        if status == 0:
            passed += 1
            print(f"ok    {name}")
        else:
            failed.append(name)
            print(f"FAIL  {name}: {status}")
        if failed:
            print(f"\nwhat the gateway printed:\n{gateway.output()}")
    print(f"\n{passed} passed, {len(failed)} failed")
    return 1 if failed else 0


sys.exit(main())
