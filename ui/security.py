"""What stands in front of every route: who may ask, how much, and the headers of each answer.

Outermost `Headers` (Content-Security-Policy with a nonce for Gradio's own scripts), then Starlette's CORSMiddleware,
then `Gate`. The trap: Gradio's own CORS rules step back only for that very class on the parent application.
"""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ui.limits import Buckets, TooLarge, client_of, drain, read_body, replay
from ui.settings import Settings

if TYPE_CHECKING:
    from fastapi import FastAPI

API = ("/api/", "/v1/", "/mcp")
"""Routes that pages of the allowed origins may use; `/embed` and `/widget.js` are for them too, but hold no data."""
COSTLY = {
    "/api/ask": 1, "/v1/chat/completions": 1, "/mcp": 1, "/gradio_api/queue/join": 1, "/gradio_api/call/": 1,
    "/api/articles": 5, "/gradio_api/upload": 5,
}  # fmt: skip
"""Tokens that a POST costs; indexing an article takes seconds, an answer a fraction of one."""
GRADIO_OPEN = re.compile(
    r"(?:queue/(?:join|data|status)|run/\w+|call/\w+(?:/\w+)?|cancel|reset|heartbeat/\w+|upload|upload_progress|info"
    r"|startup-events|theme\.css|app_id|file=(?!/*\w+:)[^\\]*)/?"
)
"""What the chat and Gradio's Python client use below /gradio_api; the rest of it (fetching any address, proxying,
run history, code generation) is closed. `file=` takes paths, which Gradio checks, but no addresses."""
CLOSED = ("/monitoring", "/login", "/logout", "/svelte", "/dev")
BODY_KB, HEADROOM_KB = 128, 100
NONCE = "{nonce}"
_log = logging.getLogger(__name__)
_SCRIPT = re.compile(rb"<script(?=[\s>])")
_SHARED = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "strict-origin-when-cross-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
}


def secure(app: FastAPI, settings: Settings) -> None:
    """Put all of it around `app`. Call it before Gradio is mounted."""
    from fastapi.middleware.cors import CORSMiddleware

    app.add_middleware(Gate, settings=settings)
    app.add_middleware(
        CORSMiddleware,
        allow_origins=list(settings.allowed_origins),
        allow_methods=["GET", "POST"],
        allow_headers=["Authorization", "Content-Type", "Mcp-Session-Id", "Mcp-Protocol-Version"],
        expose_headers=["Retry-After"],
        max_age=600,
    )
    app.add_middleware(Headers, settings=settings)


