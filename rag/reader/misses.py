"""Which near miss is made of a question: of all ways, in an order drawn by weight, the first that finds something."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

from rag.reader import negatives, untold, verdicts, words
from rag.types import Span


def near_miss(
    question: str,
    passage: str,
    evidence: Span,
    answer: str,
    pool: list[str],
    questions: list[str],
    rng: random.Random,
) -> tuple[str, str] | None:
    """The question asking for something else, and the way's name; None where no way finds something to change.
    `evidence` is the answer's sentence in the passage, `pool` the article's names and numbers."""
    related, said = words.relatives, passage[slice(*evidence)]
    ways: dict[str, tuple[float, Callable[[], str | None]]] = {
        "opposite": (6, lambda: negatives.swap_opposite(question, passage, rng)),
        "swapped-roles": (6, lambda: negatives.swap_roles(question, passage)),
        "asked-which": (20, lambda: untold.ask_which(question, said)),
        "asked-name": (20, lambda: untold.ask_name(question, answer, passage)),
        "asked-who": (6, lambda: untold.ask_who(question, said)),
        "asked-duration": (1, lambda: untold.ask_duration(question, said)),
        "asked-why": (6, lambda: untold.ask_why(question, passage, rng)),
        "swapped-counted": (8, lambda: negatives.swap_counted(question, passage, related, rng)),
        "narrowed": (2, lambda: negatives.narrow(question, passage, rng)),
        "asked-other": (1.5, lambda: untold.ask_other(question, answer, said, rng)),
        "asked-attribute": (0.4, lambda: untold.ask_attribute(passage, said, rng)),
        "swapped-entity": (2, lambda: negatives.swap_entity(question, passage, pool, rng)),
        "swapped-held": (10, lambda: negatives.swap_held(question, passage, evidence, answer, rng)),
        "swapped-word": (0.8, lambda: negatives.swap_word(question, passage, related, rng)),
        "asked-time": (1, lambda: untold.ask_time(question, passage, rng)),
        "swapped-phrase": (0.5, lambda: negatives.swap_tail(question, passage, questions, rng)),
        "swapped-held-word": (0.6, lambda: negatives.swap_word(question, passage, related, rng, evidence)),
        "negated": (0.05, lambda: negatives.negate(question, rng)),
    }
    for name in sorted(ways, key=lambda n: rng.random() ** (1 / ways[n][0]), reverse=True):
        made = ways[name][1]()
        if made:
            return made, name
    return None


def yes_or_no(
    question: str, answer: str, passage: str, pool: list[str], rng: random.Random
) -> Iterator[tuple[str, bool | None]]:
    """Now and then, whether the answer, or another one, is the answer (with its verdict), or whether it is of
    something the passage does not tell (with None)."""
    way = rng.random()
    asked = verdicts.as_yes_no(question, answer) if way < 0.4 else None
    if not asked:
        return
    if way < 0.14:
        yield asked, True
    elif way < 0.33:
        other = verdicts.other_answer(answer, question, passage, pool, rng)
        denied = verdicts.as_yes_no(question, other) if other else negatives.swap_opposite(asked, passage, rng)
        if denied:
            yield denied, False
    elif missed := negatives.swap_entity(asked, passage, pool, rng):
        yield missed, None
