"""Article → questions it may answer, without a language model: templates over names, numbers, reasons and terms.

English word order is the trap. Questions about the subject keep the sentence's own words ("Who pledged 95 percent of
his wealth?"); others turn an auxiliary, or bring the verb's base form (clauses.py). guides.py keeps those that the
chain answers from the very sentence they were made from.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from rag.lexical import STOPWORDS
from rag.sentences import split_sentences
from rag.types import Article, Span
from ui.clauses import (
    BACK,
    NAME,
    NUMBER,
    SPEAKER,
    TIMES,
    Clause,
    base_form,
    clause_of,
    first_part,
    is_word,
    third_person,
)

VERSION = 2
"""To be raised with every change of what is made: questions are cached."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A question, the sentences that may answer it (of the one it was made from, or about its topic), and which
    template made it; the lower its `rank`, the better such questions read."""

    text: str
    spans: tuple[Span, ...]
    kind: str
    rank: int


_ROLE = (
    r"(?:founder|co-founder|chair(?:man|woman|person)?|president|director|professor|researcher|author|captain|mayor|"
    r"minister|chief|head|leader|owner|manager|editor|scientist|doctor|engineer|artist|singer|writer|journalist|"
    r"economist|historian|lawyer|farmer|teacher|coach|player|actor|actress|beekeeper|analyst|spokes(?:man|woman|person)|"
    r"ceo|CEO|king|queen|poet|composer|painter|inventor|pioneer|physicist|chemist|biologist|philosopher|explorer|"
    r"baker|chef|nurse|pilot|sailor|dancer|designer|architect|photographer|activist|student|astronomer|geologist|"
    r"psychologist|sociologist|politician|senator|governor|judge|officer|general|commander|bishop|priest|monk)"
)
_TITLE = r"(?:Mr|Mrs|Ms|Dr|Prof|Rep|Sen|Gov|Gen|Sir|President|Professor|Captain|Chairman|Minister|King|Queen|Pope)\.?"
_PERSON = r"[A-Z][\w’-]+(?: [A-Z][\w’-]*\.?)*(?: [A-Z][\w’-]+)"
_KINDS = (
    "university college company corporation institute ministry museum school hospital party team club bank agency "
    "committee council court river island city country"
).split()

Made = Iterator[tuple[str | None, str, int]]
"""(question, kind, rank)"""


def _why_or_how(s: str, clause: Clause, people: frozenset[str]) -> Made:
    for asks, cue in (
        ("Why", r",? (?:because(?: of)?|due to|thanks to|in response to) "),
        ("How", r" by (?=[a-z]+ing )"),
    ):
        parts = re.split(cue, clause.rest, maxsplit=1)
        said = first_part(parts[0]) if len(parts) == 2 else None
        if said is not None:
            yield clause.asked(asks, said), asks.lower(), 0


def _how_many(s: str, clause: Clause, people: frozenset[str]) -> Made:
    said = first_part(clause.rest)
    if said is None:
        return
    when = f" {clause.when}" if clause.when and not re.search(r"\d{4}", said) else ""
    if counts := re.match(rf"{NUMBER} ((?:[\w-]+ ){{0,3}}[a-z-]+s|people|men|women|children)$", clause.subject):
        yield f"How many {counts[1]} {clause.verb} {said}{when}?", "how many", 2 if re.search(r"\d", said) else 1
    done, object_ = ("", said) if not clause.aux else (said.split(" ", 1) + [""])[:2]
    counted = re.match(
        rf"(?:(?:more than|over|nearly|about|almost|around|some|up to|at least|as many as) )?{NUMBER} "
        r"((?:(?!percent|years|days|million|billion)[a-z-]+ )?(?!percent|years|days|times|million|billion)[a-z-]+s|people)"
        r"((?: of [a-z-]+)?)(?: (.*))?$",
        object_,
    )
    if counted and not (clause.aux and not re.match(r"\w+(?:ed|en|st|nt|ld|wn|de|t|n)$", done)):
        rest = f"{done} {counted[3] or ''}".strip() if clause.aux else counted[3] or ""
        yield clause.asked(f"How many {counted[1]}{counted[2]}", rest + when), "how many", 1


def _how_much(s: str, clause: Clause, people: frozenset[str]) -> Made:
    said = first_part(clause.rest) or ""
    if by := re.match(
        r"by (?:an? )?(?:mere |further |about |nearly |more than )?[\d.,]+ ?(?:percent|%)(?: (.*))?$", said
    ):
        yield clause.asked("By how much", by[1] or ""), "how much", 1
    money = r"(?:[$€£]\S+|(?:[\d.,]+|\w+) (?:million |billion )?(?:won|euros?|dollars|kroner|pounds|yen|baht))\b"
    if clause.verb in ("cost", "costs") and re.match(money, said):
        yield clause.asked("How much", ""), "how much", 1
    if clause.verb in ("ranks", "ranked") and (
        place := re.match(r"\d+\w\w(?: out of [^,]*?)? ((?:in|among|for) .*)", said)
    ):
        yield clause.asked("How", place[1]), "how much", 1


def _when(s: str, clause: Clause, people: frozenset[str]) -> Made:
    said = first_part(clause.rest)
    if re.search(r"due to|because", said or ""):
        return
    if said and re.match(rf"(?:In|On|By|Since) (?:early |late |mid-)?(?:\d{{4}}$|{TIMES}\b)", clause.intro):
        if clause.verb in ("was", "were") or base_form(clause.verb):
            yield clause.asked("When", said), "when", 2
        if re.match(r"(?:the|an?) ", said) and base_form(clause.verb):
            yield clause.asked("What", clause.when), "what", 3
    if said and (dated := re.match(rf"(.*?) (?:in|on|since) (?:\d{{4}}|{TIMES})(?: \d+)?$", said)):
        if base_form(clause.verb) or clause.verb in ("was", "were"):
            yield clause.asked("When", dated[1]), "when", 2


def _where(s: str, clause: Clause, people: frozenset[str]) -> Made:
    placed = re.match(
        rf"([a-z]+ed|held|built|found|made|born|raised|set) (?:in|at) (?!{TIMES}|\d)(?:the )?[A-Z]\w+", clause.rest
    )
    if placed and clause.verb in ("was", "were", "is", "are"):
        yield clause.asked("Where", placed[1]), "where", 2


def _who_did(s: str, clause: Clause, people: frozenset[str]) -> Made:
    said = first_part(clause.rest)
    if not said or not re.fullmatch(NAME, clause.subject) or len(said.split()) < 2:
        return
    last = clause.subject.split(" ")[-1]
    if last in people and not clause.aux and clause.verb not in ("said", "told", "says", "remains", "added"):
        yield f"Who {clause.verb} {said}?", "who did", 3
    if last.lower() in _KINDS and len(clause.subject.split()) > 1 and len(said.split()) > 4:
        yield f"Which {last.lower()} {clause.verb} {said}?", "who did", 3


_PAST = dict(chosen="chose", written="wrote", given="gave", taken="took", driven="drove", drawn="drew", stolen="stole")


def _by_whom(s: str, clause: Clause, people: frozenset[str]) -> Made:
    done = re.match(
        rf"([a-z]+ed|{'|'.join(_PAST)}|built|made|led|won|held|run|lit) by ((?:the |an? )?)(.*)", clause.rest
    )
    if not done or clause.verb not in ("is", "are", "was", "were") or done[3].split(" ")[0].endswith("ing"):
        return
    agents = re.match(rf"(?:[\w-]+ ){{0,3}}(?:{_ROLE}|{'|'.join(_KINDS)}|{NAME})", done[3])
    if agents and clause.verb in ("was", "were"):
        yield f"Who {_PAST.get(done[1], done[1])} {clause.who}?", "by whom", 2
    elif done[2] and not agents:
        yield clause.asked("What", f"{done[1]} by"), "by whom", 2


def _what_is(s: str, clause: Clause, people: frozenset[str]) -> Made:
    if clause.verb not in ("is", "are", "was", "were"):
        return
    part = r"the (?:root |main |first |second |biggest |only |key |latest )?[a-z]+ (?:of|for|behind|in) "
    short = len(clause.subject.split()) <= 3 and clause.verb in ("is", "are")
    if re.match(part, clause.who) and not re.match(r"[a-z]+ed |being ", clause.rest):
        yield clause.asked("What", ""), "what is", 1
    person = clause.subject.split(" ")[-1] in people or re.fullmatch(r"[A-Z][a-z]+(?: [A-Z][a-z]+)+", clause.subject)
    if (
        short
        and re.match(r"(?:an?|the) [a-z]|[a-z]+ (?:that|which)\b", clause.rest)
        and not person
        and not re.match(part, clause.who)
    ):
        if ", " not in s[: len(clause.subject) + 2]:
            yield clause.asked("What", ""), "what is", 2


def _what_does(s: str, clause: Clause, people: frozenset[str]) -> Made:
    """A question about the subject, where it is a thing."""
    said = first_part(clause.rest, 11)
    thing = re.match(r"(?:The|the|An?|an?) |[a-z]", clause.subject) and not re.search(rf"\b{_ROLE}s?$", clause.subject)
    modal = clause.verb in ("will", "can", "could")
    plain = said and len(said.split()) > 2 and not said.startswith(("be ", "not ")) and clause.verb != "ranks"
    if plain and thing and (modal or third_person(clause.verb)):
        yield f"What {clause.verb} {said}?", "what does", 4


_TEMPLATES: tuple[Callable[[str, Clause, frozenset[str]], Made], ...] = (
    _why_or_how,
    _how_many,
    _how_much,
    _when,
    _where,
    _who_did,
    _by_whom,
    _what_is,
    _what_does,
)


def _patterns(s: str, people: frozenset[str]) -> Made:
    """Shapes that need no clause: people, definitions, terms."""
    if born := re.match(rf"Born (?:in \d{{4}} |on [^,]+ )?in [A-Z][^.]*?, ({NAME}) [a-z]", s):
        yield f"Where was {born[1]} born?", "where", 2
    if found := re.match(rf"(?:{_TITLE} )?({_PERSON}), (?:an?|the|its|{_ROLE})\b[^,]{{3,}},", s):
        if re.search(rf"\b{_ROLE}\b", s[found.start(1) : found.end()]):
            yield f"Who is {found[1]}?", "who is", 1
    elif found := re.match(rf"(?:The|Its|His|Her|Their) (?:[\w’'-]+ )?{_ROLE}, ({_PERSON}), ", s):
        yield f"Who is {found[1]}?", "who is", 1
    elif found := re.search(rf"\b{_TITLE} ({_PERSON}) (?:of|at|from) (?:the )?[A-Z]", s):
        yield f"Who is {found[1]}?", "who is", 2
    if known_as := re.match(r"(\w[\w -]{2,30}), (?:also|better) known as [^,]+, (?:is|are) (?:an?|the) ", s):
        term = known_as[1] if re.match(r"\w*[A-Z]\w*[A-Z]|\w+ [A-Z]", known_as[1]) else known_as[1].lower()
        yield f"What is {term}?", "what is", 1
    if cleft := re.match(r"What ([a-z][\w ]{3,60}?) is ", s):
        yield f"What {cleft[1]}?", "what is", 0
    if listed := re.match(r"([A-Z][a-z]+(?<!ent)(?<!er)(?<!or)(?<!ist)s) include ", s):
        yield f"What do the {listed[1].lower()} include?", "what", 1
    if there := re.match(rf"There (are|were) (?:\w+ )?{NUMBER} ((?:[a-z-]+ ){{1,3}}?)((?:in|on|at) [^,;.]+)?[,.]", s):
        yield f"How many {there[2]}{there[1]} there{f' {there[3]}' if there[3] else ''}?", "how many", 1
    if short_for := re.search(rf"\b([A-Z]{{2,6}})\b[^,]{{0,12}}, short for {NAME}", s):
        yield f"What does {short_for[1]} stand for?", "meaning", 0
    for term in re.findall(r"(?<![\w’'])['‘\"“]([a-z][a-z-]*(?: [a-z-]+){1,2})[.,]?['’\"”](?!\w)", s):
        if not term.startswith(("to ", "a ", "the ", "and ", "or ")):
            yield f"What is meant by “{term}”?", "meaning", 3


def candidates(article: Article) -> list[Candidate]:
    """Questions made from the article's sentences, best kinds first."""
    people = _people(article.text)
    names, plain = _names(article.text) | people, _plain_words(article.text) - people
    found: dict[str, Candidate] = {}
    for span in split_sentences(article.text):
        sentence = re.sub(r"^[^\w\"“'‘(]+|\s+", " ", article.text[slice(*span)]).strip()  # a bullet or emoji first
        clause = _lowered(clause_of(sentence), names, plain)
        made = [m for template in _TEMPLATES for m in template(sentence, clause, people)] if clause else []
        for text, kind, rank in (*made, *_patterns(sentence, people)):
            if text and _reads_well(text):
                found.setdefault(text.casefold(), Candidate(text, (span,), kind, rank + (len(text.split()) > 12)))
    for candidate in _topics(article, people):
        found.setdefault(candidate.text.casefold(), candidate)
    return sorted(found.values(), key=lambda c: c.rank)


