"""Yes/no questions made from questions that have an answer: "When did she leave?" "2019" → "Did she leave in 2019?"

BoolQ's questions are searchers' and its verdicts often need knowledge; readers of an article ask whether it says so.
With the true answer put in, the verdict is yes; with another of the same type, or with a word turned into its
opposite, it is no, and the answer's sentence is what says so.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

from rag.names import kind, names, numbers

_AUXILIARY = "did|does|do|was|were|is|are|has|have|had|can|could|will|would|should"
_TIME_OR_PLACE = re.compile(
    r"^(When|Where|(?:(?:In|On|At) )?(?:[Ww]hat|[Ww]hich) (?:year|month|city|country|state|day|date|century)) "
    rf"({_AUXILIARY}) (.+)\?$"
)
_NAMED = re.compile(r"^(?:What|Which) (?:[a-z]+ ){1,3}?(did|does|do) (.+)\?$")
_OBJECT = re.compile(rf"^(?:What|Who|Whom) ({_AUXILIARY}) (.+)\?$")
_MANY = re.compile(r"^How many ((?:[a-z]+ ){1,3}?)(did|does|do|were|was|are|is|have|has|had|could|can) (.+)\?$")
_SUBJECT = re.compile(r"^(?:Who|What) ([a-z]+ed|led|won|made|wrote|built|became|took|gave) (.+)\?$")
_TRAILING = re.compile(r"^((?:\S+ ){1,6}?\S+)( (?:in|during|after|before|at|from|for|by|against|under|to) .+)$")
_MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
_DAY = re.compile(rf"^(?:(?:{_MONTHS}) \d|\d{{1,2}} (?:{_MONTHS}))")


def as_yes_no(question: str, answer: str) -> str | None:
    """The question whether `answer` answers it; None where its form is not one of the plain ones.

    >>> as_yes_no("How many professors did Yonsei lose?", "19")
    'Did Yonsei lose 19 professors?'
    >>> as_yes_no("Where was she born?", "Lyon"), as_yes_no("What did they offer in 2014?", "more pay")
    ('Was she born in Lyon?', 'Did they offer more pay in 2014?')
    >>> as_yes_no("Who led the study?", "Bae")
    'Was it Bae that led the study?'
    """
    answer = answer.strip(" .,;")
    if not answer or len(answer) > 60 or "?" in answer:
        return None
    if m := _TIME_OR_PLACE.match(question):
        lead = "on " if _DAY.match(answer) else "in "
        placed = re.match(r"(?:in|on|at|by|after|before|during|since|from|the)\b", answer, re.IGNORECASE)
        lead = "" if placed or re.search(r" (?:in|on|at|from|to)$", m[3]) else lead
        return f"{m[2].capitalize()} {m[3]} {lead}{answer}?"
    if m := _MANY.match(question):
        noun = m[1].strip()
        what = answer if noun.split()[-1] in answer else f"{answer} {noun}"
        return f"{m[2].capitalize()} {_placed(m[3], what)}?"
    if m := _NAMED.match(question) or _OBJECT.match(question):
        if re.search(r"\bdo\b", m[2]):
            return None
        plain = m[1] in ("did", "does", "do")
        return f"{m[1].capitalize()} {_placed(m[2], answer) if plain else f'{m[2]} {answer}'}?"
    if m := _SUBJECT.match(question):
        return f"Was it {answer} that {m[1]} {m[2]}?"
    return None


def _placed(clause: str, answer: str) -> str:
    """The answer behind the verb: before a closing phrase of time or place, if there is one."""
    m = _TRAILING.match(clause)
    return f"{m[1]} {answer}{m[2]}" if m else f"{clause} {answer}"


def other_answer(answer: str, question: str, near: str, pool: Sequence[str], rng: random.Random) -> str | None:
    """`answer` with its name or number replaced by another of its type: one that stands `near`, if there is one."""
    held = [*numbers(answer), *names(f"- {answer}")]
    if not held:
        return None
    old = rng.choice(held)
    close = [t for t in numbers(near) + names(near) if kind(t) == kind(old) and t not in answer and t not in question]
    far = [t for t in pool if kind(t) == kind(old) and t not in answer and t not in question]
    fits = close if close and (not far or rng.random() < 0.6) else far
    return answer.replace(old, rng.choice(fits), 1) if fits else None
