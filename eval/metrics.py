"""What one answer is worth: small pure functions, no library, no chain. `run.py` calls them, `stats.py` averages them.

The trap that lives here is the normaliser. The official SQuAD one deletes punctuation, so "3.5" equals "35", and
deletes articles, so the gold "A" equals an empty answer; it leaves curly apostrophes and en dashes alone, so a
typographic answer misses. Therefore both are reported: official `em` and `f1`, comparable with the published
figures, and `f1_lenient`, which mends all three. An abstention is a flag (`refused`), never an empty string.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

Span = tuple[int, int]

_PUNCTUATION = str.maketrans("", "", string.punctuation)
_ARTICLES = re.compile(r"\b(a|an|the)\b")
_TYPOGRAPHY = str.maketrans(dict.fromkeys("‘’‚‛′", "'") | dict.fromkeys("“”„‟″", '"') | dict.fromkeys("‐‑‒–—―−", "-"))
_DECIMAL = re.compile(r"(?<=\d)\.(?=\d)")
_KEPT = "\0"  # stands for a decimal point while the other full stops are deleted


def squad_normalise(text: str) -> str:
    """The SQuAD v2 normaliser, to the letter (`evaluate-v2.0.py`, `normalize_answer`).

    >>> squad_normalise("The 3.5 percent!")
    '35 percent'
    """
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def lenient_normalise(text: str) -> str:
    """The same idea without its accidents: NFKC, quotes and dashes mapped, decimals kept, a dash parts two words.

    >>> lenient_normalise("The 3.5–4.0 percent of Korea’s 1,000")
    '3.5 4.0 percent of koreas 1000'
    """
    return " ".join(_ARTICLES.sub(" ", _plain(text)).split())


def exact_match(prediction: str, golds: Sequence[str]) -> float:
    """1.0 when the normalised prediction equals a normalised gold, else 0.0. No gold stands for "no answer"."""
    said = squad_normalise(prediction)
    return max(float(said == squad_normalise(gold)) for gold in _worded(golds))


def token_f1(prediction: str, golds: Sequence[str]) -> float:
    """SQuAD v2 F1: harmonic mean of precision and recall over the multiset of tokens, best gold. In [0, 1]."""
    return max(_f1(squad_normalise(prediction), squad_normalise(gold)) for gold in _worded(golds))


def lenient_f1(prediction: str, golds: Sequence[str]) -> float:
    """`token_f1` after `lenient_normalise`; a gold made of an article alone ("A") keeps its word."""
    return max((_f1(_keep_words(prediction), _keep_words(gold)) for gold in golds), default=0.0)


def token_recall(text: str, golds: Sequence[str]) -> float:
    """The share of a gold's tokens (a multiset, leniently normalised) that the text holds; the best gold's.

    >>> token_recall("He left in 1990.", ["May 1990"])
    0.5
    """
    said = Counter(lenient_normalise(text).split())
    wanted = [Counter(_keep_words(gold).split()) for gold in golds]
    return max((sum((said & w).values()) / sum(w.values()) for w in wanted if w), default=0.0)


def containment(text: str, golds: Sequence[str]) -> float:
    """1.0 when a gold stands in the text as a run of whole tokens: "19" is not in "1990".

    A gold "yes" or "no" must open the text instead: "no" stands in half of all sentences.

    >>> containment("He left in 1990.", ["19"]), containment("He left in 1990.", ["in 1990"])
    (0.0, 1.0)
    """
    return float(any(_contains(text, gold) for gold in golds))


def is_yes_no(golds: Sequence[str]) -> bool:
    """True when a gold says yes or no, so that the first word of the answer is what counts."""
    return any(_plain(gold).strip() in ("yes", "no") for gold in golds)


def strip_markers(text: str, numbers: Iterable[int]) -> str:
    """The text without the citation markers that number its citations; any other bracketed number is the article's.

    >>> strip_markers("He left [1]. See [9].", [1])
    'He left. See [9].'
    """
    for number in numbers:
        text = re.sub(rf"\s*\[{number}\]", "", text)
    return text.strip()


def relevant(passage: Span, golds: Sequence[Span]) -> bool:
    """A passage is relevant if it covers at least half of a gold span."""
    return any(2 * overlap(passage, gold) >= gold[1] - gold[0] for gold in golds)


def hit_at(k: int, passages: Sequence[Span], golds: Sequence[Span]) -> float:
    """1.0 when one of the first k passages, in rank order, is relevant."""
    return float(any(relevant(passage, golds) for passage in passages[:k]))


def reciprocal_rank(passages: Sequence[Span], golds: Sequence[Span]) -> float:
    """1 / rank of the first relevant passage, 0.0 when none is. Ranks are positions: no tie is broken by id."""
    return next((1 / rank for rank, p in enumerate(passages, start=1) if relevant(p, golds)), 0.0)


def citation_hit(citations: Sequence[Span], golds: Sequence[Span]) -> float:
    """1.0 when a citation and a gold span overlap by at least half of the shorter one."""
    return float(any(2 * overlap(c, g) >= min(c[1] - c[0], g[1] - g[0]) for c in citations for g in golds))


def citation_valid(quote: str, span: Span, article_text: str) -> bool:
    """True when the quote is verbatim at its offsets. A slice forgives bad offsets, so they are checked too."""
    start, end = span
    return 0 <= start < end <= len(article_text) and article_text[start:end] == quote


def overlap(a: Span, b: Span) -> int:
    """How many characters two spans share."""
    return max(0, min(a[1], b[1]) - max(a[0], b[0]))


def _plain(text: str) -> str:
    """Lower case without typography or punctuation, articles still there."""
    text = unicodedata.normalize("NFKC", text).lower().translate(_TYPOGRAPHY).replace("-", " ")
    return _DECIMAL.sub(_KEPT, text).translate(_PUNCTUATION).replace(_KEPT, ".")


def _keep_words(text: str) -> str:
    return lenient_normalise(text) or " ".join(_plain(text).split())


def _worded(golds: Sequence[str]) -> Sequence[str]:
    # As the official script does: golds that normalise to nothing are left out, and none left means "no answer".
    return [gold for gold in golds if squad_normalise(gold)] or [""]


def _f1(prediction: str, gold: str) -> float:
    said, wanted = prediction.split(), gold.split()
    if not said or not wanted:
        return float(said == wanted)
    shared = sum((Counter(said) & Counter(wanted)).values())
    # 2PR / (P + R) with P = shared/said and R = shared/wanted
    return 2 * shared / (len(said) + len(wanted))


def _contains(text: str, gold: str) -> bool:
    normalise: Callable[[str], str] = lenient_normalise if lenient_normalise(gold) else _plain
    said, wanted = normalise(text).split(), normalise(gold).split()
    if wanted in (["yes"], ["no"]):
        return said[:1] == wanted
    return bool(wanted) and any(said[i : i + len(wanted)] == wanted for i in range(len(said) - len(wanted) + 1))
