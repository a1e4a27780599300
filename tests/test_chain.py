"""One question, one answer: the real encoder and the real Chroma, on six sentences and on the corpus."""

import pytest

from rag.abbreviation import spelled_out
from rag.chain import REFUSAL, QAChain
from rag.errors import BadInput, UnknownArticle
from rag.types import Answer, Question
from tests.conftest import HARBOUR


def test_an_answer_quotes_the_sentence_that_says_so(chain: QAChain) -> None:
    answer = chain.invoke(Question("When did the harbour open?"))
    assert answer.text == "The harbour opened in 1892. [1]"
    (citation,) = answer.citations
    assert (citation.start, citation.end, citation.quote) == (0, 27, "The harbour opened in 1892.")
    assert HARBOUR.text[citation.start : citation.end] == citation.quote
    assert not answer.refused and 0.5 < answer.confidence <= 1


def test_what_has_nothing_to_do_with_the_article_is_refused_with_the_nearest_sentence(chain: QAChain) -> None:
    answer = chain.invoke(Question("Which recipe does Gordon Ramsay use for lasagna in 2023?"))
    assert (answer.refused, answer.text, answer.citations, answer.short) == (True, REFUSAL, (), None)
    assert answer.nearest is not None and answer.nearest.quote in HARBOUR.text


@pytest.mark.parametrize(
    ("question", "short", "sentences"),
    [
        ("What does the article say about AI talent?", None, 3),
        ("Is DGIST mentioned in the article?", "Yes", 1),
        ("tell me about the domino effect", None, 1),
    ],
)
def test_a_topic_is_answered_with_the_sentences_that_hold_its_words(
    corpus_chain: QAChain, question: str, short: str | None, sentences: int
) -> None:
    answer = corpus_chain.invoke(Question(question, article_id="south-korea-brain-drain"))
    assert (answer.short, len(answer.citations)) == (short, sentences)
    topic = {"AI", "talent", "DGIST", "domino"} & set(question.rstrip("?").split())
    assert all(word in citation.quote for citation in answer.citations for word in topic)


@pytest.mark.parametrize("question", ["Does the article mention climate change?", "is there anything about Elon Musk?"])
def test_a_topic_that_no_sentence_holds_is_not_mentioned(corpus_chain: QAChain, question: str) -> None:
    answer = corpus_chain.invoke(Question(question, article_id="south-korea-brain-drain"))
    assert answer.refused and answer.nearest and not answer.citations


def test_a_name_whose_words_do_not_stand_side_by_side_gets_no_yes(corpus_chain: QAChain) -> None:
    answer = corpus_chain.invoke(Question("Does it mention Seoul University?", article_id="south-korea-brain-drain"))
    assert answer.short is None and all("Seoul" in citation.quote for citation in answer.citations)


SCAN = "The scan (MRI) was new. Magnetic resonance imaging (\"MRI\") came to the Royal Tide Office in 1990, as the WHO says."


@pytest.mark.parametrize(
    ("abbreviation", "words"),
    [("MRI", "Magnetic resonance imaging"), ("RTO", "Royal Tide Office"), ("WHO", None), ("TO", "Tide Office")],
)
def test_an_abbreviation_is_spelled_out_beside_it_or_by_a_name(abbreviation: str, words: str | None) -> None:
    span = spelled_out(abbreviation, SCAN)
    assert (SCAN[slice(*span)] if span else None) == words


def test_what_an_abbreviation_stands_for_is_looked_up_and_refused_where_it_is_not_told(corpus_chain: QAChain) -> None:
    def ask(question: str, article: str) -> Answer:
        return corpus_chain.invoke(Question(question, article_id=article))

    told = ask("what does mhc stand for", "lupus-genetic-clues")
    assert told.short == "Major Histocompatibility Complex"
    assert told.citations[0].quote.count(told.short) == 1
    untold = ask("What does OECD stand for?", "south-korea-brain-drain")
    assert untold.refused and untold.nearest and "OECD" in untold.nearest.quote


def test_a_stream_grows_and_ends_with_what_invoke_returns(corpus_chain: QAChain) -> None:
    question = Question("Summarize the article")
    snapshots = list(corpus_chain.stream(question))
    assert len(snapshots) == 4
    assert all(b.text.startswith(a.text) for a, b in zip(snapshots, snapshots[1:], strict=False))
    assert snapshots[-1].citations == corpus_chain.invoke(question).citations
    starts = [c.start for c in snapshots[-1].citations]
    assert starts == sorted(starts)


def test_batch_answers_each(chain: QAChain) -> None:
    answers = chain.batch([Question("When did the harbour open?"), Question("How much is entry?", article_id="museum")])
    assert [a.citations[0].quote for a in answers] == ["The harbour opened in 1892.", "Entry costs four euros."]


def test_a_follow_up_carries_the_subject_over(chain: QAChain) -> None:
    answer = chain.invoke(Question("And when did it fall?", history=("Tell me about the pier of the harbour",)))
    assert answer.query == "Tell me about the pier of the harbour And when did it fall?"
    assert answer.citations[0].quote == "The pier fell in the storm of 1931."


def test_the_scope_all_searches_every_article(chain: QAChain) -> None:
    answer = chain.invoke(Question("How many kinds of bread are there?", article_id="all"))
    assert [c.article_id for c in answer.citations] == ["museum"]


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("Who published it?", "“The harbour of Lund” was published by Lund Post, as the page names it."),
        ("What is the title of the article?", "The title is “The harbour of Lund”."),
        ("hello!", "Hello. Ask a question about the article, and I answer with the sentences that say so."),
    ],
)
def test_questions_about_the_page_and_greetings_get_a_sensible_answer(chain: QAChain, question: str, said: str) -> None:
    assert chain.invoke(Question(question)).text == said


def test_an_author_the_page_does_not_name_is_not_made_up(chain: QAChain) -> None:
    answer = chain.invoke(Question("Who wrote this article?"))
    assert (answer.refused, answer.text) == (True, "The page doesn't say.")


@pytest.mark.parametrize("text", ["", "  \n", "\x00\x07", "🙂🙂", "x" * 100_000, "\ud800"])
def test_a_question_that_can_not_be_asked_is_one_clear_line(chain: QAChain, text: str) -> None:
    with pytest.raises(BadInput, match="question"):
        chain.invoke(Question(text))


def test_control_characters_and_lone_surrogates_are_dropped(chain: QAChain) -> None:
    answer = chain.invoke(Question("When did\x00 the\ud800 harbour open 🙂?"))
    assert answer.citations[0].quote == "The harbour opened in 1892."


def test_an_unknown_article_is_named_with_those_there_are(chain: QAChain) -> None:
    with pytest.raises(UnknownArticle, match="'nowhere'.*harbour, museum"):
        chain.invoke(Question("When?", article_id="nowhere"))


def test_the_main_article_is_asked_unless_said_otherwise(corpus_chain: QAChain) -> None:
    assert corpus_chain.default_article == "south-korea-brain-drain"
    answer = corpus_chain.invoke(Question("What is the domino effect described in the article?"))
    assert "domino effect" in answer.citations[0].quote