_INSIDE = re.compile(rf"(?<![.!?:\"“'‘] )(?<!^)(?<!\n)\b(?:{NAME})")


def _names(text: str) -> frozenset[str]:
    """The words that have a capital letter inside a sentence too."""
    return frozenset(word for name in _INSIDE.findall(text) for word in name.split(" "))


def _plain_words(text: str) -> frozenset[str]:
    """Words with a capital letter that the text also has without."""
    return frozenset(w.capitalize() for w in re.findall(r"\b[a-z]{3,}\b", text))


def _lowered(clause: Clause | None, names: frozenset[str], plain: frozenset[str]) -> Clause | None:
    """ "Engineers fixed it": the capital is the sentence's, not the word's."""
    if not clause or " " in clause.subject or clause.subject not in plain and (
        clause.subject in names or not is_word(clause.subject.lower())
    ):  # fmt: skip
        return clause
    return replace(clause, subject=clause.subject.lower())


def _people(text: str) -> frozenset[str]:
    """Last words of names that are people's: they bear a title, a role, or they say something."""
    found = re.findall(rf"\b{_TITLE} (?:[A-Z][\w’-]+ )*([A-Z][\w’-]+)", text)
    found += re.findall(rf"\b(?:[A-Z][\w’-]+ )+([A-Z][\w’-]+), (?:\w+ )?{_ROLE}\b", text)
    found += re.findall(rf"\b{_ROLE},? (?:[A-Z][\w’-]+ )+([A-Z][\w’-]+)", text)
    found += re.findall(r",? (?:said|explained|added|told|recalled) (?:[A-Z][\w’-]+ )*([A-Z][\w’-]+)", text)
    found += re.findall(r"\b([A-Z][\w’-]+) (?:said|explained|recalled)\b", text)
    return frozenset(w for w in found if len(w) > 1 and w.lower() not in STOPWORDS and w.lower() not in _KINDS)


