"""The question's type and the answer's, filled in where a set does not say: what the tables are broken down by.

Rules on words, not a model. A row that carries a type keeps it; the guess is for SQuAD files and quickly written sets.
By the question alone, the answer type is that of 77% of the 5,952 TREC questions (Li and Roth 2002); most of the others
are called `phrase`.
"""

from __future__ import annotations

import re
from dataclasses import replace

from eval.metrics import is_yes_no
from eval.sets import Example

TYPES = ("factoid", "list", "why", "how", "yes-no", "summary", "definition", "follow-up")
ANSWER_TYPES = ("numeric", "date", "person", "place", "organisation", "phrase")

_AUXILIARY = r"(?:is|are|was|were|do|does|did|has|have|had|can|could|will|would|should|may|might|must)"
_MONTHS = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
_QUESTION = (
    ("summary", r"(?:please )?(?:summari[sz]e|sum up)\b|.*\bsummary\b|.*\bmain (?:points?|ideas?|topic)\b"),
    ("yes-no", rf"(?:(?:and|so|but),? )?(?:{_AUXILIARY})(?:n't|n’t)?\b"),
    ("why", r".*\bwhy\b|.*\bfor what reason\b|what (?:is|are|was|were) the (?:reasons?|causes?)\b|what (?:causes|caused)"),
    ("list", r"(?:name|list) |(?:what|which) (?:are|were) (?:the )?(?!.*\bcalled\b)|.*\bwhich (?:two|three|four|five)\b"),
    ("definition", r"what (?:is|was) (?:an? )?[\w’'-]+\??$|what does .* (?:mean|stand for)|.*\bdefin(?:e|ition)\b"),
    ("how", r"how (?!many|much|long|old|far|often|large|big|tall|high|fast|big|few|deep|wide|heavy|late)"),
)
_ANSWER = (
    (
        "date",
        rf"(?:in |on |by |around |since )?(?:(?:{_MONTHS} \d{{1,2}}(?:st|nd|rd|th)?,? )?(?:1\d|20)\d\d(?:s|–\d+|-\d+)?"
        rf"|(?:the )?\d{{1,2}}(?:st|nd|rd|th) cent.*|\d{{1,2}} {_MONTHS}.*|{_MONTHS} \d.*)",
    ),
    ("numeric", r"[$€£₩]?\d.*|(?:about |over |more than |around |nearly |up to )[$€£₩]?\d.*"),
    (
        "numeric",
        r"(?:a |about |over )?(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|forty|fifty"
        r"|half|hundreds?|thousands?|millions?|billions?|dozens?)\b.*",
    ),
)
_ASKED_FOR = (
    ("date", r"when\b|.*\b(?:what|which) (?:year|date|day|month|century|decade)\b"),
    ("numeric", r".*\bhow (?:many|much|long|old|far|often|large|tall|high|few)\b|.*\bwhat (?:percentage|percent|number)\b"),
    ("person", r"(?:.* )?(?:who|whom|whose)\b"),
    ("place", r"(?:.* )?where\b|.*\b(?:what|which) (?:country|city|state|town|place|region|river|continent)\b"),
    ("organisation", r".*\b(?:what|which) (?:company|university|organi[sz]ation|institution|agency|party|team)\b"),
)


def with_types(example: Example) -> Example:
    """The example with one question type and, when the article answers it, one answer type among its tags."""
    tags = list(example.tags)
    if not set(tags) & set(TYPES):
        tags.append(question_type(example.question, example.history))
    worded = example.answers and not is_yes_no(example.answers)
    if example.answerable and worded and not set(tags) & set(ANSWER_TYPES):
        tags.append(answer_type(example.question, example.answers[0]))
    if not example.answerable and "unanswerable" not in tags:
        tags.append("unanswerable")
    return replace(example, tags=tuple(tags))


def question_type(question: str, history: tuple[str, ...] = ()) -> str:
    """One of TYPES; `factoid` when nothing else fits.

    >>> [question_type(q) for q in ("Why did it fall?", "Is it open?", "How many ships?", "How did it fall?")]
    ['why', 'yes-no', 'factoid', 'how']
    """
    if history:
        return "follow-up"
    text = " ".join(question.lower().split())
    return next((name for name, pattern in _QUESTION if re.match(pattern, text)), "factoid")


def answer_type(question: str, answer: str) -> str:
    """One of ANSWER_TYPES: by the answer's own form, else by what the question asks for.

    >>> answer_type("When did it open?", "1892"), answer_type("How many?", "340"), answer_type("Who?", "Ida Holm")
    ('date', 'numeric', 'person')
    """
    said, asked = answer.lower().strip(), " ".join(question.lower().split())
    wanted = next((name for name, pattern in _ASKED_FOR if re.match(pattern, asked)), "phrase")
    formed = next((name for name, pattern in _ANSWER if re.fullmatch(pattern, said)), None)
    if formed == "date" and wanted == "numeric":
        return "numeric"  # "How many ships?" "1990"
    return formed or wanted
