"""What a conversation is: questions and answers as data, never as HTML.

The browser keeps it (there is no log here) and may bring it back as JSON. Then it is untrusted: `read_talk` takes
what has the right shape and size, and raises BadInput for the rest; whatever it holds is escaped when it is drawn.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from rag.errors import BadInput
from rag.types import Answer, Citation, Question

State = Literal["waiting", "done", "stopped", "failed"]
MOST_TURNS = 200
MOST_CHARACTERS = 1_000_000
_NOT_KEPT = ("passages", "timings_ms")  # long, and of no use to a reader


@dataclass(frozen=True, slots=True)
class Turn:
    """One question and what came of it. `scope` is the slug it was asked about, or `ALL`; `note` says what is being
    waited for or what went wrong; a question that `failed` is no part of the conversation's history."""

    question: str
    scope: str = ""
    answer: Answer | None = None
    state: State = "done"
    note: str = ""
    follow_ups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Talk:
    """A conversation. `id` is what the browser keeps it under; it comes with the first question."""

    turns: tuple[Turn, ...] = ()
    id: str = ""

    @property
    def busy(self) -> bool:
        return bool(self.turns) and self.turns[-1].state == "waiting"

    @property
    def asked(self) -> tuple[str, ...]:
        return tuple(t.question for t in self.turns if t.state != "failed")

    def cut(self, keep: int) -> Talk:
        """The conversation as it was before turn `keep`."""
        return replace(self, turns=self.turns[:keep])

    def plus(self, turn: Turn) -> Talk:
        return Talk((*self.turns, turn), self.id or secrets.token_hex(8))

    def ended(self, **changes: Any) -> Talk:
        """With `changes` made to the last turn."""
        return replace(self, turns=(*self.turns[:-1], replace(self.turns[-1], **changes)))


def write_talk(talk: Talk) -> str:
    """The conversation as one line of JSON, for the browser to keep."""
    turns = [
        {
            "question": t.question,
            "scope": t.scope,
            "state": t.state,
            "note": t.note,
            "follow_ups": t.follow_ups,
            "answer": t.answer and {k: v for k, v in t.answer.as_json().items() if k not in _NOT_KEPT},
        }
        for t in talk.turns
    ]
    return json.dumps({"id": talk.id, "turns": turns}, ensure_ascii=False)


def read_talk(text: str) -> Talk:
    """What `write_talk` wrote; BadInput when it is anything else."""
    try:
        if len(text) > MOST_CHARACTERS:
            raise ValueError("too long")
        held = json.loads(text)
        return Talk(tuple(_turn(t) for t in held["turns"][:MOST_TURNS]), _text(held["id"]))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise BadInput("The conversation that this browser kept can not be read. Start a new one.") from None


def _turn(held: Mapping[str, Any]) -> Turn:
    question, scope, state = _text(held["question"]), _text(held["scope"]), held["state"]
    if state not in get_args(State):
        raise ValueError(state)
    answer = _answer(held["answer"], Question(question, (), scope)) if held["answer"] else None
    return Turn(
        question,
        scope,
        answer,
        "stopped" if state == "waiting" else state,
        _text(held["note"]),
        tuple(_text(q) for q in held["follow_ups"]),
    )


def _answer(held: Mapping[str, Any], question: Question) -> Answer:
    return Answer(
        question,
        _text(held["query"]),
        _text(held["text"]),
        None if held["short"] is None else _text(held["short"]),
        tuple(_citation(c) for c in held["citations"]),
        bool(held["refused"]),
        float(held["confidence"]),
        _citation(held["nearest"]) if held["nearest"] else None,
        notice=None if held["notice"] is None else _text(held["notice"]),
        answerer=_text(held.get("answerer", "page")),
        beside=_answer({**held["beside"], "beside": None}, question) if held.get("beside") else None,
    )


def _citation(held: Mapping[str, Any]) -> Citation:
    number, start, end = (int(held[name]) for name in ("number", "start", "end"))
    article, quote, prefix, suffix = (_text(held[name]) for name in ("article", "quote", "prefix", "suffix"))
    return Citation(number, article, start, end, quote, prefix, suffix)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(value)
    return value