def _reads_well(question: str) -> bool:
    said = re.match(r"\w+(?: \w+)? (.*)", question)
    return (
        3 <= len(question.split()) <= 17
        and all(question.count(a) == question.count(b) for a, b in ("()", "“”", "[]"))
        and not SPEAKER.search(question)
        and not (said and BACK.search(said[1]) and " are there" not in question)
        and not re.search(r"\b(?:and|or|of|the|a|an|in|to|for|with|from|that|also|at|on|as)\?$", question)
    )


_PAIR = re.compile(r"(?=\b([a-z]{3,} [a-z]{3,}(?:s|ion|ment|ity|effect|drain|system|gap|rate))\b)")
_DEMONYM = re.compile(r"[A-Z][a-z]+(?:an|ish|ese|ic)s?|French|Czech|Greek|Dutch|Swiss|Thai|I+|[A-Z]\w+-\w+")


def _topics(article: Article, people: frozenset[str]) -> Iterator[Candidate]:
    """What it says about the names and terms it keeps coming back to: for an article that few templates fit."""
    text, known = article.text, f"{article.title} {article.metadata.get('publisher', '')}".lower()
    spans = [s for s in split_sentences(text) if text[s[1] - 1] in ".!?\"”’'"]
    seen: Counter[str] = Counter()
    for a, b in spans:
        names = {re.sub(r"^The |['’]s$", "", n) for n in _INSIDE.findall(text[a:b])}
        seen.update(names | {t for t in _PAIR.findall(text[a:b]) if _is_term(t)})
    for name, count in seen.most_common(20):
        if count < 2 or len(name) < 4 or _DEMONYM.fullmatch(name) or re.match(TIMES, name) or name.lower() in known:
            continue
        person = name.split(" ")[-1] in people and " " in name
        article_ = "the " if 2 * text.count(f"the {name}") > text.count(name) and name[0].isupper() else ""
        asks = "Who is" if person else "What does the article say about"
        about = tuple(s for s in spans if name in text[slice(*s)])
        yield Candidate(f"{asks} {article_}{name}?", about, "topic", 5)


def _is_term(pair: str) -> bool:
    """Two words that name one thing: neither is a function word, an adverb or a verb's form."""
    return not any(
        w in STOPWORDS or w.endswith(("ly", "ed", "zen", "times", "years")) or base_form(w) or re.match(NUMBER, w)
        for w in pair.split()
    )
