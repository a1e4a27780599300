"""The scorers against the traps they are known for; expected values are worked by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval import metrics as m


@pytest.mark.parametrize(
    ("text", "official", "lenient"),
    [
        ("The Cat sat.", "cat sat", "cat sat"),
        ("3.5", "35", "3.5"),
        ("$1,000.50.", "100050", "1000.50"),
        ("A", "", ""),
        ("an  apple\ta day", "apple day", "apple day"),
        ("Korea’s", "korea’s", "koreas"),
        ("Korea's", "koreas", "koreas"),
        ("2010–2015", "2010–2015", "2010 2015"),
        ("2010-2015", "20102015", "2010 2015"),
        ("theatre", "theatre", "theatre"),
        ("５６", "５６", "56"),
    ],
)
def test_normalisers(text: str, official: str, lenient: str) -> None:
    assert m.squad_normalise(text) == official
    assert m.lenient_normalise(text) == lenient


@pytest.mark.parametrize(
    ("prediction", "golds", "em", "f1", "lenient"),
    [
        ("56", ["56", "56 professors"], 1.0, 1.0, 1.0),
        ("the 56 professors", ["56"], 0.0, 2 / 3, 2 / 3),  # P 1/2, R 1
        ("35", ["3.5"], 1.0, 1.0, 0.0),  # the official scorer can not tell them apart
        ("Korea’s plan", ["Korea's plan"], 0.0, 0.5, 1.0),
        ("2010–2015", ["2010-2015"], 0.0, 0.0, 1.0),
        ("red red blue", ["red blue blue"], 0.0, 2 / 3, 2 / 3),  # multiset: one red, one blue shared of 3 and 3
        ("", ["56"], 0.0, 0.0, 0.0),
        ("", ["A"], 1.0, 1.0, 0.0),  # officially the gold "A" is no answer at all
        ("A", ["A"], 1.0, 1.0, 1.0),
        ("", [], 1.0, 1.0, 0.0),  # SQuAD v2: no gold means that saying nothing is right
        ("something", [], 0.0, 0.0, 0.0),
        ("something", ["the", "something"], 1.0, 1.0, 1.0),
    ],
)
def test_squad_scorer(prediction: str, golds: list[str], em: float, f1: float, lenient: float) -> None:
    assert m.exact_match(prediction, golds) == em
    assert m.token_f1(prediction, golds) == pytest.approx(f1)
    assert m.lenient_f1(prediction, golds) == pytest.approx(lenient)


@given(st.text("ab the.", max_size=12), st.lists(st.text("ab the.", max_size=12), max_size=3))
def test_a_match_has_full_f1_and_scores_stay_in_range(prediction: str, golds: list[str]) -> None:
    em, f1 = m.exact_match(prediction, golds), m.token_f1(prediction, golds)
    assert 0.0 <= f1 <= 1.0
    assert f1 == 1.0 if em else True


@pytest.mark.parametrize(
    ("text", "golds", "expected"),
    [
        ("He left in 1990.", ["19"], 0.0),  # a substring, not a token
        ("He left in 1990.", ["1990"], 1.0),
        ("Out of 38 nations, it ranks 35th.", ["35th out of 38"], 0.0),  # the tokens are there, not in a row
        ("It grew by 3.5 percent.", ["35 percent"], 0.0),
        ("It grew by 3.5 percent.", ["3.5 percent"], 1.0),
        ("Salaries of “full” professors—and more", ["full professors"], 1.0),
        ("They got a grade A in it.", ["A"], 1.0),
        ("They got no grade.", ["A"], 0.0),  # a gold that normalises to nothing is not in every text
        ("Some text.", ["?"], 0.0),
        ("There is no reason to leave.", ["no"], 0.0),  # a yes or no has to open the answer
        ("No: it fell.", ["no"], 1.0),
        ("Yes, it fell.", ["no"], 0.0),
        ("Anything", [], 0.0),
    ],
)
def test_containment_looks_for_whole_tokens_in_a_row(text: str, golds: list[str], expected: float) -> None:
    assert m.containment(text, golds) == expected


def test_only_the_markers_of_its_citations_are_stripped() -> None:
    assert m.strip_markers("It fell [1]. It rose [2][3].", [1, 2]) == "It fell. It rose[3]."
    assert m.strip_markers("It fell [12].", [1]) == "It fell [12]."


def test_a_passage_is_relevant_from_half_of_a_gold_span_on() -> None:
    assert m.relevant((0, 5), [(0, 10)])
    assert not m.relevant((0, 4), [(0, 10)])
    assert m.relevant((0, 100), [(200, 300), (10, 12)])
    assert not m.relevant((10, 20), [(20, 30)])  # end is exclusive: they touch and share nothing


def test_rank_of_the_first_relevant_passage() -> None:
    passages = [(0, 10), (10, 20), (20, 30)]
    assert (m.hit_at(1, passages, [(12, 14)]), m.hit_at(3, passages, [(12, 14)])) == (0.0, 1.0)
    assert m.reciprocal_rank(passages, [(12, 14)]) == 0.5
    assert m.reciprocal_rank(passages, [(12, 14), (1, 2)]) == 1.0
    assert m.reciprocal_rank(passages, [(90, 95)]) == 0.0
    assert m.reciprocal_rank([], [(0, 1)]) == 0.0


def test_a_citation_hits_by_half_of_the_shorter_span() -> None:
    assert m.citation_hit([(0, 100)], [(95, 99)]) == 1.0  # a sentence around a short gold answer
    assert m.citation_hit([(10, 14)], [(0, 100)]) == 1.0
    assert m.citation_hit([(0, 10)], [(6, 100)]) == 0.0  # 4 of 10
    assert m.citation_hit([], [(0, 1)]) == 0.0


@pytest.mark.parametrize(
    ("quote", "span", "valid"),
    [
        ("cat", (4, 7), True),
        ("cat", (5, 8), False),
        ("", (4, 4), False),
        ("sat", (-4, -1), False),  # a slice would forgive these two
        ("sat.", (8, 13), False),
    ],
)
def test_a_valid_citation_is_verbatim_at_its_offsets(quote: str, span: tuple[int, int], valid: bool) -> None:
    assert m.citation_valid(quote, span, "The cat sat.") is valid
