"""Questions made from an article read as a person would ask them, and the article answers them."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from rag.chain import QAChain
from rag.config import Config
from rag.types import ALL, Article, Question
from tests.conftest import HARBOUR
from ui.backend import Backend
from ui.clauses import clause_of
from ui.guides import ALIKE, Guides
from ui.starters import candidates
from ui.turns import Talk, Turn

PROBE = """The Voyager 1 probe was launched by NASA on September 5, 1977. It is the most distant object from Earth.

In 2012, the probe entered interstellar space. Engineers have switched off several instruments because the generators
are weakening. The record was chosen by a committee led by the astronomer Carl Sagan. Engineers fixed the fault by
moving the code to another part of the memory. There are five working instruments on the probe.

"We never thought it would last," said Linda Spilker, project scientist. Linda Spilker leads the mission."""
BREAD = """Sourdough is bread that rises without packaged yeast. Steam makes the crust crisp by keeping the surface moist.

Bakers in San Francisco made sourdough famous. Isidore Boudin, a baker from Burgundy, founded the Boudin Bakery.
The bakery lost 340 ovens in 1906. Its owner, Ann Lee, told them so. The price increased by 12 percent over two years.
Between 2001 and 2004, 12 bakeries closed their doors. The number of bakers is falling. The dough is known as "pain au levain" and
its "mother dough" lives in a crock, short for nothing."""


def asked(text: str) -> list[str]:
    return [c.text for c in candidates(Article("a", "A title", text))]


def test_questions_of_every_kind_read_naturally() -> None:
    assert asked(PROBE) == [
        "Why have engineers switched off several instruments?",
        "How did engineers fix the fault?",
        "How many working instruments are there on the probe?",
        "Who launched the Voyager 1 probe?",
        "When did the probe enter interstellar space?",
        "Who chose the record?",
        "Who leads the mission?",
    ]


def test_the_verb_follows_the_question() -> None:
    made = asked(BREAD)
    for question in (
        "What is sourdough?",
        "How does steam make the crust crisp?",
        "How many ovens did the bakery lose in 1906?",
        "By how much did the price increase over two years?",
        "How many bakeries closed their doors between 2001 and 2004?",
        "What is the number of bakers?",
        "Who is Isidore Boudin?",
        "Who is Ann Lee?",
        "What is meant by “mother dough”?",
    ):
        assert question in made


@pytest.mark.parametrize(
    "sentence",
    ["We built it in 1990.", '"It fell," he said.', "Why did it fall?", "It opened in 1892.", "Nobody was hurt.",
     "Not only the pier fell.", "Those who left were paid.", "", ".", "Rain, rain, rain and more rain."],
)  # fmt: skip
def test_what_is_no_plain_statement_makes_no_question(sentence: str) -> None:
    assert asked(sentence) == []


def test_no_question_leans_on_another_sentence(corpus_chain: QAChain) -> None:
    for article in corpus_chain.articles.values():
        for candidate in candidates(article):
            assert candidate.text[0].isupper() and candidate.text.endswith("?") and "  " not in candidate.text
            words = candidate.text.lower().rstrip("?").split()
            assert not {"it", "they", "this", "these", "we", "i", "you"} & set(words), candidate.text
            assert len(words) <= 17


def test_a_subordinate_statement_is_no_main_clause() -> None:
    assert clause_of("A man whose dog barked left the town.") is None
    assert clause_of("If it rains, the pier will fall.") is None


@pytest.fixture(scope="module")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Backend:
    home = tmp_path_factory.mktemp("guides")
    (home / "corpus").mkdir()
    for name, title, text in (("probe", "Voyager 1", PROBE), ("harbour", HARBOUR.title, HARBOUR.text)):
        (home / "corpus" / f"{name}.md").write_text(f"---\ntitle: {title}\n---\n\n{text}\n", encoding="utf-8")
    return Backend(Config(corpus=home / "corpus", index=home / "index"))


def ready(guides: Guides, scope: str) -> tuple[str, ...]:
    deadline = time.monotonic() + 600
    while not (guide := guides.of(scope)).ready:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert guide.summary and guide.summary.citations
    return guide.starters


def test_every_question_offered_is_answered_from_its_own_sentence(backend: Backend) -> None:
    guides = Guides(backend)
    blank = guides.of("probe")
    assert (blank.title, blank.summary, blank.ready) == ("“Voyager 1”", None, False)
    starters = ready(guides, "probe")
    assert len(starters) == 4
    chain = backend.chain(0)
    assert chain
    made = {c.text: c.spans for c in candidates(backend.articles["probe"])}
    vectors = chain.retriever.embedder.embed_documents(list(starters))
    for at, question in enumerate(starters):
        answer = chain.invoke(Question(question, (), "probe"))
        assert not answer.refused and {(c.start, c.end) for c in answer.citations} & set(made[question])
        assert all(sum(a * b for a, b in zip(vectors[at], v, strict=True)) < ALIKE for v in vectors[:at])


def test_they_are_kept_for_the_next_start_and_made_anew_for_another_text(backend: Backend) -> None:
    first = ready(Guides(backend), "probe")
    kept = sorted((backend.config.index / "questions").glob("*.json"))
    assert kept
    kept[0].write_text(kept[0].read_text(encoding="utf-8").replace("fix the fault", "mend the fault"), encoding="utf-8")
    assert [q.replace("mend", "fix") for q in ready(Guides(backend), "probe")] == list(first)
    kept[0].write_text("{damaged", encoding="utf-8")
    assert ready(Guides(backend), "probe") == first


def test_an_article_that_few_questions_fit_gets_those_that_fit_any(backend: Backend) -> None:
    assert "What is this article about?" in ready(Guides(backend), "harbour")


def test_the_guide_to_all_articles_and_to_one_that_is_gone(backend: Backend) -> None:
    guides = Guides(backend)
    assert guides.of("gone").scope == "harbour"
    ready(guides, "probe")
    assert "Why have engineers switched off several instruments?" in ready(guides, ALL)
    assert guides.of(ALL).title == "all articles"


def test_follow_ups_are_near_what_was_cited_and_not_asked_yet(backend: Backend) -> None:
    guides, chain = Guides(backend), backend.chain(60)
    assert chain
    pool = ready(guides, "probe")
    question = "How did engineers fix the fault?"
    assert question in pool
    talk = Talk((Turn(question, "probe", chain.invoke(Question(question, (), "probe"))),))
    offered = guides.follow_ups(talk)
    assert 2 <= len(offered) <= 3 and question not in offered
    assert set(offered) <= {c.text for c in candidates(backend.articles["probe"])}
    assert guides.follow_ups(Talk((Turn("Hi", "probe"),))) == ()


def test_an_index_folder_that_takes_no_file_still_guides(tmp_path: Path, backend: Backend) -> None:
    questions = backend.config.index / "questions"
    for file in questions.glob("*"):
        file.unlink()
    questions.rmdir()
    questions.write_text("in the way")
    assert len(ready(Guides(backend), "probe")) == 4
    questions.unlink()
