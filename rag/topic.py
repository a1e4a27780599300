"""“What does the article say about …?”, “Does it mention …?” → the sentences that hold the topic's own words.

No span of text answers these, and a reader that was trained to find one is at sea with them. Looking the words up is
all that they ask for, and can not be wrong about whether they stand there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from rag.extract import WEIGHTS, Draft, as_they_stand, features, is_heading, sentences_of
from rag.intent import IT
from rag.lexical import content_words, coverage, words
from rag.logistic import dot, sigmoid
from rag.retrieve import Found
from rag.types import Article

SHOWN = 3
HELD = 0.6
"""The share of the topic's words, weighed by how rare they are, that a sentence about it holds at least."""
_ABOUT = r"(?:about|on|regarding|concerning)"
_SAYS = re.compile(
    rf"(?:what|which things|anything) (?:else )?(?:does|do|did|can) (?:{IT}|you|we|i) (?:say|tell(?: us| me)?|report|"
    rf"know|learn|write) (?:here )?{_ABOUT} (.+)"
    rf"|what(?:'s|’s| is|s) (?:said|written|reported|told|known) (?:here |in {IT} )?{_ABOUT} (.+)"
    r"|(?:please |can you |could you )*tell (?:me|us) (?:a bit |a little |more |something |everything )*about (.+)",
    re.IGNORECASE,
)
_MENTIONS = re.compile(
    rf"(?:does|do|did) {IT} (?:also |ever |even |say )*(?:mention|talk about|discuss|cover|refer to|deal with|address|"
    rf"(?:anything|something) {_ABOUT}) (.+)"
    rf"|(?:is|are|was|were) (?!there\b)(.+?) (?:ever |even |also )*mentioned"
    rf"|(?:is there |are there |do you have )?(?:anything|something|information|info|details) {_ABOUT} (.+)",
    re.IGNORECASE,
)
_TAIL = re.compile(rf"(?:[ ,]+(?:here|please|too|at all|anywhere|in {IT}))+$", re.IGNORECASE)
_CLAUSE = re.compile(r"(?:that|how|why|when|who|whom|what|which|where|whether|if)\b", re.IGNORECASE)


def topic_of(question: str) -> tuple[str, bool] | None:
    """The topic that a question asks about, and whether it asks no more than if that is mentioned; None for every
    other question, and where what is asked about is a question itself ("how many left").

    >>> topic_of("What does the article say about AI talent?"), topic_of("Is Japan mentioned in the text?")
    (('AI talent', False), ('Japan', True))
    >>> topic_of("What do experts say about AI talent?"), topic_of("Does it mention how many left?")
    (None, None)
    """
    plain = _TAIL.sub("", re.sub(r"\s+", " ", question).strip(" ?!."))
    for pattern, mention in ((_SAYS, False), (_MENTIONS, True)):
        match = pattern.fullmatch(plain)
        topic = next((g for g in match.groups() if g), "") if match else ""
        if content_words(topic) and not _CLAUSE.match(topic):
            return topic, mention
    return None


def told_about(question: str, query: str, found: Found, articles: Mapping[str, Article]) -> Draft | None:
    """Up to three sentences that hold the topic's words, in the article's order, with "Yes" where one holds them side
    by side and that was the question. None where the question names no topic, or none holds it and more was asked than
    whether it is mentioned: then an answer in other words may be found."""
    asked = topic_of(question)
    if asked is None:
        return None
    topic, mention = asked
    wanted, side_by_side = content_words(topic), " ".join(words(topic))
    scored = []
    for sentence in sentences_of(found):
        text = articles[sentence[0]].text[slice(*sentence[1])]
        whole = f" {side_by_side} " in f" {' '.join(words(text))} "
        held = coverage(wanted, text, found.bm25)
        scored.append((whole - is_heading(text), held + found.sentences.get(sentence, 0.0), held, sentence))
    scored.sort(key=lambda row: (-row[0], -row[1]))
    holding = [row for row in scored if row[2] >= HELD]
    if not holding:
        nearest = max(scored, key=lambda row: row[1])[3] if scored else None
        return Draft((), 0.0, nearest, refused=True) if mention else None
    best = holding[0][3]
    shown = as_they_stand((row[3] for row in holding[:SHOWN]), best)
    confidence = sigmoid(dot(WEIGHTS, features(query, best, found, articles)))
    return Draft(tuple(shown), confidence, best, refused=False, short="Yes" if mention and holding[0][0] > 0 else None)
