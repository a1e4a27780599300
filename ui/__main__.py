"""`python -m ui`: check the port, build the index if there is none, then serve the chat until Ctrl-C."""

from __future__ import annotations

import argparse
import logging
import os
import socket
import sys
import threading
import time
import webbrowser
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from rag.config import Config
from rag.errors import BadInput, RagError
from ui.settings import LOOPBACK, Settings

if TYPE_CHECKING:
    import uvicorn

INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run until stopped; return the exit code. Errors are one line on stderr."""
    options = _options(argv)
    try:
        return _serve(options.host, options.port, browser=not options.no_browser)
    except RagError as fault:
        _tell(str(fault))
        return fault.exit_code
    except KeyboardInterrupt:
        _tell("Stopped.")
        return INTERRUPTED


def _tell(message: str) -> None:
    """One line on stderr; on a terminal it takes the place of a half-drawn progress line, or of the ^C."""
    print(f"\r\x1b[K{message}" if sys.stderr.isatty() else message, file=sys.stderr)


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m ui", description="Chat with the articles of the corpus, offline.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this machine only)")
    parser.add_argument("--port", type=int, default=7860, help="port to listen on (default: %(default)s; 0: any)")
    parser.add_argument("--no-browser", action="store_true", help="do not open the page in the browser")
    return parser.parse_args(argv)


def _serve(host: str, port: int, browser: bool) -> int:
    config, settings = Config.from_env(), _settings(host)
    listener = _listen(host, port)  # before anything slow: a taken port is told at once
    with listener:
        _build_if_missing(config)
        print("Starting the chat …", flush=True)
        import uvicorn

        from ui.backend import Backend
        from ui.server import server

        logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s")  # or the MCP package sets it up
        backend = Backend(config, settings)
        application = server(backend)
        backend.start()  # after Gradio's import, which would otherwise wait for torch's
        # proxy_headers: limits.py reads X-Forwarded-For itself, from the proxies that are named
        options = uvicorn.Config(application, log_level="warning", timeout_graceful_shutdown=0, proxy_headers=False)
        running = _quiet_at_the_end(uvicorn.Server(options))
        url = _url(host, listener.getsockname()[1])
        threading.Thread(target=_announce, args=(running, url, browser), daemon=True).start()
        running.run(sockets=[listener])
    return 0


def _settings(host: str) -> Settings:
    """Bound to loopback, only loopback's names are answered to, unless RAG_HOSTS says more: another name that leads
    here is a page's trick (DNS rebinding)."""
    settings = Settings.from_env()
    return replace(settings, hosts=LOOPBACK) if host in LOOPBACK and not settings.hosts else settings


def _quiet_at_the_end(server: uvicorn.Server) -> uvicorn.Server:
    """Each open page holds a request that ends only with the page. When the server stops, uvicorn cuts those off, and
    would tell every one of them as an error with its traceback."""
    shutdown = server.shutdown

    async def quiet(sockets: list[socket.socket] | None = None) -> None:
        logging.getLogger("uvicorn.error").disabled = True
        await shutdown(sockets)

    server.shutdown = quiet  # type: ignore[method-assign]
    return server


def _listen(host: str, port: int) -> socket.socket:
    """A socket bound to host:port; raises BadInput with the way out when it can not be."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # or a restart waits a minute
        listener.bind(address)
    except (OSError, OverflowError) as fault:
        raise BadInput(_not_listening(host, port, fault)) from None
    return listener


def _not_listening(host: str, port: int, fault: Exception) -> str:
    import errno

    if isinstance(fault, OSError) and fault.errno == errno.EADDRINUSE:
        return (
            f"Port {port} on {host} is taken, perhaps by a chat that already runs: open {_url(host, port)}, "
            f"or run `python -m ui --port {port + 1}`."
        )
    return f"Can not listen on {host}, port {port} ({fault}). Run `python -m ui --host 127.0.0.1 --port 7860`."


def _url(host: str, port: int) -> str:
    """Where a browser on this machine finds the chat; 0.0.0.0 and :: listen everywhere but are no place to go to."""
    name = "127.0.0.1" if host in ("0.0.0.0", "::", "") else host
    return f"http://{f'[{name}]' if ':' in name else name}:{port}"


def _build_if_missing(config: Config) -> None:
    """The first start builds the index here, in sight; later changes are taken up while the page is open already."""
    from rag.store import read_pointer

    if read_pointer(config.index) is None:
        from rag.build import refresh

        print(f"There is no index in {config.index} yet: building it, once.", flush=True)
        refresh(config, _progress)


def _progress(what: str, done: int, total: int) -> None:
    """One line that counts on a terminal; on a pipe, a line at the start and at the end."""
    line = f"{what}: {done} of {total}" if total else what
    if sys.stdout.isatty():
        print(f"\r\x1b[K{line}", end="\n" if done == total else "", flush=True)
    elif done in (0, total):
        print(line, flush=True)


def _announce(running: uvicorn.Server, url: str, browser: bool) -> None:
    while not running.started:
        time.sleep(0.05)
    print(f"The chat is at {url} (Ctrl-C stops it).", flush=True)
    has_display = sys.platform != "linux" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    if browser and has_display:
        webbrowser.open(url)


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # not sys.exit: the interpreter takes seconds to take torch apart, and there is nothing left to save
