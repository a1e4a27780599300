"""Questions from the network → the chain, for every route alike: a place, a thread, the snapshots, the error's status."""

from __future__ import annotations

import logging
import re
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any

from rag.errors import BadInput, RagError, UnknownArticle
from rag.types import Answer, Question
from ui.backend import Backend
from ui.limits import Overloaded, Places
from ui.say import said

LOADING_SECONDS = 60.0
"""How long a question waits for the model, which loads once, before it is refused."""
POSTS = 8
"""Articles that wait to be indexed, one after the other; one more is refused."""
_LOOK = 0.25

_log = logging.getLogger(__name__)


class Desk:
    """Takes questions. Each holds a place until its last snapshot was taken or its asker has gone."""

    def __init__(self, backend: Backend, most: int) -> None:
        import anyio

        self.backend = backend
        self.places = Places(most)
        self._threads = anyio.CapacityLimiter(max(1, most))
        self._posts, self._posting = Places(POSTS), anyio.CapacityLimiter(POSTS)

    async def snapshots(self, question: Question) -> AsyncIterator[Answer | str]:
        """Growing answers; before them, while the model loads, what is being waited for, in words.

        Raises what the chain raises, and Overloaded when every place is taken.
        """
        with self.places.one():
            async for status in self.loading():
                yield status
            stream = (await self._chain(0)).stream(question)
            try:
                while (answer := await self._run(next, stream, None)) is not None:
                    yield answer
            finally:
                stream.close()

    async def answer(self, question: Question) -> Answer:
        """The whole answer; raises as `snapshots` does."""
        with self.places.one():
            async for _ in self.loading():
                pass
            answer: Answer = await self._run((await self._chain(0)).invoke, question)
            return answer

    async def add(self, title: str, text: str, url: str, form: str) -> str:
        """The slug of the article, indexed; raises as Backend.add_article does, and Overloaded when too many wait."""
        import anyio

        with self._posts.one():
            async for _ in self.loading():
                pass
            add = partial(self.backend.add_article, title, text, url, form=form)
            return await anyio.to_thread.run_sync(add, limiter=self._posting)

    async def loading(self) -> AsyncIterator[str]:
        """What is being waited for, again and again until the chain is there."""
        self.backend.start()
        waited = 0.0
        while await self._chain(_LOOK if waited else 0) is None:
            waited += _LOOK
            if waited > LOADING_SECONDS:
                raise Overloaded("The model is still loading. Try again in a minute.")
            yield self.backend.status

    async def _chain(self, timeout: float) -> Any:
        return await self._run(self.backend.chain, timeout)

    async def _run(self, function: Callable[..., Any], *args: Any) -> Any:
        import anyio

        return await anyio.to_thread.run_sync(function, *args, limiter=self._threads)


def public(answer: Answer) -> dict[str, Any]:
    """The object of `ask --json`, as it may leave the machine: a notice without the paths and addresses it explains
    itself with, a question that can be written as UTF-8; and `said`, the short answer in one sentence where it is sure
    enough."""
    plain = answer.as_json()
    plain["said"] = said(answer)
    plain["question"] = plain["question"].encode("utf-8", "replace").decode()
    if answer.notice:
        plain["notice"] = re.split(r": | \(", answer.notice)[0].rstrip(".") + "."
    return plain


def status_of(fault: RagError) -> tuple[int, str]:
    """HTTP status and message. What a server's own files and folders are called stays in its log."""
    if isinstance(fault, UnknownArticle):
        return 404, "There is no such article. GET /api/articles lists those that there are; `all` asks every one."
    if isinstance(fault, BadInput):
        return 422, str(fault)
    if isinstance(fault, Overloaded):
        return 503, str(fault)
    _log.error("%s", fault)
    return 503, "The index or the model can not be used just now. The server's log says why; try again later."
