"""Which near miss is made of a question: of all ways, in an order drawn by weight, the first that finds something."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import replace

from rag.reader import negatives, untold, verdicts, words
from rag.reader.examples import Example
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


def as_verdicts(example: Example, pool: list[str], rng: random.Random) -> Iterator[Example]:
    """Now and then, whether the answer, or another one, is the answer, or whether it is of something the passage does
    not tell."""
    assert example.span
    passage, answer = example.passage, example.passage[slice(*example.span)]
    way = rng.random()
    asked = verdicts.as_yes_no(example.question, answer) if way < 0.4 else None
    if not asked:
        return
    if way < 0.14:
        yield replace(example, question=asked, yes=True, source="yes-no")
    elif way < 0.33:
        other = verdicts.other_answer(answer, example.question, passage, pool, rng)
        denied = verdicts.as_yes_no(example.question, other) if other else negatives.swap_opposite(asked, passage, rng)
        if denied:
            yield replace(example, question=denied, yes=False, source="yes-no")
    elif missed := negatives.swap_entity(asked, passage, pool, rng):
        yield Example(missed, passage, None, False, source="yes-no-other")
