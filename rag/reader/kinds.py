"""What kind of thing a question asks for, and whether a span is one: a number for "how many", a time for "when".

Plain patterns on the question's opening words. A reader this small now and then answers "how many" with a name; this
is one feature among those that rank its spans, not a filter.
"""

from __future__ import annotations

import re

_ASKED = (
    (
        "number",
        r"\bhow (?:many|old|long|far|big|large|tall|high|often|deep|wide)\b|\bhow much (?!of\b|had\b|did\b)|"
        r"\b(?:what|which) (?:\w+ )?(?:percentage|percent|share|fraction|proportion|number|price|rate|amount|age|"
        r"multiple|sum)\b(?! (?:did|does|do|has|have)\b)|^(?:how|where) .*\brank\b",
    ),
    (
        "time",
        r"^(?:and |so |but )?(?:since |until |from )?when\b(?!.*\b(?:what|who|which|how)\b)"
        r"|\b(?:what|which) (?:year|date|day|month|decade|century)\b",
    ),
    ("name", r"^(?:\w+ ){0,2}?(?:who|whom|whose)\b"),
)
_ASKED_FOR = tuple((kind, re.compile(pattern, re.IGNORECASE)) for kind, pattern in _ASKED)
_NUMBER = re.compile(
    r"\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|dozens?|hundreds?|thousands?|millions?|"
    r"billions?|half|quarter|third|twice|thrice|double|triple|tenth|fifth|none|no|several|few|many|first|second|last|"
    r"twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|percent|daily|weekly|monthly|yearly|annually)\b",
    re.IGNORECASE,
)
_TIME = re.compile(
    r"\d|\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\b|day\b|\b(?:ago|year|years|month|months|week|weeks|"
    r"century|decade|today|times|era|age|yesterday|tomorrow|morning|noon|evening|night|spring|summer|autumn|winter|before|after|during|"
    r"when|until|since|soon|later|early|late|recently|now|once|time)\b",
    re.IGNORECASE,
)
_LETTER = re.compile(r"[^\W\d_]{2}")
_FITS = {"number": _NUMBER, "time": _TIME, "name": _LETTER}


def asked_for(question: str) -> str | None:
    """'number', 'time', 'name', or None where the opening words do not tell.

    >>> asked_for("How many left?"), asked_for("In which year was it?"), asked_for("Why did they leave?")
    ('number', 'time', None)
    """
    return next((kind for kind, pattern in _ASKED_FOR if pattern.search(question)), None)


def fits(question: str, span: str) -> float:
    """1 when the span is of the kind that is asked for, -1 when it is not, 0 when any kind may answer.

    >>> fits("How many left?", "56 professors"), fits("How many left?", "the city"), fits("Why?", "the city")
    (1.0, -1.0, 0.0)
    """
    kind = asked_for(question)
    if kind is None:
        return 0.0
    return 1.0 if _FITS[kind].search(span) else -1.0
