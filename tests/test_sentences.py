"""Where sentences end, and where they only seem to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.sentences import split_sentences

CASES = {
    "titles belong to names": ["Rep. Seo Ji-young asked.", "Dr. Lee answered."],
    "initials": ["J. K. Rowling came.", "She left."],
    "numbers": ["It ranks No. 35 with 0.36 leavers.", "Pay rose 0.8 percent."],
    "the U.S. goes on or ends": ["The U.S. Senate met in the U.S.", "The vote failed."],
    "a company": ["Amata Corp. Chairman Kim spoke.", "He leads Amata Corp.", "The firm grew."],
    "a quote goes on": ['"Why?" he asked.', '"I know."', "She left."],
    "single quotes": ["'It pays.'", "'We serve clients like family.'", "He said so."],
    "more marks": ["Really?!", "Yes…", "No."],
    "money": ["It cost much.", "$5 million was lost."],
    "latin": ["See e.g. Smith et al. (2020) on this.", "It is long."],
}


@pytest.mark.parametrize("sentences", CASES.values(), ids=CASES)
def test_sentences_end_where_a_reader_ends_them(sentences: list[str]) -> None:
    text = " ".join(sentences)
    assert [text[a:b] for a, b in split_sentences(text)] == sentences


def test_paragraphs_and_list_items_end_sentences() -> None:
    text = "A heading\n\nOne line\nthat goes on. End\n- first\n- second"
    assert [text[a:b] for a, b in split_sentences(text)] == [
        "A heading",
        "One line\nthat goes on.",
        "End",
        "- first",
        "- second",
    ]


def test_full_width_stops_need_no_space() -> None:
    text = "她走了。他来了！"
    assert [text[a:b] for a, b in split_sentences(text)] == ["她走了。", "他来了！"]


@given(st.text(alphabet=st.sampled_from("aB1 .?!\"'”\n\t。-é🙂"), max_size=200))
def test_between_two_sentences_there_is_only_white_space(text: str) -> None:
    spans = split_sentences(text)
    edges = [0, *(e for span in spans for e in span), len(text)]
    assert all(text[a:b].strip() == "" for a, b in zip(edges[::2], edges[1::2], strict=True))
    assert all(a < b and text[a:b] == text[a:b].strip() for a, b in spans)
