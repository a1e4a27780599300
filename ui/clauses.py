"""Sentence → its main clause in parts, where its shape is sure: what starters.py makes questions from.

No parser: closed lists of function words, a short list of irregular verbs, and the encoder's own word list, which
confirms that "planned" is a form of "plan". Whatever does not fit is None, since half-understood grammar makes
questions that nobody would ask.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from rag.embed import model_folder

NAME = r"(?:[A-Z][\w’'&.-]*\w|[A-Z])(?: (?:(?:of|de|van|von|bin|al|the|and|for) )?(?:[A-Z][\w’'&.-]*\w|[A-Z]))*"
NUMBER = r"(?:\d[\d,.]*|(?i:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|dozens of|hundreds of))"
TIMES = r"(?:January|February|March|April|May|June|July|August|September|October|November|December|[A-Z]\w+day)"
BACK = re.compile(r"\b(?:it|they|them|this|these|those|such|here|there|he|she|him|the (?:former|latter)|so)\b", re.I)
"""Words that lean on an earlier sentence; "his", "its" and "their" mostly stay within their own."""
SPEAKER = re.compile(r"\b(?:I|we|you|my|our|your|us|me|mine|ours)\b")

_AUXILIARY = frozenset("is are was were has have had can could will would should may might must".split())
_IRREGULAR = dict(
    pair.split(":")
    for pair in (
        "became:become began:begin bought:buy brought:bring built:build came:come chose:choose cost:cost cut:cut "
        "drew:draw drove:drive fell:fall fought:fight found:find founded:found gave:give grew:grow held:hold kept:keep "
        "knew:know led:lead left:leave lost:lose made:make met:meet paid:pay put:put ran:run rose:rise saw:see "
        "sent:send set:set sold:sell spent:spend stood:stand taught:teach threw:throw took:take went:go won:win "
        "wrote:write said:say told:tell thought:think broke:break caught:catch flew:fly forgot:forget got:get hid:hide "
        "hit:hit shot:shoot sang:sing sank:sink slept:sleep spoke:speak swam:swim understood:understand wore:wear "
        "withdrew:withdraw lit:light lay:lie stole:steal struck:strike bore:bear laid:lay"
    ).split()
)
_INTRO = re.compile(
    r"(?:In|On|By|Since|After|Before|During|Between|For|As of|At|From|Until|According to|Despite|With|Now|Today|"
    r"Recently|Meanwhile|However|Still|In parallel|In addition|Later|Earlier|To)\b[^,;:\"“]{0,90}, "
)
_REPORTS = re.compile(
    r"^(?:[\w ’'.-]{2,110} )?(?:say|says|shows?|showed|indicates?|believes?|estimates?|reports?|suggests?|warn|warns|"
    r"argue|argues|revealed|reveals?|found|noted)(?: that)?(?:,? excluding [^,]+)?,? (?=[\w])"
)
_BAD_SUBJECT = re.compile(
    r"\b(?:that|which|who|whom|whose|when|while|where|because|if|by|but|or|to|as|than|what|how|not|only|one|another|"
    r"more|most|some|many|each|every|both|all|it|this|these|those|they|he|she|there|its|his|her|their|other|others|"
    r"said|says|everyone|someone|nobody|nothing|everything|something|anyone|such|i|we|you)\b|[,;:\"“”()—–]",
    re.I,
)


@lru_cache(maxsize=1)
def _known_words() -> frozenset[str]:
    return frozenset((model_folder() / "vocab.txt").read_text(encoding="utf-8").split("\n"))


@lru_cache(maxsize=4096)
def base_form(past: str) -> str | None:
    """The base form of a past tense, or None for what is not known as one.

    >>> base_form("planned"), base_form("increased"), base_form("visited"), base_form("lost"), base_form("bed")
    ('plan', 'increase', 'visit', 'lose', None)
    """
    if past in _IRREGULAR:
        return _IRREGULAR[past]
    stem, known = past.removesuffix("ed"), _known_words()
    if stem == past or len(stem) < 2:
        return None
    if stem.endswith("i") and f"{stem[:-1]}y" in known:
        return f"{stem[:-1]}y"
    if len(stem) > 3 and stem[-1] == stem[-2] and stem[:-1] in known and stem + "ing" in known:
        return stem[:-1]
    whole, with_e = stem in known, f"{stem}e" in known
    if not (whole or with_e) or f"{stem}ing" not in known:
        return None
    return (
        stem
        if whole and not (with_e and re.search(r"[^aeiou][aeiou][sgvczk]$|at$|ut$|is$|rv$|ng$", stem))
        else f"{stem}e"
    )


@lru_cache(maxsize=4096)
def third_person(word: str) -> str | None:
    """The base form of a verb's third person, when its other forms are words too; "professors" has none.

    >>> third_person("covers"), third_person("carries"), third_person("professors")
    ('cover', 'carry', None)
    """
    if not re.fullmatch(r"[a-z]{3,}s", word) or word.endswith(("ss", "us")):
        return None
    bases = [f"{word[:-3]}y"] if word.endswith("ies") else [word[:-1], word[:-2] if word.endswith("es") else word[:-1]]
    return next((base for base in bases if _is_verb(base)), None)


def _is_verb(base: str) -> bool:
    known, stem = _known_words(), base.removesuffix("e")
    past = f"{base[:-1]}ied" if base.endswith("y") else f"{stem}ed"
    return (
        base in known
        and f"{stem if stem != base else base}ing" in known
        and (past in known or base in _IRREGULAR.values())
    )


@dataclass(frozen=True, slots=True)
class Clause:
    """A statement in parts: `subject` `verb` `rest`. `intro` is what stood before it ("In 2023"), `verb` the first
    verb: an auxiliary, then `rest` begins with the main verb or what is said of the subject, or the verb itself."""

    intro: str
    subject: str
    verb: str
    rest: str

    @property
    def aux(self) -> bool:
        return self.verb in _AUXILIARY

    def asked(self, begins: str, rest: str) -> str | None:
        """`begins`, then subject and rest in the order of a question; None when the verb's base form is not known.

        >>> Clause("", "The pier", "fell", "in 1931").asked("When", "")
        'When did the pier fall?'
        """
        rest = f" {rest}" if rest else ""
        if self.aux:
            return f"{begins} {self.verb} {self.who}{rest}?"
        if base := base_form(self.verb):
            return f"{begins} did {self.who} {base}{rest}?"
        if base := third_person(self.verb):
            return f"{begins} does {self.who} {base}{rest}?"
        return None

    @property
    def who(self) -> str:
        """The subject as it stands within a sentence."""
        return re.sub(
            r"^(?:The|An?|Two|Three|Four|Five|Six|Seven|Eight|Nine|Ten)\b", lambda m: m.group().lower(), self.subject
        )

    @property
    def when(self) -> str:
        """The introduction as it stands at the end, when it gives a time; else nothing."""
        timed = re.match(rf"(?:In|On|By|Since|Between|During) [^,]*(?:\d{{4}}|{TIMES})", self.intro)
        return self.intro[0].lower() + self.intro[1:] if timed else ""


def clause_of(sentence: str) -> Clause | None:
    """The sentence's main clause, or None when its shape is not a plain statement's.

    >>> clause_of("In 1996, Kromadit established the Amata Foundation.")
    Clause(intro='In 1996', subject='Kromadit', verb='established', rest='the Amata Foundation')
    """
    text = re.sub(r"\s+", " ", re.sub(r"\s*[(\[][^()\[\]]*[)\]]", "", sentence)).strip()
    text = re.split(r"(?::|;|,? --?|,? [—–])(?= )", text)[0].rstrip(".")
    if not sentence.endswith(".") or re.search(r"[\"“”]|''|(?<!\w)['‘]|['’](?!\w)", text) or SPEAKER.search(text):
        return None
    intro = ""
    if (found := _REPORTS.match(text)) and not re.search(r"\b(?:is|was|has|had|were|are)\b", found.group()):
        text = text[found.end() :]
    if found := _INTRO.match(text):
        intro, text = found.group().rstrip(", "), text[found.end() :]
    text = re.sub(r"^((?:The )?[\w’'-]+(?: [\w’'-]+){0,5}), [^,]{3,90}, (?=[a-z])", r"\1 ", text)  # an apposition
    text = re.sub(
        r"\b[Tt]h(?:is|ese|ose) (?=[a-z-]+)(?!(?:is|are|was|were|means?|days?|who|of|has|have|will|can|may)\b)",
        "the ",
        text,
    )
    words = text.split(" ")
    for at in range(1, min(len(words), 10)):
        if _finite(words, at):
            end = at - 1 if re.fullmatch(r"[a-z]+ly|also|later|now|first|then|still", words[at - 1]) else at
            subject, rest = " ".join(words[:end]), " ".join(words[at + 1 :])
            return Clause(intro, subject, words[at], rest) if _plain_subject(subject) and rest else None
    return None


def _finite(words: list[str], at: int) -> bool:
    word, following = words[at], (words[at + 1 :] or [""])[0]
    if word in _AUXILIARY:
        return True
    if base_form(word):  # "revealed by him" is no main verb; "increased by 12 percent" is
        return bool(re.match(r"by (?:an? )?(?:\w+ )?\d|(?!by\b|$)", " ".join(words[at + 1 :])))
    begins_object = re.match(
        r"(?:the|an?|to|in|on|at|from|with|for|its|their|his|her|about|around|into|that|over|more|up|as|\d\S*|\d+(?:st|nd|rd|th)|"
        r"largely|mainly|mostly)$", following
    )  # fmt: skip
    if third_person(word):
        return bool(begins_object)
    counted = re.match(rf"{NUMBER} ", " ".join(words[:at])) and words[at - 1].endswith("s")
    return bool(counted and _is_verb(word) and begins_object)


def _plain_subject(subject: str) -> bool:
    words = subject.split(" ")
    if len(words) > 8 or _BAD_SUBJECT.search(subject) or re.search(r"[a-z](?:ed|ing)$", words[-1]):
        return False
    common = re.match(rf"(?:The|the|A|a|An|an|{NUMBER}) [\w-]", subject)
    return bool(common or re.fullmatch(NAME, subject) or re.fullmatch(r"[a-z][a-z-]+(?: [a-z-]+)?", subject))


_GOES_ON = re.compile(
    r",? (?:but|while|although|which|who|whose|where|when|as they|as it|so that|after|before)\b|,? and (?:was|were|is|are|has|have|the|an?|its|his|her|their)\b"
    r"|, (?=(?:with|as|including|\w+ing|\w+ed|according|so|and|\d|in|on|an?|the|twice|short|one)\b)"
)


def first_part(rest: str, limit: int = 13) -> str | None:
    """What is said, up to where it goes on to something else; None when it is too long to ask about, lists several
    things, or leans on another sentence."""
    cut = re.sub(r" (?:alone|as well|too|however)$", "", _GOES_ON.split(rest)[0].strip())
    return cut if len(cut.split()) <= limit and ", " not in cut and not BACK.search(cut) else None


def is_word(word: str) -> bool:
    """Whether a word, in lower case, is a common one."""
    return word in _known_words()
