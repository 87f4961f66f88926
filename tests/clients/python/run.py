"""Runs every check, and prints a line for each: `ok` or `FAIL`, and its name."""

import sys
import traceback

import openai

import access
import chain
import operation
import plugins
from table import CHECKS, client

# Each adds its checks to the table, in this order.
_ = (plugins, chain, operation, access)

print(f"openai {openai.__version__} for Python {sys.version.split()[0]}", flush=True)
for name, check in CHECKS:
    try:
        check(client())
    # Whatever a check raises is its failure, and the next one runs.
    except Exception:
        print(f"FAIL  {name}")
        traceback.print_exc(file=sys.stdout)
    else:
        print(f"ok    {name}")
    sys.stdout.flush()
