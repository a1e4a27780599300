"""POST /v1/chat/completions and GET /v1/models in the OpenAI shape, so that clients made for it can ask an article.

The last user message is the question, the user messages before it are the conversation; `model` names the article.
Citations come as an extra field, `citations`, beside `content` (in a stream: in the last chunk's delta).
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import AsyncIterator
from typing import Any, Literal

from fastapi import APIRouter, FastAPI
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from rag.errors import BadInput, RagError
from rag.types import ALL, Answer, Question
from ui.api import MAX_HISTORY, STREAM_HEADERS
from ui.asking import Desk, public, status_of

MODEL = "article-chatbot"
"""The model's name that stands for the default article; any slug, and `all`, are models as well."""


class Message(BaseModel):
    """One message; of a `content` made of parts, the texts are taken."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[dict[str, Any]] | None = None

    @property
    def text(self) -> str:
        if not isinstance(self.content, list):
            return self.content or ""
        return " ".join(str(part.get("text", "")) for part in self.content if part.get("type") == "text")


class Completion(BaseModel):
    """What is read of the request; sampling settings and the like are taken and have no effect."""

    messages: list[Message] = Field(min_length=1, max_length=200)
    model: str = MODEL
    stream: bool = False
    n: Literal[1] = 1

    def as_question(self) -> Question:
        asked = [m.text for m in self.messages if m.role == "user"]
        if self.messages[-1].role != "user":
            raise BadInput("The last message has to be the user's question.")
        return Question(asked[-1], tuple(asked[-1 - MAX_HISTORY : -1]), None if self.model == MODEL else self.model)


def add_openai(app: FastAPI, desk: Desk) -> None:
    """The two routes."""
    routes = APIRouter()

    @routes.post("/v1/chat/completions", summary="Ask, in the OpenAI shape")
    async def complete(body: Completion) -> Any:
        """`model` is `article-chatbot`, a slug or `all`. The message has `citations` and `refused` beside `content`."""
        question = body.as_question()
        if body.stream:
            snapshots = desk.snapshots(question)
            first = await anext(snapshots)
            return StreamingResponse(
                _chunks(body.model, first, snapshots), media_type="text/event-stream", headers=STREAM_HEADERS
            )
        answer = await desk.answer(question)
        message = {"role": "assistant", "content": content(answer), "refusal": None, **_extras(answer)}
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
        return {**_head("chat.completion", body.model), "choices": [choice]}

    @routes.get("/v1/models", summary="What can be asked, in the OpenAI shape")
    async def models() -> dict[str, Any]:
        """The default article, every article by its slug, and `all`."""
        names = [MODEL, *desk.backend.articles, ALL]
        return {
            "object": "list",
            "data": [{"id": n, "object": "model", "created": 0, "owned_by": "you"} for n in names],
        }

    app.include_router(routes)


def content(answer: Answer) -> str:
    """An answer as one text: the short answer first where there is one, and the nearest sentence with a refusal."""
    if answer.nearest:
        return f"{answer.text} The closest sentence is: “{answer.nearest.quote}”"
    said = public(answer)["said"]
    return f"{said}\n\n{answer.text}" if said else answer.text


def _extras(answer: Answer) -> dict[str, Any]:
    plain = public(answer)
    return {name: plain[name] for name in ("citations", "refused", "confidence", "nearest")}


def _head(kind: str, model: str) -> dict[str, Any]:
    return {"id": f"chatcmpl-{uuid.uuid4().hex}", "object": kind, "created": int(time.time()), "model": model}


async def _chunks(model: str, first: Answer | str, rest: Any) -> AsyncIterator[str]:
    """The answer as deltas: what a snapshot has more than the one before it."""
    head = _head("chat.completion.chunk", model)

    def chunk(delta: dict[str, Any], reason: str | None = None) -> str:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        return f"data: {json.dumps({**head, 'choices': [choice]}, ensure_ascii=False)}\n\n"

    sent, last = "", None
    try:
        yield chunk({"role": "assistant", "content": ""})
        snapshot: Answer | str | None = first
        while snapshot is not None:
            if isinstance(snapshot, Answer):
                last, text = snapshot, content(snapshot)
                # an answer that is replaced by another one can not be unsaid: it follows, whole
                more = text.removeprefix(sent) if text.startswith(sent) else f"\n\n{text}"
                sent = text
                if more:
                    yield chunk({"content": more})
            snapshot = await anext(rest, None)
        yield chunk(_extras(last) if last else {}, "stop")
        yield "data: [DONE]\n\n"
    except RagError as fault:
        status, message = status_of(fault)
        yield f"data: {json.dumps({'error': {'message': message, 'code': status}})}\n\n"
    finally:
        await rest.aclose()
