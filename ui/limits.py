"""How much one client, and how much everyone together, may ask: token buckets, body sizes, questions at one time."""

from __future__ import annotations

import ipaddress
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rag.errors import RagError

CLIENTS = 10_000
"""Buckets kept; the client not seen for the longest loses its own, which is full by then."""


class Overloaded(RagError):
    """More questions are being answered than the server takes: told at once, instead of after a minute's wait."""

    retry_after = 2


class Buckets:
    """A token bucket per client: `burst` tokens at most, refilled at `per_minute`; 0 per minute sets no limit."""

    def __init__(self, per_minute: float, burst: float, now: Callable[[], float] = time.monotonic) -> None:
        self._rate, self._burst, self._now = per_minute / 60, max(1.0, burst), now
        self._held: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, client: str, tokens: float = 1) -> float:
        """Take tokens and return 0, or take none and return the seconds until there are enough.

        >>> clock = iter([0, 0, 0, 6]).__next__
        >>> buckets = Buckets(per_minute=10, burst=2, now=clock)
        >>> [round(buckets.take("ann"), 1) for _ in range(4)]
        [0.0, 0.0, 6.0, 0.0]
        """
        if not self._rate:
            return 0.0
        tokens = min(tokens, self._burst)  # or what costs more than a full bucket would never be let in
        with self._lock:
            now = self._now()
            held, since = self._held.pop(client, (self._burst, now))
            held = min(self._burst, held + (now - since) * self._rate)
            wait = max(0.0, (tokens - held) / self._rate)
            self._held[client] = (held if wait else held - tokens, now)
            if len(self._held) > CLIENTS:
                self._held.popitem(last=False)
            return wait


def client_of(peer: str, forwarded: str, trusted: Sequence[str]) -> str:
    """Who asks: the connection's address, or, when that is a trusted proxy, the last address in X-Forwarded-For that
    is not one. An IPv6 client is its /64, of which it has every address.

    >>> client_of("10.0.0.1", "6.6.6.6, 203.0.113.9", ["10.0.0.0/8"])
    '203.0.113.9'
    >>> client_of("203.0.113.9", "1.2.3.4", ["10.0.0.0/8"])
    '203.0.113.9'
    """
    networks = [ipaddress.ip_network(t, strict=False) for t in trusted]
    chain = [part.strip() for part in forwarded.split(",") if part.strip()] + [peer]
    for name in reversed(chain):
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return peer  # a header nobody wrote in earnest, or a connection without an address
        if not any(address in network for network in networks):
            return str(ipaddress.ip_network((address, 64), strict=False)) if address.version == 6 else name
    return peer


class Places:
    """At most `most` questions at one time."""

    def __init__(self, most: int) -> None:
        self.most, self.taken = most, 0

    @contextmanager
    def one(self) -> Iterator[None]:
        """A place for as long as the block runs; raises Overloaded when there is none. For the event loop alone."""
        if self.taken >= self.most:
            raise Overloaded("The server is busy with what others asked. Try again in a moment.")
        self.taken += 1
        try:
            yield
        finally:
            self.taken -= 1


Message = dict[str, Any]
BODY_SECONDS = 30.0
"""A body that takes longer to arrive is given up on: a client that sends a byte a second holds a connection."""

DRAINED = 64_000_000


class TooLarge(Exception):
    """The body is over the cap."""


async def read_body(receive: Any, cap: int) -> bytes:
    """The whole body of a request; raises TooLarge at the first byte over `cap`, TimeoutError after BODY_SECONDS, and
    ConnectionError when the client leaves."""
    import anyio

    body = bytearray()
    with anyio.fail_after(BODY_SECONDS):
        while True:
            message: Message = await receive()
            if message["type"] == "http.disconnect":
                raise ConnectionError
            body += message.get("body", b"")
            if len(body) > cap:
                raise TooLarge
            if not message.get("more_body"):
                return bytes(body)


async def drain(receive: Any) -> None:
    """Read a refused body and drop it: a connection closed on unread bytes is reset, and the refusal lost with it."""
    import anyio

    read = 0
    with anyio.move_on_after(BODY_SECONDS):
        while read < DRAINED:
            message: Message = await receive()
            read += len(message.get("body", b""))
            if message["type"] != "http.request" or not message.get("more_body"):
                return


def replay(body: bytes, receive: Any) -> Any:
    """A `receive` that gives the body that was read already, and then what the connection brings."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            message: Message = await receive()
            return message
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again