def origin_of(url: str) -> str:
    """Scheme, host and port of an address, as a browser writes an origin; '' when it has none.

    >>> origin_of("https://News.example:443/a?b")
    'https://news.example'
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return ""
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    usual = {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{host}" + (f":{port}" if port and port != usual else "")


def is_own(origin: str, host: str) -> bool:
    """Whether a page of `origin` is one of ours: same host and port. The scheme is a proxy's affair.

    >>> is_own("http://127.0.0.1:7860", "127.0.0.1:7860"), is_own("null", "127.0.0.1:7860")
    (True, False)
    """
    own = {origin_of(f"{scheme}://{host}") for scheme in ("http", "https")}
    return bool(origin) and origin_of(origin) in own - {""}


def content_policy(path: str, allowed_origins: Iterable[str]) -> str:
    """The Content-Security-Policy of a page; `{nonce}` stands for the page's nonce.

    Our own pages have no inline script or style. Gradio's have: its scripts get the nonce, its styles are let in.
    """
    ancestors = " ".join(["'self'", *allowed_origins])
    end = f"form-action 'self'; base-uri 'self'; object-src 'none'; frame-ancestors {ancestors}"
    if path.startswith(API):
        return "default-src 'none'; frame-ancestors 'none'"
    if path in OWN_PAGES:
        return (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
            f"frame-src 'self'; {end}"
        )
    return (
        f"default-src 'self'; script-src 'self' 'nonce-{NONCE}'; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; "
        f"media-src 'self' data: blob:; {end}"
    )


OWN_PAGES = ("/embed", "/demo", "/docs")


class Headers:
    """Security headers on every response, and the nonce in the scripts of HTML pages."""

    def __init__(self, app: Any, settings: Settings) -> None:
        self._app, self._settings = app, settings

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        path: str = scope["path"]
        nonce = secrets.token_urlsafe(16)
        held: dict[str, Any] | None = None
        page = b""

        async def guarded(message: dict[str, Any]) -> None:
            nonlocal held, page
            if message["type"] == "http.response.start":
                headers = _changed(message["headers"], self._added(path, nonce))
                message = {**message, "headers": headers}
                is_page = any(n == b"content-type" and v.startswith(b"text/html") for n, v in headers)
                if is_page and path not in OWN_PAGES:
                    held = message
                    return
            elif held is not None:
                page += message.get("body", b"")
                if message.get("more_body"):
                    return
                page = _SCRIPT.sub(b'<script nonce="%s"' % nonce.encode(), page)
                headers = _changed(held["headers"], {"content-length": str(len(page))})
                await send({**held, "headers": headers})
                message, held = {"type": "http.response.body", "body": page}, None
            await send(message)

        if any(n == b"accept" and b"text/html" in v for n, v in scope["headers"]):
            # a page that comes compressed could not be given its nonce
            scope = {**scope, "headers": [(n, v) for n, v in scope["headers"] if n != b"accept-encoding"]}
        await self._app(scope, receive, guarded)

    def _added(self, path: str, nonce: str) -> dict[str, str]:
        allowed = self._settings.allowed_origins
        shared = path in ("/widget.js", "/embed")
        added = {
            **_SHARED,
            "content-security-policy": content_policy(path, allowed).replace(NONCE, nonce),
            "cross-origin-resource-policy": "cross-origin" if shared else "same-origin",
        }
        return added if allowed else {**added, "x-frame-options": "SAMEORIGIN"}


def _changed(headers: Iterable[tuple[bytes, bytes]], values: dict[str, str]) -> list[tuple[bytes, bytes]]:
    kept = [(name, value) for name, value in headers if name.decode("latin-1").lower() not in values]
    return kept + [(name.encode(), value.encode()) for name, value in values.items()]


class Gate:
    """Refuses, before anything is read or computed: strange hosts, foreign origins, closed routes, clients that ask
    too much, bodies that are too large."""

    def __init__(self, app: Any, settings: Settings) -> None:
        self._app, self._settings = app, settings
        self._buckets = Buckets(settings.rate_per_minute, settings.rate_burst)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        headers = {n.decode("latin-1"): v.decode("latin-1") for n, v in scope["headers"]}
        refused = self._refusal(scope["path"], scope["method"], headers) or self._too_often(scope, headers)
        if refused is None and scope["method"] in ("POST", "PUT", "PATCH", "DELETE"):
            try:
                refused, receive = await self._body(scope["path"], headers.get("content-length", ""), receive)
            except ConnectionError:
                return  # the client has gone
        if refused:
            return await refused(scope, receive, send)
        await self._answered(scope, receive, send)

    async def _body(self, path: str, length: str, receive: Any) -> tuple[Refusal | None, Any]:
        """Read the body, if it is not too large; return why it is refused, and a `receive` that gives it again."""
        cap = 1000 * self._cap_kb(path)
        if length and not (length.isdigit() and int(length) <= cap):
            await drain(receive)
            return _too_large(cap), receive
        if path.startswith("/gradio_api/upload"):  # Gradio streams it to a file, up to the same size
            return None if length else Refusal(411, "Send the upload with a Content-Length."), receive
        try:
            return None, replay(await read_body(receive, cap), receive)
        except TooLarge:
            await drain(receive)
            return _too_large(cap), receive
        except TimeoutError:
            return Refusal(408, "The request took too long to arrive. Send it again."), receive

    async def _answered(self, scope: Any, receive: Any, send: Any) -> None:
        """The application's answer; a fault that it did not foresee goes to the log, and a line to the client."""
        started = False

        async def noted(message: dict[str, Any]) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, noted)
        except Exception:
            _log.exception("%s %s failed", scope["method"], scope["path"])
            if started:
                raise  # the connection breaks off, so that nobody takes the half for the whole
            message = "Something went wrong here, not with your request. The server's log says more."
            await error_response(500, message)(scope, receive, send)

    def _refusal(self, path: str, method: str, headers: dict[str, str]) -> Refusal | None:
        host = headers.get("host", "")
        if self._settings.hosts and _name(host) not in self._settings.hosts:
            return Refusal(421, "This server does not answer to that host name. RAG_HOSTS names those that it does.")
        if _closed(path):
            return Refusal(404, "There is nothing here.")
        origin = headers.get("origin", "")
        own = is_own(origin, host)
        if path.startswith("/gradio_api/"):
            same_site = own or (not origin and headers.get("sec-fetch-site", "none") in ("none", "same-origin"))
            if path.startswith("/gradio_api/upload") and method == "POST" and not own:
                return Refusal(403, "Files are taken from the chat page only.")
            return None if same_site else Refusal(403, "The chat is open to its own page only.")
        if origin and not own and origin not in self._settings.allowed_origins:
            if path.startswith(API) or method not in ("GET", "HEAD", "OPTIONS"):
                return Refusal(
                    403, f"Pages of {origin[:100]} may not ask here. RAG_ALLOWED_ORIGINS names those that may."
                )
        return None

    def _too_often(self, scope: Any, headers: dict[str, str]) -> Refusal | None:
        cost = next((c for prefix, c in COSTLY.items() if scope["path"].startswith(prefix)), 0)
        if scope["method"] != "POST" or not cost:
            return None
        peer = scope["client"][0] if scope.get("client") else ""
        client = client_of(peer, headers.get("x-forwarded-for", ""), self._settings.trusted_proxies)
        wait = self._buckets.take(client, cost)
        if not wait:
            return None
        return Refusal(429, "You ask faster than this server answers anyone. Wait a little.", retry_after=wait)

    def _cap_kb(self, path: str) -> int:
        if path.startswith("/gradio_api/upload"):
            return self._settings.max_article_kb + HEADROOM_KB
        if path.startswith(("/api/articles", "/gradio_api/")):
            return 6 * self._settings.max_article_kb + HEADROOM_KB  # in JSON a character of an article can take six
        return BODY_KB


