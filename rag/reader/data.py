"""Training examples: what the reader will see in the product, with the answer's place or "not here".

Passages are cut as `chunk.py` cuts them, or are windows of whole sentences whose extent on either side of the answer
is random, so that the place is no cue; some are whole paragraphs. About one in three does not answer its question.
Only six articles of SQuAD 2.0's half stand here; two more calibrate, and the reported eight are refused by name. What
SQuAD lacks, questions that people ask without the text before their eyes, stands in `eval/questions/news-train.jsonl`.
"""

from __future__ import annotations

import gzip
import json
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rag.chunk import chunk
from rag.names import is_question_word, names, numbers
from rag.reader import words
from rag.reader.misses import near_miss, yes_or_no
from rag.reader.wordings import reword
from rag.rewrite import standalone
from rag.sentences import split_sentences
from rag.types import Article, Span

REPORTED = frozenset("Force Harvard_University Huguenot Islamism Normans Packet_switching Steam_engine Warsaw".split())
CALIBRATION = frozenset("1973_oil_crisis Scottish_Parliament".split())
TRAINING = frozenset(
    "Computational_complexity_theory European_Union_law French_and_Indian_War Immune_system Imperialism "
    "Yuan_dynasty".split()
)
MADE = frozenset(
    "other-passage same-paragraph swapped-entity swapped-held swapped-roles swapped-phrase swapped-word "
    "swapped-held-word swapped-counted narrowed asked-time asked-why asked-who asked-duration asked-which asked-name "
    "asked-other asked-attribute opposite negated yes-no-other qed-other qed-same boolq-other "
    "news-other news-without".split()
)
"""The sources of unanswerable examples that no person wrote: what the ablation leaves out."""
NEWS = Path(__file__).parents[2] / "eval" / "questions" / "news-train.jsonl"
"""Invented articles with questions, written for this project."""
MAX_PASSAGE = 320
"""Longest passage in word pieces that is trained on; the product's are at most 128."""


@dataclass(frozen=True, slots=True)
class Example:
    """A question and a passage. `span` is the answer's in the passage; None with `here` True means that only the
    verdicts are taught (BoolQ marks no span). `yes` is None where the question is no yes/no question."""

    question: str
    passage: str
    span: Span | None
    here: bool
    yes: bool | None = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """A SQuAD question as it stands: its paragraph, and where its answer starts there (None: unanswerable)."""

    question: str
    context: str
    answer: Span | None
    ambiguous: bool = False


Count = Callable[[str], int]


