"""Answer and Article → HTML, as text: the last step of the path. What stands around them is frame.py's.

Article, title, question and error are untrusted: every one of them passes `escape`. What comes out is *one line*
that starts with a block element, because it travels in Gradio's Markdown component, where such a line is an HTML
block (https://spec.commonmark.org/0.31.2/#html-blocks, kind 6): nothing inside it is read as Markdown. The trap:
a raw newline or tab would end the block, or be rewritten on the way, so both leave here as character references,
one for one, and every offset into `Article.text` holds in the browser.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from rag.sentences import split_sentences
from rag.types import ALL, Answer, Article, Citation, Span
from ui.say import UNSURE, said

_LONG = 900
"""A paragraph of more characters is set as several, at sentence ends: saved pages often lose their line breaks."""
_SENTENCE_ENDS = ".!?:;,…\"'”’»)]—-"
_MARKER = re.compile(r"\[(\d{1,3})\]")
_CONTROL = {c: "\ufffd" for c in range(32)} | {127: "\ufffd"} | {c: "\ufffd" for c in range(0xD800, 0xE000)}
_CONTROL |= {9: "&#9;", 10: "&#10;", 13: "&#13;"}


def escape(text: str) -> str:
    """Text → HTML on one line: one character in, one character in the browser.

    >>> escape('<b title="x">\\n')
    '&lt;b title=&quot;x&quot;&gt;&#10;'
    """
    return html.escape(text, quote=True).translate(_CONTROL)


def article_page(article: Article) -> str:
    """The article as a reader's page. Each paragraph carries `data-start`, its offset in `article.text`, so that
    ui/static/reader.js can find any span; a first paragraph that repeats the title is set as the headline."""
    paragraphs = list(_paragraphs(article.text))
    headline = f'<h1 class="headline">{escape(article.title)}</h1>'
    if paragraphs and article.text[slice(*paragraphs[0])] == article.title:
        headline = f'<h1 class="headline" data-start="{paragraphs.pop(0)[0]}">{escape(article.title)}</h1>'
    body = "".join(_paragraph(article.text, span, paragraphs) for span in paragraphs)
    return (
        f'<article class="page" data-article="{escape(article.id)}" aria-label="{escape(article.title)}">'
        f"<header>{_line('publisher', article.metadata, 'publisher')}{headline}"
        f"{_line('byline', article.metadata, 'byline', 'published')}</header>{body}</article>"
    )


def _paragraphs(text: str) -> Iterator[Span]:
    """Spans of the paragraphs, without the white space around them; a long one as several of whole sentences."""
    for block in re.finditer(r"\S(?:.|\n(?!\s*\n))*", text):
        at, end = block.start(), block.start() + len(block.group().rstrip())
        if end - at <= _LONG:
            yield at, end
            continue
        start = None
        for a, b in split_sentences(text[at:end]):
            start = at + a if start is None else start
            if at + b - start > _LONG / 2 or at + b == end:
                yield start, at + b
                start = None


def _paragraph(text: str, span: Span, page: Sequence[Span]) -> str:
    """A paragraph as it is set: a short line that does not end like a sentence heads what follows it, or, as the
    first of all, is the standfirst."""
    start, end = span
    shown = escape(text[start:end])
    bare = end - start <= 100 and text[end - 1] not in _SENTENCE_ENDS and "\n" not in text[start:end]
    if bare and span == page[0]:
        return f'<p class="standfirst" data-start="{start}">{shown}</p>'
    if bare and span != page[-1]:
        return f'<h2 data-start="{start}">{shown}</h2>'
    return f'<p data-start="{start}">{shown}</p>'


def _line(css_class: str, metadata: Mapping[str, str], *keys: str) -> str:
    """A line of those metadata values that there are, or nothing."""
    values = [f"<span>{escape(metadata[key])}</span>" for key in keys if metadata.get(key)]
    return f'<p class="{css_class}">{"".join(values)}</p>' if values else ""


def answer_body(answer: Answer, titles: Mapping[str, str]) -> str:
    """What stands below a question: the short answer, the evidence with its citation chips, and what qualifies it.

    `titles` maps slugs to titles; the sources are named when every article was searched.
    """
    parts = [_refusal(answer) if answer.refused else _evidence(answer)]
    if ":" in answer.answerer:  # a language model's provider:model
        parts.append(f'<p class="by">In the words of {escape(answer.answerer)}, checked against the article.</p>')
    if answer.citations and answer.confidence < UNSURE:
        parts.append('<p class="unsure">Not certain: read the sentence before you rely on it.</p>')
    if answer.question.article_id == ALL and answer.citations:
        parts.append(_sources(answer.citations, titles))
    if answer.notice:
        parts.append(f'<p class="notice">{escape(answer.notice)}</p>')
    if _words(answer.query) != _words(answer.question.text):
        parts.append(
            f'<p class="searched">Searched for: <q>{escape(answer.query)}</q> '
            '<button type="button" class="tool" data-action="edit-query">Change</button></p>'
        )
    if answer.beside:
        beside = answer_body(replace(answer.beside, notice=None), titles)
        parts.append(f'<section class="beside" aria-label="The embedded reader"><p class="by">The embedded reader:</p>{beside}</section>')
    return "".join(parts)


def _words(text: str) -> list[str]:
    """For a comparison that overlooks what cleaning a question changes."""
    return re.findall(r"\w+", text)


def _evidence(answer: Answer) -> str:
    by_number = {c.number: c for c in answer.citations}
    line = said(answer)
    short = f'<p class="short">{escape(line)}</p>' if line else ""
    quotes = _quotes(answer.text, by_number)
    if quotes:
        return short + "".join(f"<blockquote>{_stressed(c.quote, answer.short)}{chip(c)}</blockquote>" for c in quotes)
    paragraphs = (p for p in re.split(r"\n\s*\n", answer.text) if p.strip())
    return short + "".join(f"<p>{_with_chips(p, by_number)}</p>" for p in paragraphs)


def _quotes(text: str, by_number: Mapping[int, Citation]) -> list[Citation]:
    """The citations in order when `text` is nothing but their quotes and markers; else none."""
    parts = _MARKER.split(text)
    cited = [by_number.get(int(n)) for n in parts[1::2]]
    quotes = [c for c, said in zip(cited, parts[0::2], strict=False) if c and c.quote == said.strip()]
    return quotes if len(quotes) == len(cited) and not parts[-1].strip() else []


def _stressed(quote: str, short: str | None) -> str:
    """The quote with the short answer set off in it, when it stands there."""
    before, found, after = quote.partition(short) if short else (quote, "", "")
    return f"{escape(before)}<b>{escape(found)}</b>{escape(after)}" if found else escape(quote)


def _with_chips(text: str, by_number: Mapping[int, Citation]) -> str:
    """Escaped text in which each marker that a citation stands behind is a chip; another `[7]` stays what it is."""
    shown, at = "", 0
    for marker in _MARKER.finditer(text):
        if citation := by_number.get(int(marker[1])):
            shown += escape(text[at : marker.start()].rstrip()) + chip(citation)  # the chip has a margin of its own
            at = marker.end()
    return shown + escape(text[at:])


def chip(citation: Citation) -> str:
    """A citation's number as a button: ui/static/reader.js shows and marks the span that its data attributes name."""
    label = escape(f"Citation {citation.number}, show it in the article: {citation.quote}")
    quote = escape(citation.quote)
    return (
        f'<button type="button" class="cite" {_target(citation)} data-quote="{quote}" aria-label="{label}">'
        f"{citation.number}</button>"
    )


def _target(citation: Citation) -> str:
    return f'data-article="{escape(citation.article_id)}" data-start="{citation.start}" data-end="{citation.end}"'


def _refusal(answer: Answer) -> str:
    says = f'<p class="says">{escape(answer.text or "The article doesn’t say.")}</p>'
    near = ""
    if closest := answer.nearest:
        near = (
            '<p class="nearest">The closest sentence in it:</p>'
            f'<button type="button" class="cite quote" {_target(closest)}>{escape(closest.quote)}</button>'
        )
    return f'<div class="refusal">{says}{near}</div>'


def _sources(citations: Iterable[Citation], titles: Mapping[str, str]) -> str:
    named = dict.fromkeys(titles.get(c.article_id, c.article_id) for c in citations)
    return f'<p class="sources">From {"; ".join(f"<cite>{escape(title)}</cite>" for title in named)}</p>'
