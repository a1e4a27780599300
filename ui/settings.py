"""What the server lets in: origins, hosts, rates and sizes. Read from the environment here, then passed in."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

from rag.errors import BadInput

_ORIGIN = re.compile(r"https?://(?:[a-z0-9.-]+|\[[0-9a-f:]+\])(?::\d{1,5})?")
LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything about the web side that can be set. `Settings.from_env()` reads `RAG_<NAME>` for each field."""

    allowed_origins: tuple[str, ...] = ()
    """Sites that may show the widget and call the API; none means this server's own pages only."""
    hosts: tuple[str, ...] = ()
    """Host names this server answers to; none means any. Bound to loopback, it answers to loopback's names alone."""
    trusted_proxies: tuple[str, ...] = ()
    """Addresses or networks whose X-Forwarded-For is believed."""
    rate_per_minute: float = 120
    """Questions a client may ask per minute on average; 0 sets no limit."""
    rate_burst: float = 60
    """Questions a client may ask at once."""
    max_waiting: int = 64
    """Questions being answered at one time; one more is refused with 503."""
    max_article_kb: int = 2000
    """Largest article that is taken over the API, and largest file over the chat."""
    max_posted: int = 200
    """Posted articles that are kept; the oldest makes room. 0 takes none."""

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read the fields that `RAG_<NAME>` sets; raise BadInput naming the variable when a value does not fit."""
        env = os.environ if environ is None else environ
        default = cls()
        values = {}
        for name in cls.__dataclass_fields__:
            raw = env.get(f"RAG_{name.upper()}")
            if raw is not None:
                values[name] = _value(f"RAG_{name.upper()}", raw, getattr(default, name))
        settings = cls(**values)
        _check(settings)
        return settings


def _value(variable: str, raw: str, default: object) -> object:
    if isinstance(default, tuple):
        return tuple(part.strip().casefold().rstrip("/") for part in re.split(r"[,\s]+", raw) if part.strip())
    try:
        number = type(default)(raw)  # type: ignore[call-arg]
    except ValueError:
        number = None
    if number is None or not 0 <= number < float("inf"):
        raise BadInput(f"{variable}={raw!r} is not a number from 0 up; the default is {default}.")
    return number


def _check(settings: Settings) -> None:
    for origin in settings.allowed_origins:
        if not _ORIGIN.fullmatch(origin):  # it goes into a header as it is; a `*` would open the API to every page
            raise BadInput(
                f"RAG_ALLOWED_ORIGINS: {origin!r} is not an origin such as https://news.example (no path, no *)."
            )
    for proxy in settings.trusted_proxies:
        try:
            ipaddress.ip_network(proxy, strict=False)
        except ValueError:
            raise BadInput(f"RAG_TRUSTED_PROXIES: {proxy!r} is not an address or a network.") from None
