"""Questions for what a passage leaves untold about the very thing it tells of: its time, its names, its reasons.

Each function takes a question and the passage that answers it, and asks for another attribute; None where the passage
might tell that too, by the words that such a telling needs.
"""

from __future__ import annotations

import random
import re

from rag.names import kind, names

_ASKED = re.compile(r"^(Where|Why|How)(?= (?:was|were|is|are|did|does|do|has|have)\b)")
_TIMES = ("When", "In what year", "On what date", "How many times", "How long ago", "How often", "Since when")
_TIME = re.compile(
    r"\d|\b(?:century|centuries|decades?|years?|months?|weeks?|days?|ago|times|once|twice|now|today|early|late|recently|"
    r"during|before|after|when|while|until|since|always|never|often|first|last|current\w*|modern|ancient|medieval)\b",
    re.IGNORECASE,
)
_REASON = re.compile(
    r"\b(?:because|since|due|reasons?|result\w*|caus\w+|led|leads?|so|order|owing|thanks|therefore|thus|hence|as|for|"
    r"after|by|response|purpose|aim\w*|intend\w*|why|explain\w*|to (?!the|a|an|this|that|his|her|its|their)[a-z]+)\b",
    re.IGNORECASE,
)
_ATTRIBUTES = [
    ("What is {}'s phone number?", r"phone|number"),
    ("What is {}'s email address?", r"mail|address|@"),
    ("How old is {}?", r"\bage|\bold\b|-old|born|birth"),
    ("When was {} born?", r"born|birth|\bage"),
    ("Who is {} married to?", r"marri|wife|husband|spouse|wed|partner"),
    ("How many children does {} have?", r"child|son\b|sons|daughter|kids"),
    ("How much does {} earn?", r"earn|salar|paid|pay|wage|income|revenue"),
    ("How much did {} cost?", r"cost|price|paid|expens|worth|budget"),
    ("What is the population of {}?", r"populat|people|inhabit|resident|citizen"),
    ("Who owns {}?", r"own|belong|possess|property|bought|purchas|acqui"),
    ("Who leads {}?", r"lead|led\b|head|chief|chair|president|director|minister|king|queen|govern|boss|captain|coach"),
    ("Who founded {}?", r"found|establish|creat|start|set up|built|began|form"),
    ("Who was {}'s predecessor?", r"predecessor|before|former|previous|replac|succe|after"),
    ("Who will succeed {}?", r"succe|replac|follow|after|next|heir"),
    ("How many people work for {}?", r"employ|work|staff|people"),
    ("How far away is {}?", r"mile|km|kilomet|far|distan|near|away"),
    ("How tall is {}?", r"tall|high|height|feet|met(?:er|re)"),
    ("Where does {} live?", r"live|living|resid|home|house|settle|moved|born"),
    ("What did {} study?", r"stud|degree|educat|graduat|school|universit|college"),
    ("What is {}'s website?", r"web|site|online|internet|www"),
    ("What colour is {}?", r"colou?r|red|blue|green|white|black|yellow|brown"),
    ("Who is the mayor of {}?", r"mayor"),
    ("What is the name of {}'s lawyer?", r"lawyer|attorney|counsel"),
    ("How many votes did {} get?", r"vot|elect|ballot|poll"),
    ("Who criticised {}?", r"critic|attack|oppos|blam|accus|condemn|object"),
    ("What prize did {} win?", r"prize|award|medal|won|honou?r"),
]
_DONE = (
    r"(?!located|named|called|used|based|situated)[a-z]{3,}ed|built|made|written|sold|held|found|begun|given|taken|"
    r"set up|hung|shot"
)
_AGENTLESS = re.compile(rf"^(?:When|Where|Why|In what year|How) (?:was|were) (.+?) ({_DONE})\b")
_LASTING = re.compile(
    r"\b(?:years?|months?|weeks?|days?|hours?|minutes?|decades?|centur\w+|last\w*|until|till|through|between|from|long|"
    r"since|during|over)\b|\d\s?[-–]\s?\d",
    re.IGNORECASE,
)
_COUNTED = re.compile(
    r"^How many ((?!times\b)[a-z]+s(?: [a-z]+s)??|people|men|women) "
    r"(?=(?:did|does|do|was|were|is|are|has|have|had)\b|[a-z]+ed\b)"
)


