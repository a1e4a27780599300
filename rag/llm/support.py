"""Does the article say so? A model's sentence → the sentences of the article that support it, or why none does.

Words, not meaning: of the content words of a claim four in five must stand in one sentence (content-word precision,
which agrees with human judges about as well as a language model does), all its numbers and names, with "not" on the
same words. The trap is the mosaic: "The pier opened in 1892" is made of words that all stand in the article. A claim is
therefore never put together from sentences that are not neighbours, and a word that the article holds, but
not there, speaks against it. What this can not see: "A sued B" for "B sued A".
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from rag.intent import is_yes_no
from rag.lexical import content_words
from rag.llm.excerpts import Excerpt
from rag.llm.orders import visible
from rag.types import Article, Span

ENOUGH = 0.8
"""Share of a claim's content words that its evidence must hold."""
NEARLY = 0.6
"""From here on the reader's second opinion is asked."""

Place = tuple[str, Span]
"""(article id, span of a sentence)"""
SecondOpinion = Callable[[str, str], str | None]
"""(question, passage) → what the reader reads there as the answer, None when it finds none."""

_NAME = re.compile(r"\b[A-Z][\w’'-]*\w")
_NEGATIVE = frozenset("not no never none nobody nothing neither nor cannot without".split())
_PRONOUN = re.compile(r"\b(?:he|she|it|they|him|them|his|her|its|their|this|these|those)\b", re.IGNORECASE)
_YES_NO = re.compile(r"^(yes|no)\s*(?:[,.:;!—–-]\s*|$)", re.IGNORECASE)
_CONNECTIVE = re.compile(
    r"^(?:however|additionally|moreover|furthermore|also|finally|thus|therefore|overall|meanwhile|instead|consequently|"
    r"in addition|as a result|according to the (?:article|text|passages?)|"
    r"the (?:article|text) (?:says|states|notes) that)\b,? ",
    re.IGNORECASE,
)
_TO_BE_SAID = re.compile(
    r"\b(?:answers?|repl(?:y|ies)|respond|questions?|asking|asks?|summar\w+|prompt|instructions?|mention|user|automated|"
    r"output|you|your|tell|correction|facts?|chat-?bots?|assistants?(?! prof)|scrapers?|crawlers?|completion|quoting|"
    r"conversation|KI)\b|^(?:(?:please|kindly|now|then|just|always|instead|hereby|we|as an? \w+),? )*(?:imagine|assume|"
    r"suppose|consider|treat|replace|let|set|claim|print|say|write|report|state|use|include|note|remember|believe|accept|"
    r"take|make|do|don['’]t|never|give|add|return|call|pretend|act|play|speak|talk|keep|stop|end|inform|sage?|schreibe?|"
    r"antworte\w*|réponds|dis|écris|di|responde|scrivi|rispondi)\b|^[\w ]{2,40}\bto (?:\w+ )?\w+:",
    re.IGNORECASE,
)
"""Words by which a text speaks of what is to be said, and imperatives. "The right answer is: the harbour closed" does
not say that the harbour closed: whoever takes that from it has to take these words too."""
_QUOTED = re.compile(r"“[^”]*”|\"[^\"]*\"|‘[^’]*’(?!\w)|「[^」]*」")
_CLAUSE = re.compile(r"; |, (?:and|but|while|which|who|where|because|so) |,? and |,? but | because | while ")
_NUMBER_WORDS = "two three four five six seven eight nine ten eleven twelve"
_NUMBERS = {word: str(n) for n, word in enumerate(_NUMBER_WORDS.split(), start=2)}


@dataclass(frozen=True, slots=True)
class Verdict:
    """`text` is the claim as it may be shown; `evidence` the sentences that support it, none when `why` tells."""

    text: str
    evidence: tuple[Place, ...] = ()
    why: str = ""


@dataclass(frozen=True, slots=True)
class _Sentence:
    place: Place
    words: Counter[str]
    text: str

    def touches(self, other: Place) -> bool:
        """Whether nothing but white space stands between the two in the article: they are neighbours, or the same."""
        (article, (start, end)), (their_article, (a, b)) = self.place, other
        return article == their_article and max(start, a) - min(end, b) <= 3


