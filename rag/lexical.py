"""Words: how questions and passages are compared letter by letter. BM25 ranks what the encoder blurs, above all
names and numbers, and tells which words of a question stand nowhere in the article at all."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache

Tokens = Callable[[str], list[str]]
_WORD = re.compile(r"\d+(?:[.,]\d+)*|\w+(?:['’]\w+)?", re.UNICODE)
STOPWORDS = frozenset(
    "a about above after again all also am an and any are as at be because been before being below between both "
    "but by can could did do does doing down during each few for from further get got had has have having he her "
    "here hers him his how i if in into is it its just many me more most much my no nor not now of off on once "
    "one only or other our out over own same she should so some such tell than that the their them then there "
    "these they this those through to too under until up us very was we were what when where which while who whom "
    "whose why will with would you your s t re ve ll d m don isn aren wasn didn doesn article text say says said "
    "mention mentioned according please describe described give list name".split()
)


def words(text: str) -> list[str]:
    """Lower-cased words and numbers of `text`, stemmed; "100,62" and "100.62" stay whole.

    >>> words("Universities lost 100.62 professors' pay")
    ['university', 'lost', '100.62', 'professor', 'pay']
    """
    return [stem(w) for w in _WORD.findall(text.lower())]


def content_words(text: str) -> list[str]:
    """`words` without those that any question may hold."""
    return [stem(w) for w in _WORD.findall(text.lower()) if re.sub(r"['’].*", "", w) not in STOPWORDS]


def words_and_pairs(text: str) -> list[str]:
    """`words`, and each two that stand side by side: "the first court" is more than its three words."""
    single = words(text)
    return single + [f"{a} {b}" for a, b in zip(single, single[1:], strict=False)]


def roots(text: str) -> list[str]:
    """`content_words` cut to five letters, so that "migration" meets "migrants"; for ranking alone, it is crude."""
    return [w[:5] for w in content_words(text)]


@lru_cache(maxsize=65536)
def stem(word: str) -> str:
    """A light English stemmer: plural, possessive, -ing and -ed only, so that no two words become one by chance."""
    word = re.sub(r"['’]s?$", "", word)
    if word[:1].isdigit():
        return word.replace(",", "") if re.fullmatch(r"\d{1,3}(,\d{3})+", word) else word
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and word.endswith(("sses", "shes", "ches", "xes")):
        return word[:-2]
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    for ending in ("ing", "ed"):
        if len(word) > len(ending) + 3 and word.endswith(ending):
            root = word[: -len(ending)]
            return root[:-1] if root[-1] == root[-2] and root[-1] not in "lsz" else root.removesuffix("e")
    return word.removesuffix("e") if len(word) > 4 else word


class BM25:
    """Okapi BM25 over a fixed list of texts (Robertson and Zaragoza 2009), idf never negative. k1 and b are low, since
    these texts are of one length. Thirty lines of our own: `bm25s` would not tell idf and which words there are."""

    def __init__(self, texts: Iterable[str], tokens: Tokens = words, k1: float = 0.6, b: float = 0.3) -> None:
        self._tokens = tokens
        self._counts = [Counter(tokens(t)) for t in texts]
        lengths = [sum(c.values()) for c in self._counts]
        mean = sum(lengths) / len(lengths) if lengths else 1.0
        self._norms = [k1 * (1 - b + b * n / (mean or 1.0)) for n in lengths]
        self._k1 = k1
        self._df = Counter(w for c in self._counts for w in c)

    def idf(self, word: str) -> float:
        """log(1 + (N - df + 0.5) / (df + 0.5)): N = 10 texts give 0.07 to a word in all of them, 3.1 to one in none."""
        n, df = len(self._counts), self._df[word]
        return math.log(1 + (n - df + 0.5) / (df + 0.5))

    def __contains__(self, word: str) -> bool:
        return word in self._df

    def scores(self, query: str) -> list[float]:
        """A score for each text, in their order; higher is better, 0 shares no word with the query."""
        wanted = {w: self.idf(w) for w in set(self._tokens(query)) if w in self._df}
        return [
            sum(idf * c[w] * (self._k1 + 1) / (c[w] + norm) for w, idf in wanted.items() if w in c)
            for c, norm in zip(self._counts, self._norms, strict=True)
        ]


def coverage(query: Sequence[str], text: str, bm25: BM25) -> float:
    """Share of the query's words, weighed by idf, that `text` holds: in [0, 1], 1 for a query without words."""
    held = set(words(text))
    total = sum(bm25.idf(w) for w in query)
    return sum(bm25.idf(w) for w in query if w in held) / total if total else 1.0
