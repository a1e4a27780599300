"""For the tests of the web side: a real server in a thread, and a second one, another origin, with a publisher's pages."""

from __future__ import annotations

import http.server
import os
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import uvicorn
from playwright.sync_api import Page

from rag.config import Config
from ui.backend import Backend
from ui.server import server
from ui.settings import Settings

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"

HARBOUR = """---
title: The harbour of Lund
publisher: Lund Post
published: 3 May
---

The harbour opened in 1892. It was built by 340 workers. Captain Ida Holm lit the first lamp.

Ships carry timber and salt. The pier fell in the storm of 1931. Nobody was hurt.
"""
MUSEUM = """---
title: A museum of bread
publisher: Lund Post
---

The museum shows 78 kinds of bread. Entry costs four euros. It closes on Mondays.
"""
ROOMY = Settings(rate_per_minute=0)


def small_corpus(folder: Path) -> Config:
    """A corpus of two small articles below `folder`, and the place of its index."""
    corpus = folder / "corpus"
    corpus.mkdir()
    (corpus / "harbour.md").write_text(HARBOUR, encoding="utf-8")
    (corpus / "museum.md").write_text(MUSEUM, encoding="utf-8")
    return Config(corpus=corpus, index=folder / "index", default_article="harbour", answerer="sentences")


@contextmanager
def running(config: Config, settings: Settings = ROOMY) -> Iterator[tuple[str, Backend]]:
    """The address of a server over that corpus, and its backend, loaded."""
    backend = Backend(config, settings)
    uvicorn_server = uvicorn.Server(
        uvicorn.Config(server(backend), port=0, log_level="warning", timeout_graceful_shutdown=0, proxy_headers=False)
    )
    thread = threading.Thread(target=uvicorn_server.run, daemon=True)
    thread.start()
    backend.start()
    while not uvicorn_server.started:
        assert thread.is_alive()
        time.sleep(0.02)
    while backend.chain(1) is None:
        pass
    port = uvicorn_server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}", backend
    uvicorn_server.should_exit = uvicorn_server.force_exit = True
    thread.join(20)


@contextmanager
def pages(contents: Mapping[str, tuple[str, Mapping[str, str]]]) -> Iterator[str]:
    """The origin of a server that has those pages: path → (HTML, extra headers). `contents` may change meanwhile."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body, headers = contents.get(self.path.partition("?")[0], ("", {}))
            self.send_response(200 if body else 404)
            for name, value in {"Content-Type": "text/html; charset=utf-8", **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            pass

    host = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=host.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{host.server_address[1]}"
    host.shutdown()


def until(page: Page, expression: str, argument: object = None) -> None:
    """Wait until the expression holds. Playwright's own wait compiles code in the page, which its policy forbids."""
    deadline = time.monotonic() + 60
    while not page.evaluate(expression, argument):
        assert time.monotonic() < deadline, expression
        page.wait_for_timeout(50)


__all__ = ["HARBOUR", "MUSEUM", "ROOMY", "pages", "replace", "running", "small_corpus", "until"]
