"""What is wrong with a set: raised at once, or collected so that one reading names every fault."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rag.errors import BadInput


class Faults:
    """Without a list, the first fault is raised as BadInput; with one, all are appended to it."""

    def __init__(self, held: list[str] | None) -> None:
        self._held = held

    @property
    def any(self) -> bool:
        return bool(self._held)

    def note(self, message: str) -> None:
        if self._held is None:
            raise BadInput(message)
        self._held.append(message)

    @contextmanager
    def row(self) -> Iterator[None]:
        """Around the reading of one row: its BadInput is noted, and the next row is read."""
        try:
            yield
        except BadInput as fault:
            if self._held is None:
                raise
            self._held.append(str(fault))
