"""/api: ask, list and read articles, post one; /health. Every error has the shape {"error": {"message", "type"}}."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from rag.errors import RagError
from rag.types import Answer, Article, Question
from ui.asking import Desk, public, status_of
from ui.limits import Overloaded
from ui.posted import canonical
from ui.security import error_response, is_own, origin_of

MAX_HISTORY = 20


class Ask(BaseModel):
    """A question about one article, or about all of them."""

    question: str = Field(examples=["Why are professors leaving?"], description="The question, in plain words.")
    article: str | None = Field(None, description="A slug from /api/articles, or `all`; without it, the default one.")
    history: list[str] = Field([], max_length=MAX_HISTORY, description="The conversation's earlier questions.")

    def as_question(self) -> Question:
        return Question(self.question, tuple(self.history), self.article)


class Post(BaseModel):
    """An article to be asked about."""

    text: str = Field(description="The article's text.")
    title: str = Field("", description="Its title; without one, the text's own.")
    url: str = Field("", description="Its canonical address. The same address with another text replaces it.")
    format: str = Field(
        "text", description="`text` (the article alone), `markdown`, `html`, or `page` (menus and all)."
    )


def add_api(app: FastAPI, desk: Desk, settings: Any) -> None:
    """The routes, and the one shape of every error."""
    routes = APIRouter()
    backend = desk.backend

    @routes.post("/api/ask", summary="Ask a question", responses=_ERRORS)
    async def ask(ask: Ask, request: Request) -> Any:
        """The answer with its citations: `article.text[start:end] == quote`, always. A refusal (`refused: true`) is
        an answer too, and offers the nearest sentence. With `Accept: text/event-stream` the answer comes as growing
        snapshots: events `status`, `snapshot` (the same object, more of it each time), `done` or `error`."""
        if "text/event-stream" in request.headers.get("accept", ""):
            return await event_stream(desk, ask.as_question())
        return public(await desk.answer(ask.as_question()))

    @routes.get("/api/articles", summary="List the articles")
    async def articles() -> dict[str, Any]:
        """Slug, title and where it is from, in the index's order; the first with `default: true` is asked about when
        a question names none."""
        return {"articles": [_listed(a, a.id == backend.default_article) for a in backend.articles.values()]}

    @routes.get("/api/articles/{slug}", summary="Read an article", responses={404: {"description": "No such article"}})
    async def article(slug: str) -> dict[str, Any]:
        """The text that every citation's offsets refer to, counted in Unicode code points."""
        found = backend.articles.get(slug)
        if found is None:
            raise HTTPException(
                404, f"There is no article {slug[:80]!r}. GET /api/articles lists those that there are."
            )
        return {**_listed(found, found.id == backend.default_article), "text": found.text}

    @routes.post("/api/articles", summary="Post an article", status_code=201, responses=_ERRORS)
    async def post(post: Post, request: Request) -> dict[str, Any]:
        """Index an article, so that it can be asked about at once, and return its slug. Posting the same again
        changes nothing. A page may post only articles of an allowed origin."""
        _check_address(post.url, request, settings.allowed_origins)
        before = backend.articles
        slug = await desk.add(post.title, post.text, post.url, post.format)
        known = slug in before and before[slug] == backend.articles[slug]
        return {"article": slug, "status": "unchanged" if known else "replaced" if slug in before else "indexed"}

    @routes.get("/health", summary="Is it up, and has the model loaded?")
    async def health() -> Response:
        """`ready` tells whether a question would be answered without waiting; 503 when loading has failed."""
        backend.start()
        try:
            ready = backend.chain(0) is not None
        except RagError as fault:
            return error_response(*status_of(fault))
        state = {"status": "ok" if ready else "loading", "ready": ready, "articles": len(backend.articles)}
        return JSONResponse({**state, "answering": desk.places.taken, "places": desk.places.most})

    app.include_router(routes)
    _add_errors(app)


_ERRORS: dict[int | str, dict[str, Any]] = {
    400: {"description": "Not JSON"},
    403: {"description": "The page's origin is not allowed"},
    404: {"description": "No such article"},
    413: {"description": "Too large"},
    422: {"description": "A field does not fit, or the question can not be asked"},
    429: {"description": "Too many questions from you; see Retry-After"},
    503: {"description": "Too many questions from everyone; see Retry-After"},
}


def _listed(article: Article, default: bool) -> dict[str, Any]:
    facts = {k: article.metadata.get(k) for k in ("publisher", "published", "byline")}
    return {
        "id": article.id,
        "title": article.title,
        "source": article.source,
        **facts,
        "characters": len(article.text),
        "posted": article.metadata.get("role") == "posted",
        "default": default,
    }


def _check_address(url: str, request: Request, allowed: tuple[str, ...]) -> None:
    """A page speaks for its own site only, or one site could put words into another's article."""
    origin, site = request.headers.get("origin", ""), origin_of(canonical(url))
    host = request.headers.get("host", "")
    if not origin or not site or is_own(site, host):
        return
    if site not in allowed or (not is_own(origin, host) and origin != site):
        raise HTTPException(
            403, f"Articles of {site[:100]} are not taken from here. RAG_ALLOWED_ORIGINS names the sites."
        )


async def event_stream(desk: Desk, question: Question) -> Response:
    """Snapshots as server-sent events. What goes wrong before the first one still has a status of its own."""
    snapshots = desk.snapshots(question)
    first = await anext(snapshots)
    return StreamingResponse(_events(first, snapshots), media_type="text/event-stream", headers=STREAM_HEADERS)


STREAM_HEADERS = {"cache-control": "no-store", "x-accel-buffering": "no"}  # or a proxy holds it back


async def _events(first: Answer | str, rest: Any) -> AsyncIterator[str]:
    try:
        yield _event(first)
        async for snapshot in rest:
            yield _event(snapshot)
        yield "event: done\ndata: {}\n\n"
    except RagError as fault:
        status, message = status_of(fault)
        yield _sse("error", {"status": status, "message": message})
    finally:
        await rest.aclose()  # the asker may have gone: the place is free at once


def _event(snapshot: Answer | str) -> str:
    if isinstance(snapshot, str):
        return _sse("status", {"message": snapshot})
    return _sse("snapshot", public(snapshot))


def _sse(name: str, data: dict[str, Any]) -> str:
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"


def _add_errors(app: FastAPI) -> None:
    @app.exception_handler(RagError)
    async def rag_error(request: Request, fault: RagError) -> Response:
        retry = fault.retry_after if isinstance(fault, Overloaded) else 0
        return error_response(*status_of(fault), retry_after=retry)  # type: ignore[no-any-return]

    @app.exception_handler(RequestValidationError)
    async def misfit(request: Request, fault: RequestValidationError) -> Response:
        first = fault.errors()[0]
        if first["type"] == "json_invalid":
            return error_response(400, f"The body is not JSON: {first['ctx']['error']}.")  # type: ignore[no-any-return]
        where = ".".join(str(part) for part in first["loc"][1:]) or "the body"
        return error_response(422, f"{where[:100]}: {first['msg']}.")  # type: ignore[no-any-return]

    @app.exception_handler(HTTPException)
    async def http_error(request: Request, fault: HTTPException) -> Response:
        response: Response = error_response(fault.status_code, str(fault.detail))
        response.headers.update(fault.headers or {})
        return response
