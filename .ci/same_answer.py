"""Compares an answer with the one that the README shows: the same JSON, but for the id and the time of this call.

Usage: same_answer.py WANTED GOT
"""

import json
import pathlib
import re
import sys

OF_THIS_CALL = {"id": re.compile(r"chatcmpl-[\w-]+"), "created": re.compile(r"\d{10}")}


def settled(answer: dict, where: str) -> dict:
    """The answer without what differs from call to call, once that has the right form."""
    for name, form in OF_THIS_CALL.items():
        if not form.fullmatch(str(answer.get(name))):
            sys.exit(f"{where}: `{name}` is {answer.get(name)!r}, which does not match {form.pattern}")
    return {name: value for name, value in answer.items() if name not in OF_THIS_CALL}


def main() -> None:
    texts = [pathlib.Path(name).read_text(encoding="utf-8") for name in sys.argv[1:3]]
    try:
        wanted, got = (json.loads(text) for text in texts)
    except ValueError as error:
        sys.exit(f"an answer is no JSON ({error}):\n" + "\n---\n".join(texts))
    if settled(wanted, "README.md") != settled(got, "the server"):
        sys.exit("the server's answer is not the README's:\n" + "\n---\n".join(texts))
    print("the answer is the README's:")
    print(json.dumps(got, indent=2, ensure_ascii=False))


main()