def _name(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _closed(path: str) -> bool:
    if path.startswith("/gradio_api/"):
        return not GRADIO_OPEN.fullmatch(path.removeprefix("/gradio_api/"))
    return any(path == c or path.startswith((f"{c}/", f"{c}_")) for c in CLOSED)


def _too_large(cap: int) -> Refusal:
    return Refusal(413, f"The request is too large: {cap // 1000} kB is the most that is taken here.")


class Refusal:
    """One answer to a request that goes no further, in the shape of every error: {"error": {"message", "type"}}."""

    def __init__(self, status: int, message: str, retry_after: float = 0) -> None:
        self.status, self.message, self.retry_after = status, message, retry_after

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await error_response(self.status, self.message, self.retry_after)(scope, receive, send)


TYPES = {
    400: "invalid_request_error", 403: "forbidden", 404: "not_found", 408: "timeout", 411: "length_required",
    413: "too_large", 421: "misdirected", 422: "invalid_request_error", 429: "rate_limit_exceeded", 503: "overloaded",
}  # fmt: skip


def error_response(status: int, message: str, retry_after: float = 0) -> Any:
    """The response for an error, its message one line for people."""
    import math

    from fastapi.responses import JSONResponse

    headers = {"retry-after": str(max(1, math.ceil(retry_after)))} if retry_after else {}
    message = message.encode("utf-8", "replace").decode()  # a lone surrogate can not be sent
    content = {"error": {"message": message, "type": TYPES.get(status, "server_error")}}
    return JSONResponse(content, status_code=status, headers=headers)
