"""The chat as a Gradio page: the conversation on one side, the article on the other.

Python keeps the state and draws it with render.py; static/reader.js shows it, follows citations and marks sentences.
All HTML goes through Markdown components with `sanitize_html=False`: Gradio's sanitizer would drop the data and aria
attributes of the citation chips, and what it would guard against is escaped in render.py. gr.HTML and `js=` are not
used: both compile code in the browser, which a strict Content-Security-Policy forbids.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.errors import RagError
from rag.types import ALL, Question
from ui import render
from ui.backend import Backend
from ui.render import Turn

if TYPE_CHECKING:
    import gradio as gr

STATIC = Path(__file__).parent / "static"
TITLE = "Ask the article"
HEAD = (
    '<link rel="stylesheet" href="reader/style.css"><script defer src="reader/reader.js"></script>'
    '<meta name="color-scheme" content="light dark">'
)
_WAIT = 0.25  # seconds between two looks at the loading thread

_log = logging.getLogger(__name__)

Talk = tuple[Turn, ...]


def chat(backend: Backend) -> gr.Blocks:
    """The page and its events. Question, conversation and scope go in; the conversation and the article come out."""
    import gradio as gr

    def html(content: str, name: str) -> gr.Markdown:
        return gr.Markdown(content, elem_id=name, sanitize_html=False, latex_delimiters=[])

    page: gr.Blocks
    with gr.Blocks(title=TITLE, fill_width=True, analytics_enabled=False) as page:
        talk = gr.State(())
        with gr.Row(elem_id="bar"):
            html(render.brand(TITLE), "brand")
            scope = gr.Dropdown(
                label="Ask about", elem_id="scope", container=False, filterable=False, **_scope(backend)
            )
            new = gr.Button("New chat", elem_id="new", size="sm")
            html(render.OPEN_ARTICLE, "open-article")
        with gr.Row(elem_id="panes"):
            with gr.Column(elem_id="talk"):
                html(render.LOG, "log-frame")
                log = html(render.conversation(()), "log-data")
                box = gr.Textbox(
                    elem_id="ask", label="Your question", placeholder="Ask a question about the article", lines=1,
                    max_lines=5, container=False, submit_btn=True, autofocus=True,
                )  # fmt: skip
            with gr.Column(elem_id="read"):
                html(render.CLOSE_ARTICLE, "close-article")
                article = html(render.article_page(backend.articles[backend.default_article]), "article")
        wanted = gr.Textbox(elem_id="wanted", label="Article to show", elem_classes="unseen")

        shown = [log, talk, box]
        quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
        # always_last: Enter while an answer is still arriving is kept, not dropped
        asking = box.submit(_asker(backend), [box, talk, scope], shown, trigger_mode="always_last", **quiet)
        box.stop(_stopped, [talk], shown, cancels=[asking], **quiet)
        new.click(_cleared, None, shown, cancels=[asking], **quiet)
        # queue=False: a plain request. The queue's one stream per page closes when an answer is complete, and an event
        # that joins at that moment, such as a click on the citation just shown, can be lost with it.
        scope.input(_turner(backend), [scope], [article], queue=False, **quiet)
        wanted.change(_turner(backend), [wanted], [article], queue=False, **quiet)  # by reader.js, for a citation
        page.load(_refresher(backend), None, [scope, article], queue=False, **quiet)
    page.queue(api_open=False, max_size=64, default_concurrency_limit=2)
    return page


def _scope(backend: Backend) -> dict[str, Any]:
    choices = [(a.title, a.id) for a in backend.articles.values()]
    everything = [("All articles", ALL)] if len(choices) > 1 else []
    return {"choices": choices + everything, "value": backend.default_article}


def _refresher(backend: Backend) -> Any:
    """What a page that is opened later shows when the index was built again meanwhile. When it was not, nothing: this
    may arrive after the person has chosen an article, and must not undo that."""
    built = dict(backend.articles)

    def refresh() -> Any:
        import gradio as gr

        if backend.articles == built:
            return gr.skip(), gr.skip()
        return gr.Dropdown(**_scope(backend)), render.article_page(backend.articles[backend.default_article])

    return refresh


def _shown(talk: Talk, **box: Any) -> tuple[str, Talk, Any]:
    """What the page's conversation outputs take; while an answer is under way the box offers to stop it."""
    import gradio as gr

    busy = bool(talk) and not talk[-1].done
    return render.conversation(talk), talk, gr.Textbox(submit_btn=not busy, stop_btn=busy, **box)


def _asker(backend: Backend) -> Any:
    def ask(text: str, talk: Talk, scope: str | None) -> Iterator[tuple[str, Talk, Any]]:
        if not text.strip():
            yield _shown(talk)
            return
        question = Question(text, tuple(t.question for t in talk if not t.failed), scope)
        turn = Turn(text, render.status("Searching the article …"), done=False)
        yield _shown((*talk, turn), value="")
        try:
            for body in _bodies(question, backend):
                turn = replace(turn, body=body)
                yield _shown((*talk, turn))
        except RagError as fault:
            turn = replace(turn, body=render.fault(str(fault)), failed=True)
        except Exception:  # the edge of the server: the person is told, the log has the traceback
            _log.exception("A question could not be answered")
            message = "Something went wrong here, not with your question. The terminal says more; try again."
            turn = replace(turn, body=render.fault(message), failed=True)
        yield _shown((*talk, replace(turn, done=True)))

    return ask


def _bodies(question: Question, backend: Backend) -> Iterator[str]:
    """What to show below the question, as it grows: what is being waited for, then the answer's snapshots."""
    backend.start()
    while (chain := backend.chain(_WAIT)) is None:
        yield render.status(backend.status)
    titles = {slug: article.title for slug, article in chain.articles.items()}
    for answer in chain.stream(question):
        yield render.answer_body(answer, titles)


def _stopped(talk: Talk) -> tuple[str, Talk, Any]:
    """The conversation after Stop: the last turn keeps what it had."""
    if talk and not talk[-1].done:
        talk = (*talk[:-1], replace(talk[-1], body=talk[-1].body + render.STOPPED, done=True))
    return _shown(talk)


def _cleared() -> tuple[str, Talk, Any]:
    return _shown((), value="")


def _turner(backend: Backend) -> Any:
    def turn_to(slug: str) -> Any:
        """The page of the article `slug`; for `ALL`, or a slug there is none of, what is shown stays."""
        import gradio as gr

        found = backend.articles.get(slug.partition("#")[0])  # reader.js adds #n: the same article twice is a change
        return render.article_page(found) if found else gr.skip()

    return turn_to
