"""What a language model's answer is worth beyond being right: pure functions over one `Answer.as_json()` object.

Faithfulness is content-word k-precision: the share of the answer's content words that stand in what the model was
given (on 270 rated MTRAG answers as near to people as a language model's own judgement is). Citation recall and
precision are those of ALCE (Gao et al. 2023) with containment of content words in the place of an entailment model: a
sentence is supported when its quotes hold at least `ENOUGH` of its content words and all of its numbers. An extractive
answer is 1.0 in all three by construction: it is the guard, not the goal.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rag.lexical import content_words

ENOUGH = 0.8
_SENTENCE = re.compile(r"(.*?)((?: ?\[(?:\d{1,3}|\?)\])+)(?:\s|$)", re.DOTALL)
_MARKER = re.compile(r"\[(\d{1,3}|\?)\]")


def marked_sentences(text: str) -> list[tuple[str, list[int]]]:
    """Each marked run of the answer's text with the numbers of its citations; `[?]` stands for none.

    >>> marked_sentences("It fell. [1][2] He sang. [?]")
    [('It fell.', [1, 2]), ('He sang.', [])]
    """
    found = [(said.strip(), _MARKER.findall(marks)) for said, marks in _SENTENCE.findall(text)]
    rest = _SENTENCE.sub("", text).strip()
    return [(said, [int(n) for n in numbers if n != "?"]) for said, numbers in found] + ([(rest, [])] if rest else [])


def faithfulness(answer: Mapping[str, Any], given: str) -> float | None:
    """Share of the answer's content words that `given`, the text it was made from, holds; None for a refusal."""
    said = content_words(_MARKER.sub(" ", answer["text"]))
    if answer["refused"] or not said:
        return None
    held = set(content_words(given))
    return sum(w in held for w in said) / len(said)


def given_text(answer: Mapping[str, Any], articles: Mapping[str, str]) -> str:
    """What the model read, or what the embedded answerer did; `articles` maps slugs to texts."""
    llm = answer.get("llm") or {}
    spans = llm.get("given") or answer["passages"]
    return " ".join(articles[s["article"]][s["start"] : s["end"]] for s in spans)


def citation_recall(answer: Mapping[str, Any]) -> float | None:
    """Share of the answer's sentences that their quotes support; None for a refusal."""
    sentences = [] if answer["refused"] else marked_sentences(answer["text"])
    if not sentences:
        return None
    quotes = _quotes(answer)
    return sum(supports(said, (quotes[n] for n in numbers if n in quotes)) for said, numbers in sentences) / len(
        sentences
    )


def citation_precision(answer: Mapping[str, Any]) -> float | None:
    """Share of the citations that are needed: of a supported sentence, and it alone supports the sentence or the
    sentence is not supported without it. None where nothing is cited."""
    quotes = _quotes(answer)
    needed: list[bool] = []
    for said, numbers in [] if answer["refused"] else marked_sentences(answer["text"]):
        mine = [n for n in numbers if n in quotes]
        whole = supports(said, [quotes[n] for n in mine])
        for n in mine:
            others = [quotes[m] for m in mine if m != n]
            needed.append(whole and (supports(said, [quotes[n]]) or not supports(said, others)))
    return sum(needed) / len(needed) if needed else None


def supports(said: str, quotes: Iterable[str]) -> bool:
    """Whether the quotes together hold `ENOUGH` of the sentence's content words and all of its numbers."""
    wanted = content_words(said)
    held = {w for q in quotes for w in content_words(q)}
    if not wanted or not held:
        return False
    numbers = all(w in held for w in wanted if w[0].isdigit())
    return numbers and sum(w in held for w in wanted) >= ENOUGH * len(wanted)


def spent(answers: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Sums of what the model took over many answers, kept ones aside: `asked`, `cached`, `fell_back`, `seconds`,
    `input_tokens`, `output_tokens`."""
    parts = [a["llm"] for a in answers if a.get("llm")]
    fresh = [p for p in parts if not p["cached"]]
    total = {"asked": len(fresh), "cached": len(parts) - len(fresh), "fell_back": sum(bool(p["fault"]) for p in parts)}
    used = {k: sum(p["usage"].get(k, 0) for p in fresh) for k in ("seconds", "input_tokens", "output_tokens")}
    return {**total, **used}


def _quotes(answer: Mapping[str, Any]) -> dict[int, str]:
    return {c["number"]: c["quote"] for c in answer["citations"]}
