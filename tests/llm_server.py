"""A real HTTP server on loopback that speaks the OpenAI and the Ollama protocol, and breaks them in one way at a time.

`say` is what it answers to a prompt. Words go out three characters at a time, so that a marker never comes whole.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Say = Callable[[str], str]
FAULTS = {
    "401": 401,
    "403": 403,
    "wrong model": 404,
    "429": 429,
    "500": 500,
    "503": 503,
    "slow first token": None,
    "stall": None,
    "cut mid-token": None,
    "invalid json": None,
    "no finish": None,
    "length": None,
    "endless": None,
    "empty": None,
}


class LLMServer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, say: Say) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.say = say
        self.fault = ""
        self.retry_after = "7"
        self.requests: list[dict[str, Any]] = []
        self.closing = threading.Event()

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that leaves is no error here."""


@contextmanager
def serving(say: Say) -> Iterator[LLMServer]:
    server = LLMServer(say)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield server
    finally:
        server.closing.set()
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: LLMServer

    def log_message(self, *args: Any) -> None: ...

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.requests.append({**asked, "path": self.path, "headers": dict(self.headers)})
        status = FAULTS.get(self.server.fault)
        if status:
            return self._error(status)
        ollama = self.path == "/api/chat"
        text = self.server.say("\n".join(str(m["content"]) for m in asked["messages"]))
        if asked.get("stream", ollama):
            self._stream(text, _ollama_piece if ollama else _openai_piece, ollama)
        else:
            self._whole(text)

    def _error(self, status: int) -> None:
        key = self.headers.get("authorization", "")
        body = json.dumps({"error": {"message": f"No. You sent {key}", "type": "x", "code": "x"}}).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        if status == 429:
            self.send_header("retry-after", self.server.retry_after)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _whole(self, text: str) -> None:
        """The OpenAI protocol without streaming."""
        if self.server.fault in ("slow first token", "stall"):
            self.server.closing.wait(30)
            return
        finish = None if self.server.fault == "no finish" else "stop"
        message = {"role": "assistant", "content": "" if self.server.fault == "empty" else text}
        usage = {"prompt_tokens": 50, "completion_tokens": 7, "total_tokens": 57}
        reply = {
            "id": "x",
            "object": "chat.completion",
            "created": 1,
            "model": "m",
            "choices": [{"index": 0, "message": message, "finish_reason": finish}],
            "usage": usage,
        }
        body = json.dumps(reply).encode()
        if self.server.fault == "invalid json":
            body = b'{"choices": [{"mess'
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body) + (9 if self.server.fault == "cut mid-token" else 0)))
        self.end_headers()
        self.wfile.write(body)

    def _stream(self, text: str, piece: Callable[..., bytes], ollama: bool) -> None:
        fault = self.server.fault
        self.send_response(200)
        self.send_header("content-type", "application/x-ndjson" if ollama else "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        if fault == "slow first token":
            self._keep_alive(ollama)
            return
        if fault == "endless":
            while not self.server.closing.is_set():
                self._send(piece(text + " "))
        parts = re.findall(r"(?s).{1,3}", "" if fault == "empty" else text)
        for n, part in enumerate(parts):
            if n == 2 * len(parts) // 3 and fault in ("stall", "cut mid-token", "invalid json"):
                return self._break(fault, piece(part), ollama)
            self._send(piece(part))
        if fault != "no finish":
            self._send(piece("", finish="length" if fault == "length" else "stop"))
        if not ollama:
            self._send(b"data: [DONE]\n\n")
        self._end()

    def _break(self, fault: str, whole: bytes, ollama: bool) -> None:
        if fault == "stall":
            self._keep_alive(ollama)
        elif fault == "cut mid-token":
            self._send(whole[: len(whole) // 2])
            self.close_connection = True
        else:
            self._send(b'{"message": {"content": !}}\n' if ollama else b'data: {"choices": [{"delta": !}]}\n\n')
            self._end()

    def _keep_alive(self, ollama: bool) -> None:
        """Alive but silent: OpenAI's servers send comments meanwhile, which a socket's read timeout takes for life."""
        for _ in range(600):
            if self.server.closing.wait(0.1):
                return
            if not ollama:
                self._send(b": keep-alive\n\n")

    def _send(self, data: bytes) -> None:
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()

    def _end(self) -> None:
        self.wfile.write(b"0\r\n\r\n")


def _openai_piece(text: str, finish: str | None = None) -> bytes:
    delta = {"content": text} if text or not finish else {}
    chunk: dict[str, Any] = {
        "id": "x",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
    }
    out = b"data: " + json.dumps(chunk).encode() + b"\n\n"
    if finish:
        usage = {"prompt_tokens": 120, "completion_tokens": 11, "total_tokens": 131}
        out += b"data: " + json.dumps({**chunk, "choices": [], "usage": usage}).encode() + b"\n\n"
    return out


def _ollama_piece(text: str, finish: str | None = None) -> bytes:
    said: dict[str, Any] = {
        "model": "m",
        "created_at": "2026-01-01T00:00:00Z",
        "message": {"role": "assistant", "content": text},
        "done": bool(finish),
    }
    if finish:
        said |= {"done_reason": finish, "prompt_eval_count": 120, "eval_count": 11, "eval_duration": 1}
    return json.dumps(said).encode() + b"\n"


def key_of(prompt: str, words: str) -> str:
    """The key of the passage in the prompt that holds these words."""
    for line in prompt.splitlines():
        if line.startswith("{") and words in (row := json.loads(line))["text"]:
            return str(row["key"])
    raise AssertionError(f"no passage holds {words!r}:\n{prompt}")


def wait_until(true: Callable[[], bool], seconds: float = 10) -> bool:
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.02)
    return true()