def read_lines(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def read_squad(path: Path, titles: frozenset[str] | None, rng: random.Random) -> dict[str, list[Asked]]:
    """Questions by article title; `titles` picks some of them. The reported articles are never returned."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        data = json.load(file)["data"]
    asked: dict[str, list[Asked]] = {}
    for article in data:
        if article["title"] in REPORTED or (titles is not None and article["title"] not in titles):
            continue
        rows = asked.setdefault(article["title"], [])
        for paragraph in article["paragraphs"]:
            for qa in paragraph["qas"]:
                gold = rng.choice(qa["answers"]) if qa["answers"] else None
                span = (gold["answer_start"], gold["answer_start"] + len(gold["text"])) if gold else None
                rows.append(Asked(qa["question"].strip(), paragraph["context"], span, bool(qa.get("ambiguous_offset"))))
    return asked


def window(context: str, answer: Span | None, rng: random.Random, count: Count) -> tuple[str, Span | None]:
    """Whole sentences of `context` round the answer (or round any sentence): its text, and the answer's span in it.

    One in ten takes the whole paragraph, the others a random number of sentences to the left and to the right.
    """
    sentences = split_sentences(context)
    if answer is None:
        first = last = rng.randrange(len(sentences))
    else:
        first = max((i for i, s in enumerate(sentences) if s[0] <= answer[0]), default=0)
        last = max(first, min((i for i, s in enumerate(sentences) if s[1] >= answer[1]), default=len(sentences) - 1))
    if rng.random() < 0.1:
        first, last = 0, len(sentences) - 1
    else:
        first, last = max(0, first - rng.randrange(4)), min(len(sentences) - 1, last + rng.randrange(4))
    start, end = sentences[first][0], sentences[last][1]
    if answer is not None:
        start, end = min(start, answer[0]), max(end, answer[1])
    if end - start > 2 * MAX_PASSAGE and count(context[start:end]) > MAX_PASSAGE and (first, last) != (0, 0):
        middle = answer or sentences[(first + last) // 2]
        inside = [s for s in sentences if s[0] >= middle[0] - 500 and s[1] <= middle[1] + 500] or [middle]
        start, end = min(inside[0][0], middle[0]), max(inside[-1][1], middle[1])
    return context[start:end], (answer[0] - start, answer[1] - start) if answer else None


def squad_examples(asked: dict[str, list[Asked]], rng: random.Random, count: Count) -> Iterator[Example]:
    """From each answerable question: itself with its answer, and, by chance, questions or passages that do not fit."""
    for title, rows in asked.items():
        contexts = list(dict.fromkeys(row.context for row in rows))
        article = Article(title, title, "\n\n".join(contexts))
        passages = [p.text for p in chunk(article, 128, 32, count)]
        near = _Nearest(passages)
        pool = [t for c in contexts for t in names(c) + numbers(c)]
        questions = [row.question for row in rows]
        previous: Asked | None = None
        for row in rows:
            if row.answer and not row.ambiguous:
                yield from _from_one(row, previous, near, pool, questions, rng, count)
            previous = row


def _from_one(
    row: Asked,
    previous: Asked | None,
    near: _Nearest,
    pool: list[str],
    questions: list[str],
    rng: random.Random,
    count: Count,
) -> Iterator[Example]:
    assert row.answer
    answer = row.context[slice(*row.answer)]
    if near.has(answer) and rng.random() < 0.4:
        text, span = near.around(row.context, row.answer) or window(row.context, row.answer, rng, count)
    else:
        text, span = window(row.context, row.answer, rng, count)
    question = row.question
    before = previous if previous and previous.context == row.context else None
    if before and rng.random() < 0.05:
        question = follow_up(before.question, question, rng)
    yield Example(question, text, span, True, source="squad")
    if rng.random() < 0.25:
        for other in near.best(row.question, without=answer, k=rng.choice((1, 1, 2, 3)))[-1:]:
            yield Example(question, other, None, False, source="other-passage")
    if rng.random() < 0.08:
        rest = without_answer(row.context, row.answer, answer, rng)
        if rest:
            yield Example(row.question, rest, None, False, source="same-paragraph")
    assert span
    evidence = next((s for s in split_sentences(text) if s[0] <= span[0] < s[1]), span)
    if rng.random() < 0.8:
        missed = near_miss(row.question, text, evidence, answer, pool, questions, rng)
        if missed:
            asked, source = missed
            if before and rng.random() < 0.08:
                asked = follow_up(before.question, asked, rng)
            yield Example(asked, text, None, False, source=source)
    for asked, yes in yes_or_no(row.question, answer, text, pool, rng):
        if yes is None:
            yield Example(asked, text, None, False, source="yes-no-other")
        else:
            yield Example(asked, text, span, True, yes, "yes-no")


def without_answer(context: str, span: Span, answer: str, rng: random.Random) -> str | None:
    """Neighbouring sentences of the same paragraph, none with the answer: what lies beside it in the article."""
    sentences = split_sentences(context)
    before = [s for s in sentences if s[1] <= span[0]]
    after = [s for s in sentences if s[0] >= span[1]]
    for side in rng.sample([before[-3:], after[:3]], 2):
        if side and answer.lower() not in (text := context[side[0][0] : side[-1][1]]).lower():
            return text
    return None


def follow_up(previous: str, question: str, rng: random.Random) -> str:
    """The question behind the one before it, as the chain hands follow-ups over; a shared name may become a pronoun."""
    shared = [n for n in names(question) if n in previous]
    if shared and rng.random() < 0.6:
        question = question.replace(shared[0], rng.choice(("it", "they", "he", "she", "this")), 1)
    return f"{previous} {question}"


class _Nearest:
    """The passages of one article by likeness (TF-IDF) to a question: what retrieval would hand the reader."""

    def __init__(self, passages: list[str]) -> None:
        from sklearn.feature_extraction.text import TfidfVectorizer

        self.passages = passages
        self._all = "\n".join(passages).lower()
        self._lower = [p.lower() for p in passages]
        self._vectorizer = TfidfVectorizer(sublinear_tf=True, stop_words="english", token_pattern=r"(?u)\b\w+\b")
        self._matrix = self._vectorizer.fit_transform(passages)

    def has(self, answer: str) -> bool:
        return answer.lower() in self._all

    def around(self, context: str, answer: Span) -> tuple[str, Span] | None:
        """The article's passage that holds the answer's sentence, and the answer's span in it."""
        for reach in (60, 25):
            left, right = max(0, answer[0] - reach), min(len(context), answer[1] + reach)
            piece = context[left:right]
            for passage in self.passages:
                at = passage.find(piece)
                if at >= 0:
                    return passage, (at + answer[0] - left, at + answer[1] - left)
        return None

    def best(self, question: str, without: str, k: int) -> list[str]:
        """The k most alike passages that do not hold `without`, most alike first."""
        scores = (self._matrix @ self._vectorizer.transform([question]).T).toarray()[:, 0]
        banned = without.lower()
        order = [i for i in scores.argsort()[::-1][: k + 8] if banned not in self._lower[i] and scores[i] > 0]
        return [self.passages[i] for i in order[:k]]


def written_examples(asked: dict[str, list[Asked]], rng: random.Random, count: Count, times: int) -> Iterator[Example]:
    """SQuAD 2.0's own questions, half of them written to have no answer: whole paragraphs and random windows."""
    for rows in asked.values():
        for row in rows:
            for turn in range(times):
                text, span = (row.context, row.answer) if turn < 3 else window(row.context, row.answer, rng, count)
                yield Example(row.question, text, span, row.answer is not None, source="written")


def news_examples(path: Path, rng: random.Random, count: Count, times: int, articles: int = 0) -> Iterator[Example]:
    """The questions of a set that brings its articles (all, or the first `articles`), put as the chain puts them. Every
    question stands on both sides equally often, or its style alone would tell ("What did it cost?" is asked where it is
    not told): what the article answers also with its passages that do not, and with the neighbours of the answering
    sentence without it; what it does not also with the sentence put in that would (`twin`)."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    texts = {row["article"]: row["article_text"] for row in rows if "article_text" in row}
    texts = dict(list(texts.items())[: articles or None])
    near = {
        slug: _Nearest([p.text for p in chunk(Article(slug, slug, t), 128, 32, count)]) for slug, t in texts.items()
    }
    for row in (row for row in rows if row["article"] in texts):
        text, passages = texts[row["article"]], near[row["article"]]
        question = standalone(row["question"], row["history"])
        told = [(e["start"], e["end"]) for e in row["evidence"]]
        without = [p for p in passages.best(question, "\0", k=6) if not any(text[a:b][:60] in p for a, b in told)]
        if not told:
            if "twin" not in row:
                continue
            at, said = row["twin"]["at"], row["twin"]["text"]
            text = f"{text[:at]} {said}{text[at:]}"
            told, answer = [(at + 1, at + 1 + len(said))], row["twin"]["answer"]
        else:
            answer = row["answers"][0]
        for turn in range(times):
            sentence = told[turn % len(told)]
            yield _told(question, text, sentence, answer, rng, count)
            if turn % 2 and without:
                yield Example(question, without[turn // 2 % min(4, len(without))], None, False, source="news-other")
            elif len(told) == 1:
                passage, span = window(text, sentence, rng, count)
                assert span
                rest = re.sub(r" {2,}", " ", passage[: span[0]] + passage[span[1] :]).strip()
                if len(rest) > 40:
                    yield Example(question, rest, None, False, source="news-without")


def _told(question: str, text: str, sentence: Span, answer: str, rng: random.Random, count: Count) -> Example:
    """The question with a window round the sentence that answers it, and the answer's span, or the verdict."""
    yes = answer == "yes" if answer in ("yes", "no") else None
    at = text.find(answer, *sentence) if yes is None else -1
    span = (at, at + len(answer)) if at >= 0 else None
    passage, inside = window(text, span or sentence, rng, count)
    return Example(question, passage, inside if span else None, True, yes, source="news")


def qamr_examples(path: Path, rng: random.Random, share: float) -> Iterator[Example]:
    for row in read_lines(path):
        if rng.random() < share:
            gold = min(row["answers"], key=lambda a: abs(len(a["text"]) - 12))
            span = (gold["start"], gold["start"] + len(gold["text"]))
            yield Example(row["question"], row["context"], span, True, source="qamr")


def qed_examples(path: Path, rng: random.Random, count: Count, times: int) -> Iterator[Example]:
    """Real search questions; a paragraph of another row, as alike as can be, is the passage that does not answer."""
    rows = read_lines(path)
    near = _Nearest([untokenise(r["context"], (0, 1))[0] for r in rows])
    for row in rows:
        gold = min(row["answers"], key=lambda a: len(a["text"]))
        if len(gold["text"]) > 100:
            continue
        context, span = untokenise(row["context"], (gold["start"], gold["start"] + len(gold["text"])))
        for _ in range(times):
            text, at = window(context, span, rng, count)
            yield Example(row["question"], text, at, True, source="qed")
        if rng.random() < 0.5:
            for other in near.best(row["question"], without=context[slice(*span)], k=1):
                yield Example(row["question"], window(other, None, rng, count)[0], None, False, source="qed-other")
        rest = without_answer(context, span, context[slice(*span)], rng)
        if rest and rng.random() < 0.3:
            yield Example(row["question"], rest, None, False, source="qed-same")


def boolq_examples(rows: list[dict[str, Any]], rng: random.Random) -> Iterator[Example]:
    """Yes/no questions with their passage, and with the most alike passage of another row."""
    near = _Nearest([r["passage"][:1000] for r in rows])
    for row in rows:
        yield Example(row["question"], row["passage"][:1000], None, True, bool(row["answer"]), "boolq")
        others = [p for p in near.best(row["question"], without="\0", k=3) if p != row["passage"][:1000]]
        if others and rng.random() < 0.6:
            yield Example(row["question"], others[0], None, False, source="boolq-other")


def boolq_rows(path: Path, held_back: bool) -> list[dict[str, Any]]:
    """Three quarters train, one quarter (by title, so that no passage is in both) measures the yes/no head."""
    return [r for r in read_lines(path) if (sum(r["title"].encode()) % 4 == 0) == held_back]


def untokenise(text: str, span: Span) -> tuple[str, Span]:
    """Tokenised text ("1812 , the U.S. 's") as people write it, and `span` moved along."""
    text, span = _replaced(text, span, r" (?=[.,;:!?)\]%]|'s\b|n't\b|'re\b)|(?<=[(\[$]) ", "")
    text, span = _replaced(text, span, r" ?-- ?", "–")
    return _replaced(text, span, r"``|''", '"')


def _replaced(text: str, span: Span, pattern: str, by: str) -> tuple[str, Span]:
    start, end = span
    for match in reversed(list(re.finditer(pattern, text))):
        change = len(by) - len(match.group())
        text = text[: match.start()] + by + text[match.end() :]
        start += change if match.end() <= start else 0
        end += change if match.end() <= end else 0
    return text, (start, end)


def sloppy(example: Example, rng: random.Random) -> Example:
    """Now and then the question as people type it: in words that are not the passage's, without its mark, in keywords,
    a name as its initials, or with two letters exchanged."""
    question = example.question
    if example.source != "written" and rng.random() < 0.3:
        question = reword(question, example.passage, words.synonyms, rng)
    if rng.random() < 0.03 and example.here and example.yes is None:
        kept = [w for w in question.rstrip("? ").split() if not is_question_word(w.lower()) or rng.random() < 0.1]
        question = " ".join(kept) if len(kept) > 2 else question
    long = [n for n in names(question) if " " in n and n in example.passage]
    if long and rng.random() < 0.08:
        initials = "".join(w[0] for w in long[0].split() if w[0].isupper())
        question = question.replace(long[0], initials, 1) if len(initials) > 2 else question
    if rng.random() < 0.2:
        question = question.rstrip("? ")
    if rng.random() < 0.04 and len(question) > 12:
        at = rng.randrange(4, len(question) - 2)
        question = question[:at] + question[at + 1] + question[at] + question[at + 2 :]
    return replace(example, question=question)


def build(folder: Path, seed: int, count: Count, small: bool = False, share: float = 1.0) -> list[Example]:
    """Every training example of one pass, shuffled. `share` is that of SQuAD 1.1's articles that are drawn; `small`
    takes about a hundredth of everything, for a trial of the machinery."""
    rng = random.Random(seed)
    squad = read_squad(folder / "squad-v1.1-train.json.gz", None, rng)
    squad = dict(rng.sample(list(squad.items()), 5 if small else round(share * len(squad))))
    made = list(squad_examples(squad, rng, count))
    written = read_squad(folder / "squad-v2.0-dev-a.json.gz", TRAINING, rng)
    made += written_examples(written, rng, count, times=8)
    made += news_examples(NEWS, rng, count, times=3, articles=3 if small else 0)
    made += squad_examples(written, rng, count)
    made += qamr_examples(folder / "qamr.jsonl.gz", rng, 0.003 if small else 0.3 * share)
    if not small:
        made += qed_examples(folder / "qed.jsonl.gz", rng, count, times=3)
        made += boolq_examples(boolq_rows(folder / "boolq.jsonl.gz", held_back=False), rng)
    rng.shuffle(made)
    return [sloppy(e, rng) for e in made]
