"""What kind of thing was said: a question to search, or one that search can not answer (a greeting, "summarize it",
"who published it?"). Plain patterns about questions, none about any article."""

from __future__ import annotations

import re
from enum import Enum

IT = r"(?:it|this|that|(?:the|this|that) (?:article|story|piece|text|page|news|post|report))"
"""What may stand for the article in a question: a pattern for others to build on."""
BRIEFLY = (
    r"(?:briefly|in short|(?:in|with) (?:a few|one|two|three|four|five|\d+) (?:short )?(?:sentences?|words|lines)),? "
)
"""How an answer is wanted, before the question itself."""


class Intent(Enum):
    """What the chain does with a question; `QUESTION` is everything that is looked up in the text."""

    QUESTION = "question"
    GREETING = "greeting"
    THANKS = "thanks"
    HELP = "help"
    ABOUT = "about"
    SUMMARY = "summary"
    PUBLISHER = "publisher"
    AUTHOR = "author"
    DATE = "published"
    TITLE = "title"


OF_THE_PAGE = (Intent.PUBLISHER, Intent.AUTHOR, Intent.DATE)
"""What the page tells of the article; in a conversation "Where was it published?" may be about something in it."""

_PATTERNS: tuple[tuple[Intent, str], ...] = (
    (Intent.GREETING, r"(?:hi|hello|hey|good (?:morning|afternoon|evening)|greetings)(?: there| all| bot)?"),
    (Intent.THANKS, r"(?:thanks|thank you|thx|cheers|great|ok|okay|bye|goodbye)(?: (?:a lot|very much|so much|you))?"),
    (
        Intent.HELP,
        r"help|(?:what|how) (?:can|do) (?:you|i) (?:do|ask|use)(?: (?:here|you|this|for me))*|who are you|what are you"
        r"|how does this work|what is this(?: (?:bot|chat|site|tool|app))?",
    ),
    (
        Intent.ABOUT,
        rf"(?:so )?what(?:'s|’s| is|s)? {IT} (?:mainly |all |really )?about|what(?:'s|’s| is) the (?:main )?(?:topic"
        rf"|subject|point|idea|message)(?: (?:of|in) {IT})?|what does {IT} (?:say|talk about|discuss|deal with|cover)"
        rf"|(?:tell me|give me (?:an )?(?:idea|overview)) (?:more |something )?(?:about|of) {IT}",
    ),
    (
        Intent.SUMMARY,
        rf"(?:please |can you |could you |give me )*(?:a )?(?:short |brief |quick )?(?:summari[sz]e|summary|sum up|"
        rf"tl;?dr|recap|outline)(?: (?:of )?{IT})?(?: (?:up|for me|in (?:a few|\w+) (?:sentences|words|lines)|briefly"
        rf"|please))*"
        rf"|what are the (?:main|key) (?:points|takeaways|ideas|facts|findings)(?: (?:of|in|from) {IT})?"
        rf"|(?:the )?(?:key|main) (?:points|takeaways)",
    ),
    (
        Intent.PUBLISHER,
        rf"(?:who|which (?:newspaper|paper|outlet|site|publication|magazine|company)) (?:has )?(?:published|publishes"
        rf"|ran|printed|released) {IT}|(?:where|by whom) (?:was|is) {IT} (?:published|from|printed)(?: by)?|who is the "
        rf"publisher(?: of {IT})?|what(?:'s|’s| is) the source(?: of {IT})?|where does {IT} come from",
    ),
    (
        Intent.AUTHOR,
        rf"who(?:'s|’s| is|s)? (?:the )?(?:author|writer|journalist|reporter)(?: (?:of|behind) {IT})?|who "
        rf"(?:wrote|has written|authored|reported) {IT}|by whom (?:was|is) {IT} written",
    ),
    (
        Intent.DATE,
        rf"(?:when|what day|on what date) (?:was|is|did) {IT} (?:published|written|posted|printed|come out|released)"
        rf"|how old is {IT}|what(?:'s|’s| is) the (?:publication )?date(?: of {IT})?",
    ),
    (Intent.TITLE, rf"what(?:'s|’s| is) the (?:title|headline|name)(?: of {IT})?|what is {IT} (?:called|titled)"),
)
_COMPILED = tuple((intent, re.compile(pattern, re.IGNORECASE)) for intent, pattern in _PATTERNS)

_NO_VERB = r"(?!(?:is|was|has|does|did|had|are|were|have|do|will|can|could|would|should)\b)"
_MANY = re.compile(
    r"^(?:and |but |so |then )*(?:why\b|how come|for what reasons?|list\b|name (?:all|the|some|two|three|\w+ (?:reasons|factors|"
    rf"ways|things))|what are\b|what were\b|which (?:{_NO_VERB}\w+ ){{0,3}}{_NO_VERB}\w*[^\W_isu]s\b(?! (?:is|was|has)\b))"
    r"|\b(?:reasons|causes|factors|measures|recommendations|steps|ways|examples|problems|challenges|benefits|advantages|"
    r"differences|consequences|effects)\b",
    re.IGNORECASE,
)
_EXPLAIN = re.compile(
    r"^(?:and |but |so |then )*(?:explain|define|describe|what(?:'s|’s| is| are| was| were) )|\bmeans?\b|\bmeant\b|"
    r"\bmeaning of\b|\bwhat (?:do|does|did) .*\b(?:recommend|suggest|propose|want|call for|plan|do)\b|^how (?:do|does|did)\b",
    re.IGNORECASE,
)
_YES_NO = re.compile(
    r"^(?:and |but |so |then |ok(?:ay)?,? )*(?:is|are|was|were|do|does|did|has|have|had|can|could|will|would|should|"
    r"may|might|must|isn'?t|aren'?t|wasn'?t|weren'?t|don'?t|doesn'?t|didn'?t|hasn'?t|haven'?t|can'?t|won'?t)\b",
    re.IGNORECASE,
)


def intent_of(question: str) -> Intent:
    """The intent of one question, seen alone.

    >>> intent_of("Summarize the article"), intent_of("Who wrote the report on lupus?")
    (<Intent.SUMMARY: 'summary'>, <Intent.QUESTION: 'question'>)
    """
    bare = re.sub(r"\s+", " ", re.sub(r"[?!.,:]+(?=\s|$)", "", question)).strip()
    bare = re.sub(
        rf"^(?:(?:hi|hello|hey|ok|okay|please|so|well)\b[ ,]*(?=\w)|{BRIEFLY})", "", bare, flags=re.IGNORECASE
    )
    return next((intent for intent, pattern in _COMPILED if pattern.fullmatch(bare)), Intent.QUESTION)


def wants_many(question: str) -> bool:
    """Whether a good answer takes more than one sentence: why, lists, reasons.

    >>> wants_many("Which genes does it hold?"), wants_many("Which country has the best pay?")
    (True, False)
    """
    return bool(_MANY.search(question.strip()))


def is_yes_no(question: str) -> bool:
    """Whether the question can be answered with yes or no: it begins with an auxiliary verb."""
    return bool(_YES_NO.match(question.strip()))


def wants_explanation(question: str) -> bool:
    """Whether the question asks what something is, means or amounts to: the sentence behind the answer's may go on.

    >>> wants_explanation("What is brain circulation?"), wants_explanation("How many left?")
    (True, False)
    """
    return bool(_EXPLAIN.search(question.strip()))
