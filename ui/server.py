"""The web application: /api, /v1, /mcp, the widget and its pages, and the Gradio chat at `/`.

Our routes come first; Gradio, mounted at `/`, takes what is left. ui/security.py stands in front of all of it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from ui.backend import Backend
from ui.settings import Settings

if TYPE_CHECKING:
    import gradio as gr
    from fastapi import FastAPI

    from ui.asking import Desk

_FONTS = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Helvetica Neue", "Arial", "sans-serif")


def server(backend: Backend, settings: Settings | None = None) -> FastAPI:
    """Everything that is served, around one backend."""
    from fastapi import FastAPI

    from ui.api import add_api
    from ui.app import TITLE
    from ui.asking import Desk
    from ui.docs import add_docs
    from ui.mcp_tool import add_mcp
    from ui.openai_api import add_openai
    from ui.security import secure
    from ui.widget.pages import add_widget

    settings = settings or backend.settings
    desk = Desk(backend, settings.max_waiting)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with tools:
            yield

    app = FastAPI(title=TITLE, docs_url=None, redoc_url=None, lifespan=lifespan)
    secure(app, settings)
    add_api(app, desk, settings)
    add_openai(app, desk)
    tools = add_mcp(app, desk)
    add_widget(app, backend)
    add_docs(app)
    _mount_chat(app, desk, settings)
    return app


def _mount_chat(app: FastAPI, desk: Desk, settings: Settings) -> None:
    """The Gradio chat at `/`, with Gradio's open doors shut, and its static files."""
    import gradio as gr
    from fastapi.staticfiles import StaticFiles

    from ui.app import HEAD, STATIC, chat

    app.mount("/reader", StaticFiles(directory=STATIC))
    page = chat(desk.backend)
    _add_gradio_api(page, desk)
    gr.mount_gradio_app(
        app,
        page,
        path="/",
        theme=gr.themes.Base(font=_FONTS, font_mono=("ui-monospace", "monospace")),
        head=HEAD,
        show_error=False,
        run_history=False,  # it would store questions
        enable_monitoring=False,
        max_file_size=f"{settings.max_article_kb}kb",
        footer_links=[],
    )


def _add_gradio_api(page: gr.Blocks, desk: Desk) -> None:
    """`gradio_client.Client(url).predict("Who left?", api_name="/ask_article")`: Gradio's own API, by a stable name."""
    import gradio as gr

    from rag.errors import RagError
    from rag.types import Question
    from ui.asking import public, status_of

    async def ask_article(question: str, article: str = "") -> dict[str, Any]:
        """The answer with its citations, as from POST /api/ask; `article` is a slug, `all`, or empty."""
        try:
            return public(await desk.answer(Question(question, (), article or None)))
        except RagError as fault:
            raise gr.Error(status_of(fault)[1], print_exception=False) from None

    with page:
        gr.api(ask_article, api_name="ask_article", concurrency_limit=4)
