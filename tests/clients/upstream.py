"""An upstream that does what the model's name says, and tells what it saw.

- `answers`: the recorded answer of the path, whole or as a stream; `tools`: the one that calls functions;
- `fails-STATUS-TIMES`: that many times an error of that status, then as `answers`;
- `limited`: 429 with the headers of OpenAI's rate limits;
- `hangs`: no answer; `endless`: a stream without an end; both until the other side leaves;
- `breaks-N`: the connection ends after N events of the stream.

`GET /calls/TAG` lists how each call ended whose `user` (or `safety_identifier`) was TAG: its status, `left` where the
other side went away, `null` while it is under way. `GET /keys/TAG` lists the `authorization` that they came with.
"""

import http.server
import itertools
import json
import pathlib
import select
import threading

FIXTURES = pathlib.Path(__file__).resolve().parent.parent / "fixtures"

# Of each path: the whole answer, and the stream.
RECORDED = {
    "/v1/chat/completions": ("openai/chat-completions--default.response.json", "streams/chat.sse"),
    "/v1/completions": ("openai/completions--no-streaming.response.json", "streams/completions.sse"),
    "/v1/responses": ("openai/responses--text-input.response.json", "streams/responses.sse"),
    "/v1/moderations": ("openai/moderations--single-string.response.json", None),
}
TOOLS = {
    "/v1/chat/completions": ("openai/chat-completions--functions.response.json", "streams/chat-tools.sse"),
    "/v1/responses": ("openai/responses--functions.response.json", None),
}
EMBEDDING = {"object": "list", "model": "answers", "data": [], "usage": {"prompt_tokens": 1, "total_tokens": 1}}
MODELS = {"object": "list", "data": [{"id": "answers", "object": "model", "created": 1, "owned_by": "recorded"}]}
LIMITED = {
    "retry-after": "7",
    "x-ratelimit-limit-requests": "60",
    "x-ratelimit-remaining-requests": "0",
    "x-ratelimit-reset-requests": "7s",
}
ERRORS = {
    400: ("invalid_request_error", None),
    401: ("invalid_request_error", "invalid_api_key"),
    429: ("requests", "rate_limit_exceeded"),
    500: ("server_error", None),
}


class Upstream(http.server.ThreadingHTTPServer):
    """Listens on a port of its own, in threads of its own."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.calls: dict[str, list[int | str | None]] = {}
        self.keys: dict[str, list[str | None]] = {}
        self.lock = threading.Lock()
        self.base = f"http://127.0.0.1:{self.server_port}"

    def __enter__(self) -> "Upstream":
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()

    def begin(self, tag: str, key: str | None) -> int:
        """Notes a call; which of its tag's it is."""
        with self.lock:
            self.keys.setdefault(tag, []).append(key)
            self.calls.setdefault(tag, []).append(None)
            return len(self.calls[tag]) - 1

    def end(self, tag: str, number: int, how: int | str) -> None:
        """Notes how a call ended."""
        with self.lock:
            self.calls[tag][number] = how

    def handle_error(self, *_: object) -> None:
        """The other side left: it is noted where it matters."""


class Handler(http.server.BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server: Upstream

    def log_message(self, *_: object) -> None:
        """Nothing is logged."""

    def do_GET(self) -> None:
        of = {"calls": self.server.calls, "keys": self.server.keys}
        _, what, tag = f"{self.path}/".split("/", 2)
        if what in of:
            with self.server.lock:
                told = json.dumps(of[what].get(tag.rstrip("/"), []))
            self.whole(200, told.encode())
        elif self.path == "/v1/models":
            self.whole(200, json.dumps(MODELS).encode())
        else:
            self.error(404)

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["content-length"])))
        tag = request.get("user") or request.get("safety_identifier") or ""
        number = self.server.begin(tag, self.headers["authorization"])
        try:
            how: int | str = self.answer(request, number)
        except OSError:
            how = "left"
            self.close_connection = True
        self.server.end(tag, number, how)

    def answer(self, request: dict, number: int) -> int | str:
        what, *numbers = request.get("model", "answers").split("-")
        numbers = [int(digits) for digits in numbers]
        if what == "fails" and number < numbers[1]:
            return self.error(numbers[0])
        if what == "limited":
            return self.error(429, LIMITED)
        if what == "hangs":
            return self.until_left()
        if self.path == "/v1/embeddings":
            return self.whole(200, embeddings(request["input"]))
        whole, stream = (TOOLS if what == "tools" else RECORDED)[self.path]
        if not request.get("stream"):
            return self.whole(200, (FIXTURES / whole).read_bytes())
        events = (FIXTURES / stream).read_bytes().strip().split(b"\n\n")
        if what == "breaks":
            return self.stream(events[: numbers[0]], ends=False)
        if what == "endless":
            return self.stream(itertools.cycle(events[1:2]), ends=False)
        return self.stream(events, ends=True)

    def whole(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> int:
        self.send_response(status)
        for name, value in ({"content-type": "application/json"} | (headers or {})).items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        return status

    def error(self, status: int, headers: dict[str, str] | None = None) -> int:
        kind, code = ERRORS.get(status, (None, None))
        error = {"message": f"A recorded error of status {status}.", "type": kind, "param": None, "code": code}
        return self.whole(status, json.dumps({"error": error}).encode(), headers)

    def stream(self, events: object, *, ends: bool) -> int | str:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for event in events:
            # A pace that no reader falls behind of, and in which the other side's end is seen.
            if self.has_left(0.002):
                return "left"
            piece = event + b"\n\n"
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        if not ends:
            self.close_connection = True
            return "broke off"
        try:
            self.wfile.write(b"0\r\n\r\n")
        except OSError:
            # After the last event there is nothing left to wait for.
            self.close_connection = True
        return 200

    def until_left(self) -> str:
        while not self.has_left(60):
            pass
        return "left"

    def has_left(self, seconds: float) -> bool:
        """Whether the other side ends the connection within that time: it has nothing more to say."""
        readable, _, _ = select.select([self.connection], [], [], seconds)
        self.close_connection |= bool(readable)
        return bool(readable)


def embeddings(texts: str | list[str]) -> bytes:
    """A vector for each text."""
    texts = [texts] if isinstance(texts, str) else texts
    data = [{"object": "embedding", "index": index, "embedding": [0.25, -1.5]} for index, _ in enumerate(texts)]
    return json.dumps(EMBEDDING | {"data": data}).encode()