def ask_time(question: str, passage: str, rng: random.Random) -> str | None:
    """The question asking when or how often, of a passage that tells no time and no number.

    >>> ask_time("Where did she study?", "She studied in Lyon.", random.Random(0))
    'Since when did she study?'
    """
    if not _ASKED.match(question) or _TIME.search(passage):
        return None
    return _ASKED.sub(rng.choice(_TIMES), question, count=1)


def ask_why(question: str, passage: str, rng: random.Random) -> str | None:
    """The question asking why, of a passage with none of the words that reasons are told with.

    >>> ask_why("When did Ann sell the farm?", "Ann sold the farm in 1850.", random.Random(0))
    'Why did Ann sell the farm?'
    """
    asked = re.match(r"(?:When|Where|In what year|How) (?=(?:was|were|did|does|do|is|are)\b)", question)
    if not asked or _REASON.search(passage):
        return None
    return rng.choice(("Why ", "Why ", "For what reason ")) + question[asked.end() :]


def ask_who(question: str, evidence: str) -> str | None:
    """When, where or why something was done, asking who did it, where the sentence names nobody else.

    >>> ask_who("When was the farm sold to Ann?", "The farm was sold to Ann in 1850.")
    'Who sold the farm to Ann?'
    """
    match = _AGENTLESS.match(question)
    if not match or re.search(r"\bby (?!\d)", evidence) or any(n not in question for n in names(evidence)):
        return None
    return f"Who {match[2]} {match[1]}{question[match.end() :]}"


def ask_duration(question: str, evidence: str) -> str | None:
    """When something was or did, asking for how long, where the sentence has no word of a time that passes.

    >>> ask_duration("When did Ann run the farm?", "Ann ran the farm in 1850.")
    'How long did Ann run the farm?'
    """
    match = re.match(r"(?:When|In what year|What year) (?=(?:was|were|did|is|has)\b)", question)
    return None if not match or _LASTING.search(evidence) else f"How long {question[match.end() :]}"


def ask_which(question: str, evidence: str) -> str | None:
    """A counting question asking which they are, where the sentence names none and lists nothing.

    >>> ask_which("How many farms did Ann sell?", "Ann sold 12 farms.")
    'Which farms did Ann sell?'
    """
    counted = _COUNTED.match(question)
    if not counted or re.search(r", .* (?:and|or) |:|;|such as|includ|\bthe [a-z]+ and the\b", evidence):
        return None
    if sum(n not in question for n in names(evidence)) > 1:
        return None
    return f"Which {question[question.index(counted[1]) :]}"


def ask_name(question: str, answer: str, passage: str) -> str | None:
    """A question who did it asking for the name, where the answer is no name and the passage has none to offer.

    >>> ask_name("Who sold the farm?", "an old widow", "An old widow sold the farm.")
    'What is the name of the person who sold the farm?'
    """
    if (
        not re.match(r"Who (?!else|and|or|do|did|does|are|were|might|can|could|has|have|had|would)", question)
        or re.search(r"[A-Z]", answer)
        or any(n not in question for n in names(passage))
    ):
        return None
    return f"What is the name of the person {question[0].lower()}{question[1:]}"


def ask_other(question: str, answer: str, evidence: str, rng: random.Random) -> str | None:
    """A question whose answer is one name asking who or what else, or before, or after, where the sentence has no
    other name of that type.

    >>> ask_other("Who led the farm?", "Ruth Alder", "Ruth Alder led the farm.", random.Random(1))
    'Who led the farm, other than Ruth Alder?'
    """
    if names(f"- {answer}") != [answer] or not re.match(r"(?:Who|Which|What)\b", question):
        return None
    others = [n for n in names(f"- {evidence}") if n not in answer and answer not in n and n not in question]
    if any(kind(n) == kind(answer) for n in others):
        return None
    clause = question.rstrip("? ")
    choices = [f"Besides {answer}, {clause[0].lower()}{clause[1:]}?", f"{clause}, other than {answer}?"]
    if question.startswith("Who "):
        choices += [f"{clause} before {answer}?", f"{clause} after {answer}?", f"Who succeeded {answer}?"]
    return rng.choice(choices)


def ask_attribute(passage: str, evidence: str, rng: random.Random) -> str | None:
    """A question for a common attribute of a name in the sentence, of which the passage has no word."""
    held = [n for n in names(evidence) if len(n) > 3]
    fits = [asked for asked, told in _ATTRIBUTES if not re.search(told, passage, re.IGNORECASE)]
    return rng.choice(fits).format(rng.choice(held)) if held and fits else None
