"""From readings to an answer: places, ranking, refusal. The reader is scripted, so that each rule is seen alone."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from rag.chain import load_answerer
from rag.chunk import chunk
from rag.config import Config
from rag.errors import BadInput, ModelMissing
from rag.extract import extract, names_and_numbers
from rag.lexical import BM25
from rag.reader import weights
from rag.reader.answer import Calibration, SpanAnswerer
from rag.reader.candidates import candidates, choose, confidence_features, read_again, reordered
from rag.reader.model import Candidate, Reading
from rag.reader.yesno import YesNo
from rag.retrieve import Found
from rag.seal import sha256_of
from rag.types import Article, Hit

TEXT = (
    "The mill burned in 1802. Ruth Alder rebuilt it with 40 masons. It ground oats for the whole valley.\n\n"
    "In 1850 the river was dammed. The dam flooded the lower meadow. Three farms were given up."
)
MILL = Article("mill", "The mill", TEXT)
RANK = {"margin": 1.0}
YES_NO = {"weights": {"yes": 1.0}, "yes_at": 0.9, "no_at": 0.1}


class Scripted:
    """Finds the given strings, with the given scores, in every passage that holds them."""

    def __init__(self, **scores: float) -> None:
        self.yes = 0.0
        self.scores = {text.replace("_", " "): score for text, score in scores.items()}

    def read(self, pairs: Sequence[tuple[str, str]]) -> list[Reading]:
        return [self._one(passage) for _, passage in pairs]

    def _one(self, passage: str) -> Reading:
        found = [
            Candidate(passage.index(text), passage.index(text) + len(text), score)
            for text, score in self.scores.items()
            if text in passage
        ]
        spans = tuple(sorted(found, key=lambda c: -c.score)) or (Candidate(0, 3, -9.0),)
        best = spans[0]
        return Reading(best.start, best.end, best.score, 0.0, 0.0, self.yes, spans)


def found(size: int = 30, article: Article = MILL) -> Found:
    passages = chunk(article, size, 12, lambda text: len(text.split()))
    hits = tuple(Hit(p, 1 / (10 + rank), 0.5) for rank, p in enumerate(passages, start=1))
    return Found(hits, {}, BM25([p.text for p in passages]))


def answerer(reader: Scripted, confidence: dict[str, float] | None = None, within: float = 0.0) -> SpanAnswerer:
    fitted = Calibration(RANK, confidence or {"bias": 5.0}, 0.2, 0.5, within, 1.0)
    return SpanAnswerer(reader, fitted)  # type: ignore[arg-type]


def test_the_span_stands_at_its_place_in_the_article_and_in_its_sentence() -> None:
    draft = answerer(Scripted(Ruth_Alder=4.0)).answer("Who rebuilt the mill?", found(), {"mill": MILL})
    assert draft.short == "Ruth Alder"
    [(slug, (start, end))] = draft.sentences
    assert (slug, TEXT[start:end]) == ("mill", "Ruth Alder rebuilt it with 40 masons.")


def test_two_overlapping_passages_give_one_candidate() -> None:
    there = found(size=18)
    holding = [h for h in there.hits if "40 masons" in h.passage.text]
    assert len(holding) > 1, "the story needs an overlap"
    read = candidates("With how many masons?", there, Scripted(**{"40_masons": 3.0}), {"mill": MILL})  # type: ignore[arg-type]
    assert len([c for c in read if TEXT[slice(*c.span)] == "40 masons"]) == 1


def test_a_span_across_the_end_of_its_sentence_is_cut_there() -> None:
    reader = Scripted(**{"1802. Ruth": 4.0})
    assert answerer(reader).answer("When did the mill burn?", found(), {"mill": MILL}).short == "1802."


def test_below_the_threshold_it_refuses_and_offers_the_nearest_sentence() -> None:
    doubtful = {"bias": 0.0, "margin": 0.1, "names": -2.0}
    draft = answerer(Scripted(Ruth_Alder=4.0), doubtful).answer("Did Ada Byron visit it?", found(), {"mill": MILL})
    assert draft.refused and not draft.sentences and draft.short is None
    assert draft.confidence < 0.5
    assert draft.nearest and TEXT[slice(*draft.nearest[1])] == "Ruth Alder rebuilt it with 40 masons."


def test_the_same_question_about_a_name_that_stands_there_is_answered() -> None:
    doubtful = {"bias": 0.0, "margin": 0.1, "names": -2.0}
    draft = answerer(Scripted(Ruth_Alder=4.0), doubtful).answer("Did Ruth Alder visit it?", found(), {"mill": MILL})
    assert not draft.refused


def test_a_yes_no_question_gets_the_quote_and_no_span() -> None:
    draft = answerer(Scripted(Three_farms=4.0)).answer("Were any farms given up?", found(), {"mill": MILL})
    assert draft.short is None
    assert TEXT[slice(*draft.sentences[0][1])] == "Three farms were given up."


def test_a_list_question_quotes_close_sentences_in_the_articles_order_and_no_far_ones() -> None:
    reader = Scripted(Three_farms=4.0, lower_meadow=3.5, oats=1.0)
    draft = answerer(reader).answer("What were the consequences of the dam?", found(), {"mill": MILL})
    quoted = [TEXT[slice(*span)] for _, span in draft.sentences]
    assert quoted == ["The dam flooded the lower meadow.", "Three farms were given up."]


def test_the_passage_that_answers_comes_first_and_none_is_lost() -> None:
    there = found()
    draft = answerer(Scripted(Three_farms=4.0)).answer("Were any farms given up?", there, {"mill": MILL})
    assert "Three farms" in draft.hits[0].passage.text and "Three farms" not in there.hits[0].passage.text
    assert {h.passage.id for h in draft.hits} == {h.passage.id for h in there.hits}


@pytest.mark.parametrize(("yes", "said"), [(3.0, "Yes"), (-3.0, "No"), (0.5, None)])
def test_a_yes_no_question_gets_its_word_only_where_the_evidence_is_sure(yes: float, said: str | None) -> None:
    reader = Scripted(Three_farms=4.0)
    reader.yes = yes
    fitted = Calibration(RANK, {"bias": 5.0}, 0.2, 0.5, 1.0, 1.0, YesNo({"yes": 1.0}, 0.9, 0.1))
    draft = SpanAnswerer(reader, fitted).answer("Were three farms given up?", found(), {"mill": MILL})  # type: ignore[arg-type]
    assert draft.short == said
    assert TEXT[slice(*draft.sentences[0][1])] == "Three farms were given up."


def test_several_good_spans_in_one_sentence_speak_for_it() -> None:
    reader = Scripted(Ruth_Alder=3.0, masons=3.0, oats=3.4)
    draft = answerer(reader).answer("Who worked on the mill?", found(), {"mill": MILL})
    assert TEXT[slice(*draft.sentences[0][1])] == "Ruth Alder rebuilt it with 40 masons."


class Swayed(Scripted):
    """Believes that the answer is here only in the company of the year of the fire."""

    def _one(self, passage: str) -> Reading:
        read = super()._one(passage)
        return replace(read, here=3.0 if "1802" in passage else -3.0)


def test_the_second_opinion_on_the_sentence_alone_is_one_of_the_features() -> None:
    reader, there = Swayed(oats=5.0), found(size=40)
    [choice] = choose(candidates("What did it grind?", there, reader, {"mill": MILL})[:1], RANK)  # type: ignore[arg-type]
    assert TEXT[slice(*choice.sentence[1])] == "It ground oats for the whole valley."
    [choice] = read_again("What did it grind?", [choice], reader)  # type: ignore[arg-type]
    values = confidence_features("What did it grind?", choice, there, {"mill": MILL})
    assert (values["here"], values["near_here"]) == (3.0, -3.0)


def test_a_sentence_that_answers_only_in_company_goes_behind_one_that_answers_alone() -> None:
    reader, there = Swayed(Ruth_Alder=2.0, oats=2.4), found(size=40)
    choices = choose(candidates("What was it?", there, reader, {"mill": MILL}), RANK)  # type: ignore[arg-type]

    def said(weight: float) -> list[str]:
        read = reordered(read_again("What was it?", choices, reader), weight)  # type: ignore[arg-type]
        return [TEXT[slice(*c.span)] for c in (choice.best for choice in read)]

    assert said(0.0)[:2] == ["oats", "Ruth Alder"]
    assert said(0.2)[:2] == ["Ruth Alder", "oats"]


def test_what_was_not_read_again_stays_behind_what_was() -> None:
    reader = Swayed(Ruth_Alder=5.0, oats=4.0, river=3.0, meadow=2.9)
    choices = choose(candidates("What was it?", found(), reader, {"mill": MILL}), RANK)  # type: ignore[arg-type]
    scores = [c.score for c in reordered(read_again("What was it?", choices, reader), 0.2)]  # type: ignore[arg-type]
    assert scores == sorted(scores, reverse=True) and len(scores) > 3


def test_a_list_in_one_sentence_is_told_from_its_first_to_its_last_item() -> None:
    reader = Scripted(**{"Ruth_Alder": 3.0, "40_masons": 2.5})
    draft = answerer(reader, within=1.0).answer("Name the people who rebuilt it: list all of them", found(), {"mill": MILL})
    assert draft.short == "Ruth Alder rebuilt it with 40 masons"


def test_two_sentences_that_are_nearly_as_good_are_both_quoted_the_better_first() -> None:
    reader = Scripted(Three_farms=4.0, Ruth_Alder=3.6, oats=3.5)
    draft = answerer(reader, within=0.5).answer("Who or what was it?", found(), {"mill": MILL})
    quoted = [TEXT[slice(*span)] for _, span in draft.sentences]
    assert quoted == ["Three farms were given up.", "Ruth Alder rebuilt it with 40 masons."]
    assert draft.short == "Three farms"


def test_a_sentence_that_goes_on_to_explain_is_quoted_with_what_it_explains() -> None:
    text = "The town pays for a mill fund. This means that mills are mended. It was founded in 1990. The town is old."
    town = Article("town", "Town", text)
    there = found(article=town)
    for question, quoted in (
        ("What is the mill fund?", ["The town pays for a mill fund.", "This means that mills are mended."]),
        ("Who pays for the mill fund?", ["The town pays for a mill fund."]),
    ):
        draft = answerer(Scripted(mill_fund=5.0), within=0.1).answer(question, there, {"town": town})
        assert [text[slice(*span)] for _, span in draft.sentences] == quoted
        assert (draft.short is None) == (len(quoted) > 1), "two sentences explain, no span of the first does"


def test_a_heading_is_no_second_quote() -> None:
    text = "The mill and its fund\n\nThe town pays for the fund. It was founded in 1990."
    town = Article("town", "Town", text)
    there = found(article=town)
    reader = Scripted(**{"the_fund.": 5.0, "its_fund": 4.9})
    draft = answerer(reader, within=1.0).answer("Who pays?", there, {"town": town})
    assert [text[slice(*span)] for _, span in draft.sentences] == ["The town pays for the fund."]


def test_nothing_found_is_a_refusal_without_a_nearest_sentence() -> None:
    draft = answerer(Scripted()).answer("Who?", Found((), {}, BM25([])), {"mill": MILL})
    assert draft.refused and draft.nearest is None


@pytest.mark.parametrize(
    ("question", "names"),
    [
        ("How many left KAIST in 2024?", ["kaist", "2024"]),
        ("How many left?", []),
        ("Did Ada Byron leave?", ["ada", "byron"]),
        ("Did the U.S. join?", []),
    ],
)
def test_names_and_numbers_are_those_behind_the_first_word(question: str, names: list[str]) -> None:
    assert names_and_numbers(question) == names


def test_an_abbreviation_whose_name_stands_in_the_article_is_no_absent_name() -> None:
    from rag.extract import features

    article = Article("a", "A", "The Royal Tide Office closed. Nobody wept.")
    there = Found((), {}, BM25([article.text]))
    sentence = ("a", (0, 29))
    assert features("When did the RTO close?", sentence, there, {"a": article})["names"] == 0
    assert features("When did the BBC close?", sentence, there, {"a": article})["names"] == 1


def calibration(folder: Path, **changes: object) -> Path:
    held = {"rank": RANK, "confidence": {"bias": 1.0}, "again": 0.2, "threshold": 0.5, "within": 1.0, "within_many": 1.0, "yes_no": YES_NO, "weights_sha256": "x"}
    file = folder / "calibration.json"
    file.write_text(json.dumps(held | changes))
    return file


def test_a_calibration_of_other_weights_is_refused(tmp_path: Path) -> None:
    (tmp_path / "w").write_bytes(b"weights")
    with pytest.raises(ModelMissing, match=r"other reader weights.*eval\.calibrate_reader"):
        Calibration.load(tmp_path / "w", calibration(tmp_path))
    fits = calibration(tmp_path, weights_sha256=sha256_of(tmp_path / "w"))
    assert Calibration.load(tmp_path / "w", fits).threshold == 0.5


@pytest.mark.parametrize("content", ["", "[]", '{"rank": {}}'])
def test_a_damaged_calibration_names_the_command(tmp_path: Path, content: str) -> None:
    (tmp_path / "calibration.json").write_text(content)
    with pytest.raises(ModelMissing, match=r"eval\.calibrate_reader"):
        Calibration.load(weights.WEIGHTS, tmp_path / "calibration.json")


def test_without_weights_whole_sentences_answer_and_the_notice_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weights, "WEIGHTS", tmp_path / "none.safetensors")
    chosen, notice = load_answerer(Config())
    assert chosen is extract
    assert notice and "python -m rag.reader.train" in notice


def test_the_answerer_can_be_chosen() -> None:
    assert load_answerer(Config(answerer="sentences")) == (extract, None)
    with pytest.raises(BadInput, match="RAG_ANSWERER='oracle'"):
        load_answerer(Config(answerer="oracle"))
