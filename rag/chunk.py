"""Article → passages: the unit that is embedded, retrieved and read. Offsets are made here and never again.

A passage is a run of whole sentences of at most `size` tokens that ends with a paragraph where it can. The trap:
what lies past the encoder's window is dropped without a word, so lengths are counted by the encoder's own
tokenizer, and a sentence longer than `size` is cut into pieces instead of being lost.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from rag.sentences import split_sentences
from rag.types import Article, Passage, Span

CHUNKER = "sentences-1"
"""Names this way of cutting; it goes into the index's manifest, where a change makes old indexes rebuild."""

Count = Callable[[str], int]


def chunk(article: Article, size: int, overlap: int, count: Count) -> list[Passage]:
    """Cut an article into passages of at most `size` tokens, at paragraph ends where it can.

    Offsets are characters into `article.text`: text[p.start:p.end] == p.text, always; together the passages hold
    every character but white space. `size` and `overlap` are in the unit `count` returns: pass the embedder's own
    tokenizer. A passage starts with the last sentences of the one before, as many as fit into `overlap`.

    >>> words = lambda s: len(s.split())
    >>> [p.text for p in chunk(Article("a", "A", "A b. C d. E f."), size=4, overlap=2, count=words)]
    ['A b. C d.', 'C d. E f.']
    """
    if size < 1 or not 0 <= overlap < size:
        raise ValueError(f"passages of {size} tokens can not overlap by {overlap}: 0 <= overlap < size")
    text = article.text
    units = [piece for span in split_sentences(text) for piece in _pieces(text, span, size, count)]
    return [_passage(article, tuple(group)) for group in _groups(text, units, size, overlap, count)]


def _passage(article: Article, sentences: tuple[Span, ...]) -> Passage:
    start, end = sentences[0][0], sentences[-1][1]
    return Passage(f"{article.id}:{start}-{end}", article.id, start, end, article.text[start:end], sentences)


def _groups(text: str, units: list[Span], size: int, overlap: int, count: Count) -> Iterator[list[Span]]:
    """Fill passages greedily; when one is full, give its last, unfinished paragraph to the next if half is left."""
    lengths = {u: count(text[u[0] : u[1]]) for u in units}
    group: list[Span] = []
    for i, unit in enumerate(units):
        if group and sum(lengths[u] for u in group) + lengths[unit] > size:
            kept = _whole_paragraphs(text, group, unit, size, lengths)
            yield kept
            group = _tail(kept, overlap, lengths) + group[len(kept) :]
            while sum(lengths[u] for u in group) + lengths[unit] > size:
                group.pop(0)  # the overlap gives way to what is new
        group.append(units[i])
    if group:
        yield group


def _whole_paragraphs(text: str, group: list[Span], unit: Span, size: int, lengths: dict[Span, int]) -> list[Span]:
    """`group` cut back to its last paragraph end, if it runs on into `unit` and at least half a passage is left."""
    if "\n\n" in text[group[-1][1] : unit[0]]:
        return group
    for last in range(len(group) - 1, 0, -1):
        if "\n\n" in text[group[last - 1][1] : group[last][0]]:
            moved = sum(lengths[u] for u in group[last:]) + lengths[unit]
            left = sum(lengths[u] for u in group[:last])
            return group[:last] if 2 * left >= size and moved <= size else group
    return group


def _tail(group: list[Span], overlap: int, lengths: dict[Span, int]) -> list[Span]:
    """The last sentences of `group` that fit into `overlap`; never all of it."""
    tail: list[Span] = []
    for unit in reversed(group[1:]):
        if sum(lengths[u] for u in tail) + lengths[unit] > overlap:
            break
        tail.insert(0, unit)
    return tail


def _pieces(text: str, span: Span, size: int, count: Count) -> Iterator[Span]:
    """The sentence itself, or the fewest pieces of at most `size` tokens, cut after a clause or a word if it can."""
    start, end = span
    while count(text[start:end]) > size:
        cut = _cut(text, start, end, size, count)
        yield start, start + len(text[start:cut].rstrip())
        start = cut + len(text[cut:end]) - len(text[cut:end].lstrip())
    if start < end:
        yield start, end


def _cut(text: str, start: int, end: int, size: int, count: Count) -> int:
    """The furthest place at which `text[start:cut]` is at most `size` tokens (binary search), moved back to the
    end of a clause in its second half, else of a word, else left in the middle of a word."""
    low, high = start + 1, end
    while low < high:
        middle = (low + high + 1) // 2
        if count(text[start:middle]) <= size:
            low = middle
        else:
            high = middle - 1
    for boundary in (r"[,;:—–]\s", r"\s"):
        places = [start + m.end() for m in re.finditer(boundary, text[start : low + 1])]
        if places and 2 * (places[-1] - start) > low - start and text[start : places[-1]].strip():
            return min(places[-1], low)
    return low
