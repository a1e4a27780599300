"""What happens when something is pressed or typed in the chat: each function makes one handler of app.py's events."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rag.errors import RagError
from rag.types import ALL, Question
from ui import feedback, frame, render
from ui.backend import Backend
from ui.bring import Intake
from ui.guides import Guides
from ui.turns import Talk, Turn, read_talk

_WAIT = 0.25  # seconds between two looks at the loading thread

_log = logging.getLogger(__name__)


def scope_choices(backend: Backend) -> dict[str, Any]:
    choices = [(a.title, a.id) for a in backend.articles.values()]
    everything = [("All articles", ALL)] if len(choices) > 1 else []
    return {"choices": choices + everything, "value": backend.default_article}


def answerer_choices(llm: str) -> dict[str, Any]:
    """Who may answer, where a language model is configured; else there is nothing to choose."""
    if not llm:
        return {"choices": [], "value": None, "visible": False}
    return {"choices": [(llm, "llm"), ("The embedded reader", "reader"), ("Both, to compare", "both")], "value": "llm"}


def _slug(typed: str) -> str:
    """reader.js adds #n to a slug: the same article twice is a change."""
    return typed.partition("#")[0]


class Drawing:
    """A conversation → what the page's conversation outputs take; while an answer is under way the box offers to
    stop it."""

    def __init__(self, backend: Backend, thumbs: bool) -> None:
        self._backend, self._thumbs = backend, thumbs

    def __call__(self, talk: Talk, **box: Any) -> tuple[str, Talk, Any, str]:
        import gradio as gr

        titles = {slug: article.title for slug, article in self._backend.articles.items()}
        field = gr.Textbox(submit_btn=not talk.busy, stop_btn=talk.busy, **box)
        return frame.conversation(talk, titles, self._thumbs), talk, field, ""


def asker(backend: Backend, guides: Guides, draw: Drawing) -> Any:
    def ask(text: str, talk: Talk, scope: str | None, how: str, by: str | None = None) -> Iterator[Any]:
        if not text.strip():
            yield draw(talk)
            return
        keep, alone = _how(how)
        talk = talk if keep is None else talk.cut(keep)
        question = Question(text, () if alone else talk.asked, scope or backend.default_article, by or None)
        asked = text if len(text) <= backend.config.max_question_chars else f"{text[:300]} …"
        talk = talk.plus(Turn(asked, question.article_id or "", state="waiting", note="Searching the article …"))
        yield draw(talk, value="")
        end: dict[str, Any] = {"state": "done"}
        try:
            for change in _steps(question, backend):
                talk = talk.ended(**change)
                yield draw(talk)
            end["follow_ups"] = guides.follow_ups(talk)
        except RagError as fault:
            end = {"state": "failed", "note": str(fault), "answer": None}
        except Exception:  # the edge of the server: the person is told, the log has the traceback
            _log.exception("A question could not be answered")
            message = "Something went wrong here, not with your question. The terminal says more; try again."
            end = {"state": "failed", "note": message, "answer": None}
        yield draw(talk.ended(**end))

    return ask


def _how(typed: str) -> tuple[int | None, bool]:
    """How to ask: after how many turns of the conversation (None: all), and whether without what was asked before."""
    try:
        held = json.loads(typed or "{}")
        return (max(0, int(held["keep"])) if "keep" in held else None), bool(held.get("alone"))
    except (ValueError, TypeError, AttributeError):
        return None, False


def _steps(question: Question, backend: Backend) -> Iterator[dict[str, Any]]:
    """What changes in the turn: what is being waited for, then the answer's snapshots."""
    backend.start()
    while (chain := backend.chain(_WAIT)) is None:
        yield {"note": backend.status}
    for answer in chain.stream(question):
        yield {"answer": answer}


def stopper(draw: Drawing) -> Any:
    """After Stop the last turn keeps what it had."""
    return lambda talk: draw(talk.ended(state="stopped") if talk.busy else talk)


def chooser(backend: Backend, guides: Guides) -> Any:
    turn_to = turner(backend)
    return lambda slug: (turn_to(slug), frame.guide(guides.of(slug)))


def greeter(guides: Guides) -> Any:
    """The guide to an article, as far as it is made."""
    return lambda slug: frame.guide(guides.of(_slug(slug)))


def turner(backend: Backend) -> Any:
    def turn_to(slug: str) -> Any:
        """The page of the article `slug`; for `ALL`, or a slug there is none of, what is shown stays."""
        import gradio as gr

        found = backend.articles.get(_slug(slug))
        return render.article_page(found) if found else gr.skip()

    return turn_to


def refresher(backend: Backend, guides: Guides) -> Any:
    """What a page that is opened later has to learn: articles that came since, or another text of the one it opens
    with. It may arrive after the person has chosen an article, so it undoes no choice that still stands."""
    built, opens_with = dict(backend.articles), backend.default_article

    def refresh() -> Any:
        import gradio as gr

        if backend.articles == built:
            return gr.skip(), gr.skip(), gr.skip()
        if backend.articles.get(opens_with) == built[opens_with]:
            return gr.Dropdown(choices=scope_choices(backend)["choices"]), gr.skip(), gr.skip()
        return _opened(backend, guides, backend.default_article)

    return refresh


def _opened(backend: Backend, guides: Guides, slug: str) -> tuple[Any, Any, Any]:
    """Selector, article and guide turned to `slug`."""
    import gradio as gr

    selector = gr.Dropdown(**{**scope_choices(backend), "value": slug})
    return selector, turner(backend)(slug), frame.guide(guides.of(slug))


def recaller(backend: Backend, guides: Guides, draw: Drawing) -> Any:
    def recall(kept: str) -> Any:
        """A conversation that the browser kept, with the article it was last about."""
        import gradio as gr

        try:
            talk = read_talk(kept)
        except RagError:
            return (gr.skip(),) * 7
        scope = talk.turns[-1].scope if talk.turns else ""
        known = scope in backend.articles or scope == ALL
        return (*draw(talk), *(_opened(backend, guides, scope) if known else (gr.skip(),) * 3))

    return recall


def bringer(backend: Backend, guides: Guides) -> Any:
    intake = Intake(backend)

    def bring(typed: str) -> Any:
        """Begin to take in an article, or tell how far that is; once it is there, turn to it."""
        import gradio as gr

        job = intake.look(typed)
        opened = _opened(backend, guides, job.slug) if job.slug else (gr.skip(),) * 3
        return (frame.added(job.id, job.line, job.state, job.share, job.slug), *opened)

    return bring


def voter(file: Path) -> Any:
    def vote(typed: str, talk: Talk) -> None:
        """A thumb on an answer of this conversation."""
        try:
            held = json.loads(typed)
            answer, at, good = talk.turns[held["turn"]].answer, int(held["turn"]), bool(held["good"])
        except (ValueError, TypeError, KeyError, IndexError):
            return
        try:
            if answer:
                feedback.append(file, feedback.row(answer, talk.cut(at).asked, good))
        except RagError as fault:  # of no concern to the reader; the one who asked for feedback has the log
            _log.warning("%s", fault)

    return vote
