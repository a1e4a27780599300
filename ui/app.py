"""The chat as a Gradio page: the conversation on one side, the article on the other.

Python keeps the state and draws it with render.py and frame.py; static/reader.js shows it, follows citations, marks
sentences and keeps conversations in the browser. What the script has to tell Python it types into hidden fields.
All HTML goes through Markdown components with `sanitize_html=False`: Gradio's sanitizer would drop the data and aria
attributes of the citation chips, and what it would guard against is escaped in render.py. gr.HTML and `js=` are not
used: both compile code in the browser, which a strict Content-Security-Policy forbids.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ui import feedback, frame, handlers, render
from ui.backend import Backend
from ui.guides import Guides
from ui.turns import Talk

if TYPE_CHECKING:
    import gradio as gr

STATIC = Path(__file__).parent / "static"
TITLE = "Ask the article"
HEAD = (
    '<link rel="stylesheet" href="reader/style.css"><script defer src="reader/reader.js"></script>'
    '<meta name="color-scheme" content="light dark">'
)
_WIRES = ("wanted", "guided", "how", "recall", "vote", "bring")
"""The hidden fields that reader.js types into."""


def chat(backend: Backend) -> gr.Blocks:
    """The page and its events. Question, conversation and scope go in; the conversation and the article come out."""
    import gradio as gr

    def html(content: str, name: str) -> gr.Markdown:
        return gr.Markdown(content, elem_id=name, sanitize_html=False, latex_delimiters=[])

    guides = Guides(backend)
    thumbs = feedback.feedback_file(os.environ)
    draw = handlers.Drawing(backend, thumbs=thumbs is not None)
    page: gr.Blocks
    with gr.Blocks(title=TITLE, fill_width=True, analytics_enabled=False) as page:
        talk = gr.State(Talk())
        with gr.Row(elem_id="bar"):
            html(frame.brand(TITLE), "brand")
            scope = gr.Dropdown(
                label="Ask about", elem_id="scope", container=False, filterable=False, **handlers.scope_choices(backend)
            )
            by = gr.Dropdown(
                label="Answered by", elem_id="by", container=False, filterable=False,
                **handlers.answerer_choices(backend.config.llm),
            )  # fmt: skip
            html(frame.ACTIONS, "actions")
            new = gr.Button("New chat", elem_id="new", size="sm")
            html(frame.OPEN_ARTICLE, "open-article")
        with gr.Row(elem_id="panes"):
            with gr.Column(elem_id="talk"):
                html(frame.LOG, "log-frame")
                log = html(frame.conversation(Talk(), {}), "log-data")
                guide = html(frame.guide(guides.blank(backend.default_article)), "guide-data")
                html(frame.EDITING, "editing-frame")
                box = gr.Textbox(
                    elem_id="ask", label="Your question", placeholder="Ask a question about the article", lines=1,
                    max_lines=5, container=False, submit_btn=True, autofocus=True,
                )  # fmt: skip
            with gr.Column(elem_id="read"):
                html(frame.CLOSE_ARTICLE, "close-article")
                article = html(render.article_page(backend.articles[backend.default_article]), "article")
        html(frame.ADD_FORM, "add-frame")
        with gr.Row(elem_id="wires"):
            wanted, guided, how, recall, vote, bring = (gr.Textbox(elem_id=name, label=name) for name in _WIRES)
            added = html(frame.added("", "", "done"), "added-data")

        shown = [log, talk, box, how]
        quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
        # always_last: Enter while an answer is still arriving is kept, not dropped
        asking = box.submit(
            handlers.asker(backend, guides, draw), [box, talk, scope, how, by], shown, trigger_mode="always_last", **quiet
        )
        box.stop(handlers.stopper(draw), [talk], shown, cancels=[asking], **quiet)
        new.click(lambda: draw(Talk(), value=""), None, shown, cancels=[asking], **quiet)
        # queue=False: a plain request. The queue's one stream per page closes when an answer is complete, and an event
        # that joins at that moment, such as a click on the citation just shown, can be lost with it.
        plain = {"queue": False, **quiet}
        scope.input(handlers.chooser(backend, guides), [scope], [article, guide], **plain)
        wanted.change(handlers.turner(backend), [wanted], [article], **plain)  # for a citation of another article
        guided.change(handlers.greeter(guides), [guided], [guide], **plain)
        recall.change(handlers.recaller(backend, guides, draw), [recall], [*shown, scope, article, guide], **plain)
        bring.change(handlers.bringer(backend, guides), [bring], [added, scope, article, guide], **plain)
        if thumbs:
            vote.change(handlers.voter(thumbs), [vote, talk], None, **plain)
        page.load(handlers.refresher(backend, guides), None, [scope, article, guide], **plain)
    page.queue(api_open=False, max_size=64, default_concurrency_limit=2)
    return page