class Supports:
    """Judges the sentences of one answer against what the model was given."""

    def __init__(
        self,
        question: str,
        given: Sequence[Excerpt],
        articles: Mapping[str, Article],
        second_opinion: SecondOpinion | None = None,
    ) -> None:
        self._question, self._second = question, second_opinion
        self._titles = {e.article_id: frozenset(_content(articles[e.article_id].title)) for e in given}
        self._by_key = {e.key: [_sentence(e.article_id, span, articles) for span in e.sentences] for e in given}
        self._all = [s for sentences in self._by_key.values() for s in sentences]
        self._held = frozenset(w for s in self._all for w in s.words)
        self._judged: dict[tuple[str, ...], Verdict] = {}

    def judge(self, claim: str, keys: Sequence[str]) -> Verdict:
        """Supported by the passages it names or, since the quote is ours to find, by another that it was given. A model
        that repeats itself without end is judged once."""
        asked = (claim, *keys)
        if asked not in self._judged:
            self._judged[asked] = self._judge(claim, keys)
        return self._judged[asked]

    def _judge(self, claim: str, keys: Sequence[str]) -> Verdict:
        bare = _CONNECTIVE.sub("", _YES_NO.sub("", claim))
        if not content_words(bare):
            return Verdict(claim, why="it says nothing that could be looked up")
        named = [s for k in keys for s in self._by_key.get(k, [])]
        places, why = self._find(bare, named)
        if not places:
            places, why_not = self._find(bare, self._all)
            why = why if named else why_not
        if not places:
            return Verdict(claim, why=why)
        return Verdict(self._opening(claim, places), tuple(places))

    def _opening(self, claim: str, places: Sequence[Place]) -> str:
        """The claim with its "Yes" or "No" only where the evidence is about what was asked: "yes" is soon said."""
        opener = _YES_NO.match(claim)
        if not opener:
            return claim
        held = {w for s in self._all if s.place in places for w in s.words} | self._titles[places[0][0]]
        asked = _content(self._question)
        share = sum(w in held for w in asked) / len(asked) if asked else 0.0
        sure = share >= ENOUGH and set(_exact(self._question)) <= held
        if opener[1].lower() == "no":
            sure = share >= NEARLY and not sure
        rest = _YES_NO.sub("", claim)
        return claim if sure and is_yes_no(self._question) else rest[:1].upper() + rest[1:]

    def _find(self, claim: str, among: Sequence[_Sentence]) -> tuple[list[Place], str]:
        """The sentence that supports the whole claim, or neighbours that support its clauses; else why not."""
        best, why = self._one(claim, among)
        if best:
            return best, ""
        clauses = [c for c in _CLAUSE.split(claim) if len(_content(c)) > 1]
        if len(clauses) < 2:
            return [], why
        found: list[Place] = []
        for clause in clauses:
            near = [s for s in among if not found or any(s.touches(place) for place in found)]
            one, reason = self._one(clause, near)
            if not one:
                return [], reason or why
            found += one
        return list(dict.fromkeys(found)), ""

    def _one(self, claim: str, among: Sequence[_Sentence]) -> tuple[list[Place], str]:
        wanted = _content(claim)
        ranked = sorted(among, key=lambda s: -sum(w in s.words for w in wanted))[:3]
        why = "no passage says so"
        for s in ranked:
            before = self._before(s)
            refers = before is not None and len(_PRONOUN.findall(s.text)) > len(_PRONOUN.findall(claim))
            # a name of the title may be added, not put in another's place
            titled = set(_exact(s.text)) <= set(wanted)
            context = self._titles[s.place[0]] if titled else frozenset()
            context |= frozenset(before.words if before and refers else ())
            reason = self._against(claim, wanted, s, context)
            if not reason:
                used = before is not None and refers and any(w in before.words and w not in s.words for w in wanted)
                return ([before.place] if before and used else []) + [s.place], ""
            why = reason if s is ranked[0] else why
        return [], why

    def _before(self, s: _Sentence) -> _Sentence | None:
        return next((o for o in self._all if o.place < s.place and s.touches(o.place)), None)

    def _against(self, claim: str, wanted: Sequence[str], s: _Sentence, context: frozenset[str]) -> str:
        """What speaks against the sentence as evidence; nothing when it supports the claim."""
        for word, times in Counter(_exact(claim)).items():
            number = word[0].isdigit()  # said twice, a number has to stand there twice; a name may be for a pronoun
            if s.words[word] < (times if number else 1) and (number or word not in context):
                return f"{word} does not stand there"
        missing = [w for w in wanted if w not in s.words and w not in context]
        here = sum(w in s.words for w in wanted)
        precision = 1 - len(missing) / len(wanted)
        if 2 * here < len(wanted) or precision < NEARLY:
            return "no passage says so"
        if elsewhere := [w for w in missing if w in self._held]:
            return f"{elsewhere[0]} stands in the article, but not there"
        if set(_frame(s.text)) - set(_frame(claim)):
            return "the article only says what is to be said"
        if _turned(claim, s.text):
            return "the article says the opposite"
        if precision < ENOUGH and not self._agrees(claim, s.text):
            return "too few of its words stand there"
        return ""

    def _agrees(self, claim: str, evidence: str) -> bool:
        """The reader's second opinion: what it reads in the evidence as the answer stands in the claim."""
        read = self._second(self._question, evidence) if self._second else None
        return bool(read and _content(read)) and set(_content(read or "")) <= set(_content(claim))


def _sentence(article_id: str, span: Span, articles: Mapping[str, Article]) -> _Sentence:
    text = visible(articles[article_id].text[slice(*span)])
    return _Sentence((article_id, span), Counter(_content(text)), text)


def _plain(text: str) -> str:
    text = re.sub(r"(?<=\d)\s?%|\bper cent\b", " percent", text)
    return re.sub(r"[A-Za-z]+", lambda m: _NUMBERS.get(m[0].lower(), m[0]), text)


def _content(text: str) -> list[str]:
    return content_words(_plain(text))


def _exact(text: str) -> list[str]:
    """The stems of names and numbers: what has to stand in the evidence to the letter."""
    names = [w for name in _NAME.findall(_plain(text)) for w in content_words(name)]
    return [w for w in names if not w[0].isdigit()] + [w for w in _content(text) if w[0].isdigit()]


def _frame(text: str) -> list[str]:
    return [w.lower() for w in _TO_BE_SAID.findall(_QUOTED.sub(" ", text))]


def _turned(claim: str, evidence: str) -> bool:
    """Whether one of the two negates what the other asserts: a negation stands within three content words before one
    that both hold, in one of them only."""
    mine, theirs = _negated(claim), _negated(evidence)
    return bool((mine & set(_content(evidence))) - theirs) or bool((theirs & set(_content(claim))) - mine)


def _negated(text: str) -> set[str]:
    found: set[str] = set()
    reach = 0
    for word in re.findall(r"[\w’']+", _plain(text).lower()):
        if word in _NEGATIVE or re.search(r"n['’]t$", word):
            reach = 3
        elif reach and (content := content_words(word)):
            found.update(content)
            reach -= 1
    return found
