"""One call of a model, held to a deadline: its words as they come, or a Fault.

The model speaks in a thread of its own, because a provider that stalls can not be interrupted, only left. The trap:
LangChain ends a stream that broke off like one that ended; only the provider's own finish reason tells them apart.
"""

from __future__ import annotations

import contextvars
import queue
import threading
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from rag.llm.faults import Fault, fault_of

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import BaseMessage

MOST_CHARACTERS = 12_000
"""A model that says more does not stop by itself."""
_FINISHED = frozenset("stop end_turn stop_sequence eos completed".split())
_CUT = frozenset("length max_tokens max_output_tokens model_length".split())


class Deadline:
    """A moment that a question has to be answered by."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds

    @property
    def left(self) -> float:
        return self._end - time.monotonic()

    def part(self, share: float) -> Deadline:
        """A deadline after that share of what is left."""
        return Deadline(max(0.0, self.left) * share)


class Speech:
    """Begins at once; iterate it to get pieces of text. Raises Fault for an error, a stall, a missing finish, no
    text at all or no end; afterwards `cut` tells whether a length limit ended it, `usage` what the provider counted."""

    def __init__(
        self, model: BaseChatModel, messages: Sequence[BaseMessage], deadline: Deadline, streamed: bool = True
    ) -> None:
        self.cut = False
        self.usage: dict[str, int] = {}
        self._deadline, self._streamed = deadline, streamed
        self._reason = ""
        # bounded: while the embedded reader reads, a model that floods would take its processor time
        self._pieces: queue.Queue[str | Fault | None] = queue.Queue(maxsize=32)
        self._left = threading.Event()
        context = contextvars.copy_context()
        threading.Thread(target=context.run, args=(self._speak, model, messages), name="llm", daemon=True).start()

    def _speak(self, model: BaseChatModel, messages: Sequence[BaseMessage]) -> None:
        stream: Any = None
        try:
            stream = model.stream(list(messages)) if self._streamed else iter([model.invoke(list(messages))])
            for chunk in stream:
                if self._left.is_set():
                    break
                self._note(chunk)
                if text := str(chunk.text):
                    self._put(text)
            self._put(None)
        except Exception as error:
            self._put(fault_of(error))
        finally:
            if hasattr(stream, "close"):
                stream.close()

    def _put(self, piece: str | Fault | None) -> None:
        """Wait for room, unless nobody listens any more or the time is up."""
        while not self._left.is_set() and self._deadline.left > 0:
            try:
                return self._pieces.put(piece, timeout=0.1)
            except queue.Full:
                continue

    def _note(self, chunk: Any) -> None:
        held = chunk.response_metadata or {}
        reason = held.get("finish_reason") or held.get("done_reason") or held.get("stop_reason") or held.get("status")
        self._reason = str(reason).lower() if reason else self._reason
        for name in ("input_tokens", "output_tokens"):
            if counted := (chunk.usage_metadata or {}).get(name):
                self.usage[name] = max(counted, self.usage.get(name, 0))

    def __iter__(self) -> Iterator[str]:
        said = 0
        try:
            while (piece := self._next(begun=said > 0)) is not None:
                said += len(piece)
                if said > MOST_CHARACTERS:
                    raise Fault("does not stop talking")
                yield piece
            self.cut = self._reason in _CUT
            if not self.cut and self._reason not in _FINISHED:
                raise Fault("refused to answer" if self._reason else "broke off")
            if not said:
                raise Fault("said nothing")
        finally:
            self._left.set()

    def _next(self, begun: bool) -> str | None:
        """The next piece; once it has begun, half of the whole time is the longest silence."""
        left = self._deadline.left
        if left <= 0:  # asked first: a queue that is never empty would never time out
            raise Fault("took too long")
        try:
            piece = self._pieces.get(timeout=min(left, self._deadline.seconds / 2) if begun else left)
        except queue.Empty:
            raise Fault("stopped in the middle" if begun else "took too long") from None
        if isinstance(piece, Fault):
            raise piece
        return piece
