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
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from rag.chunk import chunk
from rag.names import is_question_word, names, numbers
from rag.reader import words
from rag.reader.examples import Count, Example, Nearest, window, without_answer
from rag.reader.misses import as_verdicts, near_miss
from rag.reader.news import NEWS, news_examples
from rag.reader.sources import boolq_examples, boolq_rows, qamr_examples, qed_examples
from rag.reader.wordings import reword
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


@dataclass(frozen=True, slots=True)
class Asked:
    """A SQuAD question as it stands: its paragraph, and where its answer starts there (None: unanswerable)."""

    question: str
    context: str
    answer: Span | None
    ambiguous: bool = False


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


def squad_examples(asked: dict[str, list[Asked]], rng: random.Random, count: Count) -> Iterator[Example]:
    """From each answerable question: itself with its answer, and, by chance, questions or passages that do not fit."""
    for title, rows in asked.items():
        contexts = list(dict.fromkeys(row.context for row in rows))
        article = Article(title, title, "\n\n".join(contexts))
        passages = [p.text for p in chunk(article, 128, 32, count)]
        near = Nearest(passages)
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
    near: Nearest,
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
    yield from as_verdicts(Example(row.question, text, span, True), pool, rng)


def follow_up(previous: str, question: str, rng: random.Random) -> str:
    """The question behind the one before it, as the chain hands follow-ups over; a shared name may become a pronoun."""
    shared = [n for n in names(question) if n in previous]
    if shared and rng.random() < 0.6:
        question = question.replace(shared[0], rng.choice(("it", "they", "he", "she", "this")), 1)
    return f"{previous} {question}"


def written_examples(asked: dict[str, list[Asked]], rng: random.Random, count: Count, times: int) -> Iterator[Example]:
    """SQuAD 2.0's own questions, half of them written to have no answer: whole paragraphs and random windows."""
    for rows in asked.values():
        for row in rows:
            for turn in range(times):
                text, span = (row.context, row.answer) if turn < 3 else window(row.context, row.answer, rng, count)
                yield Example(row.question, text, span, row.answer is not None, source="written")


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
