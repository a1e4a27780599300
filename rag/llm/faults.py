"""Whatever a provider does wrong → one of a few faults in words of our own, and the breaker that remembers them.

The trap: a provider's own message may repeat the key, the prompt or half of the internet. Therefore none of it is
ever shown, logged or kept: `fault_of` looks at the kind of error and its status, and says the rest itself.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

COOL_DOWN_S = 60.0
"""How long a model that failed is left alone before one question tries it again."""
LONGEST_REST_S = 600.0
"""The longest Retry-After that is obeyed."""


class Fault(Exception):
    """The model did not give an answer. `why` completes "the model …"; `certain` says that asking again at once can
    not help; `rest` is how many seconds the provider asked for."""

    def __init__(self, why: str, certain: bool = False, rest: float | None = None) -> None:
        super().__init__(why)
        self.why, self.certain, self.rest = why, certain, rest


class Waiting(Fault):
    """The breaker is open: the model was not asked."""


_BY_STATUS = {
    400: ("refused the request (400)", False),
    401: ("refused the key (401)", True),
    403: ("refused the key (403)", True),
    404: ("does not exist on the server (404)", True),
    408: ("took too long (408)", False),
    429: ("has too many requests (429)", True),
}


def fault_of(error: BaseException) -> Fault:
    """The fault that an exception of any provider package stands for; nothing of its message is taken over."""
    if isinstance(error, Fault):
        return error
    chain = list(_causes(error))
    status = next((s for e in chain if (s := _status(e))), None)
    if status is not None:
        why, certain = _BY_STATUS.get(status, (f"failed ({status})", False))
        return Fault(why, certain, _retry_after(chain) if status in (429, 503) else None)
    names = {kind.__name__ for e in chain for kind in type(e).__mro__}
    if names & {"TimeoutError", "TimeoutException", "APITimeoutError"}:
        return Fault("took too long")
    if names & {"ConnectError", "ConnectionRefusedError", "gaierror"}:
        return Fault("can not be reached", certain=True)
    if names & {"ConnectionError", "TransportError", "APIConnectionError"}:
        return Fault("broke the connection")
    if any("api_key" in str(e).lower() or "api key" in str(e).lower() for e in chain):
        return Fault("has no key", certain=True)
    return Fault("sent what can not be read")


def _causes(error: BaseException | None) -> list[BaseException]:
    found: list[BaseException] = []
    while error is not None and error not in found:
        found.append(error)
        error = error.__cause__ or error.__context__
    return found


def _status(error: BaseException) -> int | None:
    for holder in (error, getattr(error, "response", None)):
        for name in ("status_code", "code"):
            value = getattr(holder, name, None)
            if isinstance(value, int) and 400 <= value <= 599:
                return value
    return None


def _retry_after(errors: list[BaseException]) -> float | None:
    """Seconds of the Retry-After header; its other form, a date, is not worth a parser here."""
    for error in errors:
        headers = getattr(getattr(error, "response", None), "headers", None) or {}
        try:
            return min(float(headers.get("retry-after", "")), LONGEST_REST_S)
        except (TypeError, ValueError):
            continue
    return None


class Breaker:
    """Closed: everyone asks. Open after a certain fault, or two in a row: nobody does, until the rest is over; then
    one question tries, and what it meets decides. Safe to share between threads."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now, self._lock = now, threading.Lock()
        self._faults, self._until = 0, 0.0
        self._why = ""

    def enter(self) -> None:
        """Pass, or raise Waiting. One that passes after a rest holds the others back."""
        with self._lock:
            if self._now() < self._until:
                raise Waiting(f"{self._why} a moment ago")
            if self._faults:
                self._until = self._now() + COOL_DOWN_S

    def succeeded(self) -> None:
        with self._lock:
            self._faults, self._until = 0, 0.0

    def failed(self, fault: Fault) -> None:
        with self._lock:
            self._faults += 1
            self._why = fault.why
            rest = COOL_DOWN_S if fault.rest is None else fault.rest
            self._until = self._now() + rest if fault.certain or self._faults > 1 else 0.0
