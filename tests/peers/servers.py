"""The servers behind the gateway: their start, what they tell, their end."""

import json
import os
import pathlib
import subprocess
import threading
import time
import urllib.error
import urllib.request

from gateway import free_port

HERE = pathlib.Path(__file__).resolve().parent
START_SECONDS = 300
STOP_SECONDS = 20
LITELLM_KEY = "sk-of-the-proxy"


class Server:
    """A process that goes with its block. What it printed is shown if it does not start."""

    process: subprocess.Popen

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class LiteLlm(Server):
    """The LiteLLM proxy."""

    def __enter__(self) -> "LiteLlm":
        program = pathlib.Path(os.environ["PEERS_VENV"]) / "bin/litellm"
        port = free_port()
        self.base = f"http://127.0.0.1:{port}/v1"
        log = self.folder / "litellm.log"
        # Its list of prices comes with the package; else it would be fetched.
        settings = {"LITELLM_MASTER_KEY": LITELLM_KEY, "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
        arguments = ["--config", HERE / "litellm.yaml", "--host", "127.0.0.1", "--port", str(port), "--telemetry", "False"]
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [program, *arguments],
                cwd=self.folder,
                env=os.environ | settings,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        limit = time.monotonic() + START_SECONDS
        while time.monotonic() < limit and self.process.poll() is None:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/liveliness", timeout=5):
                    return self
            except (urllib.error.URLError, OSError):
                time.sleep(0.2)
        self.__exit__()
        raise RuntimeError(f"LiteLLM did not start:\n{log.read_text(errors='replace')}")


class Http2(Server):
    """The server that speaks HTTP/2 only."""

    def __enter__(self) -> "Http2":
        command = ["node", HERE / "http2.mjs", self.folder / "server.pem", self.folder / "server.key"]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, encoding="utf-8")
        limit = threading.Timer(START_SECONDS, self.process.kill)
        limit.start()
        ports = self.process.stdout.readline()
        limit.cancel()
        if not ports:
            raise RuntimeError("the server for HTTP/2 did not start")
        self.ports = json.loads(ports)
        return self

    def told(self) -> dict[str, dict[str, int]]:
        """How many sessions there were, and how many streams were left."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.ports['control']}/", timeout=10) as answer:
            return json.load(answer)
