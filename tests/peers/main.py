"""Starts the servers and a gateway in front of them, and says how many checks passed.

Usage: main.py BINARY GUEST-EXAMPLES
"""

import os
import pathlib
import sys
import tempfile
import traceback
from concurrent.futures import ThreadPoolExecutor

import openai

from certificates import certificates
from checks import CHECKS, Peers
from gateway import Gateway, legacy, typed
from servers import LITELLM_KEY, Http2, LiteLlm


def configuration(guests: pathlib.Path, folder: pathlib.Path, litellm: LiteLlm, http2: Http2) -> dict[str, object]:
    """Every peer behind a plugin of each kind."""
    return {
        "plugins": [typed(guests), legacy(guests)],
        "upstreams": {
            "litellm": {"base_url": litellm.base, "api_key_env": "LITELLM_KEY"},
            "http2-plain": {"base_url": f"http://127.0.0.1:{http2.ports['plain']}/v1", "protocol": "http2"},
            "http2": {
                "base_url": f"https://localhost:{http2.ports['secure']}/v1",
                "ca_file": str(folder / "ca.pem"),
            },
            "http1": {
                "base_url": f"https://localhost:{http2.ports['secure']}/v1",
                "ca_file": str(folder / "ca.pem"),
                "protocol": "http1",
            },
            "stranger": {"base_url": f"https://localhost:{http2.ports['secure']}/v1"},
        },
    }


def main() -> int:
    binary, guests = (pathlib.Path(argument).resolve() for argument in sys.argv[1:3])
    os.environ["LITELLM_KEY"] = LITELLM_KEY
    passed = failed = 0
    with tempfile.TemporaryDirectory(prefix="heimdall-peers-") as name:
        folder = pathlib.Path(name)
        certificates(folder)
        with LiteLlm(folder) as litellm, Http2(folder) as http2:
            with Gateway(binary, configuration(guests, folder, litellm, http2)) as gateway:
                client = openai.OpenAI(base_url=f"{gateway.base}/v1", api_key="none", max_retries=0, timeout=60)
                with ThreadPoolExecutor(20) as pool:
                    for check in CHECKS:
                        try:
                            check(Peers(client, http2, pool))
                        # Whatever a check raises is its failure, and the next one runs.
                        except Exception:
                            failed += 1
                            print(f"FAIL  {check.__doc__}")
                            traceback.print_exc(file=sys.stdout)
                        else:
                            passed += 1
                            print(f"ok    {check.__doc__}")
                        sys.stdout.flush()
                if failed:
                    print(f"\nwhat the gateway printed:\n{gateway.output()}")
    print(f"\n{passed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(main())
