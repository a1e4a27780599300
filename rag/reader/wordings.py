"""The same question in other words: readers of an article do not ask in its words, SQuAD's annotators nearly did.

Applied to answerable and unanswerable questions alike, so that the wording says nothing about the verdict.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence

from rag.names import is_question_word

_FRAMES: list[tuple[re.Pattern[str], tuple[str, ...]]] = [
    (
        re.compile(r"^When (?=did|was|were)"),
        ("In what year ", "On what date ", "At what time ", "At what point ", "Around when ", "What year "),
    ),
    (re.compile(r"^(?:In|During) (?:what|which) year (?=did|was|were)"), ("When ", "What year ", "Which year ")),
    (re.compile(r"^Where (?=did|was|were|is|are|do|does)"), ("In what place ", "In which place ", "At what location ")),
    (
        re.compile(r"^Why (?=did|was|were|is|are|do|does|has|have)"),
        ("For what reason ", "How come ", "What is the reason "),
    ),
    (
        re.compile(r"^How many (?=[a-z])"),
        ("What number of ", "About how many ", "How large a number of ", "Roughly how many "),
    ),
    (
        re.compile(r"^Who (?=[a-z]+ed\b|led|won|made|wrote|built|became|took|gave|was|is)"),
        ("Which person ", "Who exactly "),
    ),
    (re.compile(r"^What (?=did|do|does)"), ("Which thing ", "What exactly ")),
    (re.compile(r"^What was the name of "), ("What is the name of ", "What was ", "Name ")),
    (re.compile(r"^(?:What|Which) (?=(?:type|kind|sort) of)"), ("Which ", "What ")),
    (re.compile(r"^How much (?=did|was|were|does|do|is)"), ("What amount ", "How much money ")),
]
_OPENINGS = (
    "Can you tell me",
    "Could you tell me",
    "Do you know",
    "Tell me,",
    "I'd like to know:",
    "I want to know",
    "According to the article,",
    "According to the text,",
    "In the article,",
    "Please tell me",
    "So",
    "And",
    "Ok,",
    "Hi,",
    "Does the article say",
    "What does the article say about this:",
)
_CLOSINGS = (" according to the article?", ", please?", " exactly?", " then?", " in the article?")


def reword(question: str, passage: str, synonyms: Callable[[str], Sequence[str]], rng: random.Random) -> str:
    """The question with up to three of: a plain word, one of the passage's rather than another, as its synonym;
    another question phrase; words around it.

    >>> reword("When was it founded?", "", lambda word: ["established"], random.Random(3))
    'When was it established?'
    """
    made = question
    if rng.random() < 0.7:
        made = _with_synonym(made, passage, synonyms, rng)
        made = _with_synonym(made, passage, synonyms, rng) if rng.random() < 0.4 else made
    if rng.random() < 0.3:
        for pattern, frames in _FRAMES:
            if pattern.match(made):
                made = pattern.sub(rng.choice(frames), made, count=1)
                break
    if rng.random() < 0.2:
        made = f"{rng.choice(_OPENINGS)} {made[:1].lower()}{made[1:]}"
    if rng.random() < 0.06:
        made = made.rstrip("? .") + rng.choice(_CLOSINGS)
    return made


def _with_synonym(question: str, passage: str, synonyms: Callable[[str], Sequence[str]], rng: random.Random) -> str:
    held = set(re.findall(r"\w+", passage.lower()))
    words = [m for m in re.finditer(r"\b[a-z]{3,}\b", question) if not is_question_word(m.group())]
    rng.shuffle(words)
    for match in sorted(words, key=lambda m: m.group() not in held):
        fits = [w for w in synonyms(match.group()) if w not in question]
        if fits:
            return question[: match.start()] + rng.choice(fits) + question[match.end() :]
    return question
