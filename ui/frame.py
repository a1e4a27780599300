"""What stands around answers and article → HTML: the bar, the conversation's turns, the guide to an article, the form
that takes one in. Everything here follows render.py's rule: one line, every text escaped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from rag.types import Answer
from ui.export import turn_markdown
from ui.render import answer_body, chip, escape
from ui.turns import Talk, Turn, write_talk

STARTERS = ("What is this article about?", "Who published it?")
"""They fit any article, and stand there until questions made from the article take their place."""

LOG = (
    '<div id="log" tabindex="0" role="region" aria-label="Conversation">'
    '<div id="turns" role="log" aria-label="Questions and answers"></div><div id="guide"></div></div>'
)
EDITING = (
    '<div id="editing" hidden><span id="editing-what"></span>'
    '<button type="button" class="tool" data-action="cancel-edit">Cancel</button></div>'
)
OPEN_ARTICLE = '<div><button type="button" data-action="open-article">Article</button></div>'
CLOSE_ARTICLE = '<div><button type="button" data-action="close-article">Back to the chat</button></div>'
ACTIONS = (
    '<div class="actions"><button type="button" data-action="open-add">Add article</button>'
    '<button type="button" data-action="export" aria-disabled="true">Export</button></div>'
)
ADD_FORM = (
    '<dialog id="add" aria-labelledby="add-title"><h2 id="add-title">Add an article</h2>'
    '<label class="drop"><input type="file" id="add-file" accept=".txt,.text,.md,.markdown,.html,.htm">'
    "<span>Choose a .txt, .md or .html file, or drop it anywhere on this page</span></label>"
    '<label>Title <input type="text" id="add-name" maxlength="300" autocomplete="off" '
    'placeholder="Found in the text when left empty"></label>'
    '<label>Or paste its text <textarea id="add-text" rows="9"></textarea></label>'
    '<div id="add-state" role="status"></div>'
    '<div class="buttons"><button type="button" data-action="close-add">Cancel</button>'
    '<button type="button" class="primary" data-action="add">Add it</button></div></dialog>'
)


@dataclass(frozen=True, slots=True)
class Guide:
    """What greets a reader of `scope`: a summary of it and questions it answers; not `ready` while these are made; `llm`
    is the language model that questions go to, if any."""

    scope: str
    title: str
    summary: Answer | None = None
    starters: tuple[str, ...] = ()
    ready: bool = False
    llm: str = ""


def brand(title: str) -> str:
    return f'<div class="brand">{escape(title)}</div>'


def conversation(talk: Talk, titles: Mapping[str, str], thumbs: bool = False) -> str:
    """The whole conversation; ui/static/reader.js replaces in the page only what changed, and keeps `data-keep`."""
    keep = "" if talk.busy else f' data-keep="{escape(write_talk(talk))}"'
    shown = "".join(_turn(turn, titles, thumbs, last=turn is talk.turns[-1]) for turn in talk.turns)
    return f'<div data-talk="{escape(talk.id)}"{keep}>{shown}</div>'


def _turn(turn: Turn, titles: Mapping[str, str], thumbs: bool, last: bool) -> str:
    waiting = turn.state == "waiting"
    copied = "" if waiting else f' data-markdown="{escape(turn_markdown(turn, titles))}"'
    tools = "" if waiting else _tools(turn, thumbs)
    ask_next = _buttons("Ask next", turn.follow_ups) if last and turn.follow_ups else ""
    return (
        f'<section class="turn{" pending" if waiting else ""}" data-scope="{escape(turn.scope)}"{copied}>'
        f'<p class="question"><span class="unseen">You asked: </span><span class="asked">{escape(turn.question)}</span>'
        f'</p><div class="answer">{_body(turn, titles)}</div>{tools}{ask_next}</section>'
    )


def _body(turn: Turn, titles: Mapping[str, str]) -> str:
    parts = [answer_body(turn.answer, titles)] if turn.answer else []
    if turn.state == "waiting" and not turn.answer:
        parts.append(f'<p class="status">{escape(turn.note)}</p>')
    if turn.state == "failed":
        parts.append(f'<p class="fault" role="alert">{escape(turn.note)}</p>')
    if turn.state == "stopped":
        parts.append('<p class="notice">Stopped.</p>')
    return "".join(parts)


def _tools(turn: Turn, thumbs: bool) -> str:
    tools = [("copy", "Copy")] if turn.answer else []
    tools += [("retry", "Retry"), ("edit", "Edit")]
    if thumbs and turn.answer and (turn.answer.citations or turn.answer.refused):
        tools += [("good", "Good answer"), ("bad", "Bad answer")]
    buttons = "".join(
        f'<button type="button" class="tool" data-action="{action}"'
        + (' aria-pressed="false">' if action in ("good", "bad") else ">")
        + f"{name}</button>"
        for action, name in tools
    )
    return f'<div class="tools" role="group" aria-label="With this answer">{buttons}</div>'


def _buttons(name: str, questions: Iterable[str]) -> str:
    buttons = "".join(
        f'<button type="button" class="starter" data-question="{escape(q)}">{escape(q)}</button>' for q in questions
    )
    return f'<div class="starters" role="group" aria-label="{name}"><p class="label">{name}</p>{buttons}</div>'


def guide(shown: Guide) -> str:
    """The first screen: what this does, what the article says in short, and something to press."""
    kept = f"Questions and article go to {escape(shown.llm)}." if shown.llm else "Nothing leaves this computer."
    return (
        f'<section class="welcome" data-scope="{escape(shown.scope)}" data-ready="{str(shown.ready).lower()}">'
        f'<h2>Ask about <span class="about">{escape(shown.title)}</span></h2>'
        '<p class="promise">Answers come from the text alone, with the sentence that says so, or an honest '
        f"“the article doesn’t say”. {kept}</p>{_summary(shown)}"
        f'{_buttons("Questions to start with", shown.starters or STARTERS)}<div class="earlier"></div></section>'
    )


def _summary(shown: Guide) -> str:
    """The summary's sentences with their chips; before it is made, lines that hold its place."""
    if shown.summary is None:
        return "" if shown.ready else '<div class="summary blank" aria-hidden="true"><i></i><i></i><i></i><i></i></div>'
    sentences = "".join(f"<span>{escape(c.quote)}{chip(c)} </span>" for c in shown.summary.citations)
    return f'<div class="summary"><h3>In short</h3><p>{sentences}</p></div>'


def added(job: str, line: str, state: str, share: float = 0.0, slug: str = "") -> str:
    """How far the taking in of an article is: `state` is working, done or failed, `share` in [0, 1]."""
    bar = f'<progress max="100" value="{100 * share:.0f}" aria-label="Progress"></progress>'
    return (
        f'<div data-job="{escape(job)}" data-state="{state}" data-slug="{escape(slug)}">'
        f'<p class="{"fault" if state == "failed" else "notice"}">{escape(line)}</p>'
        f"{bar if state == 'working' else ''}</div>"
    )
