"""Questions an article can not answer, made from questions that it can: one name or number exchanged for another that
stands nowhere in the article. Calibration needs them, since the people who wrote SQuAD's unanswerable questions took
their names from the paragraph: without these the fit learns that an absent name means little."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace

from eval.sets import Example
from rag.names import names, numbers
from rag.reader.negatives import swap_entity
from rag.types import Article


def made_unanswerable(examples: Sequence[Example], articles: Mapping[str, Article], seed: int) -> list[Example]:
    """One for each answerable question without history that names something of its article; the names and numbers
    come from the other articles. The same seed makes the same questions."""
    rng = random.Random(seed)
    pools = {id_: names(a.text) + numbers(a.text) for id_, a in articles.items()}
    made = []
    for e in examples:
        if not e.answerable or e.history:
            continue
        pool = [name for id_, found in pools.items() if id_ != e.article for name in found]
        question = swap_entity(e.question, articles[e.article].text, pool, rng)
        if question:
            made.append(replace(e, id=f"{e.id}-made", question=question, answers=(), answerable=False, evidence=()))
    return made
