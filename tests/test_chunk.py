"""Passages hold the whole text, never more than the window, and offsets that are right."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.chunk import chunk
from rag.embed import MiniLM
from rag.types import Article

TOKENS = MiniLM().count_tokens


def words(text: str) -> int:
    return len(text.split())


@settings(deadline=None, max_examples=150)
@given(
    st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=400)
    | st.lists(
        st.sampled_from(["Rep. Seo left.", "A b c d e f g h i j k l m n", "\n\n", "“Yes?”", "x" * 60, "。"])
    ).map(" ".join),
    st.integers(1, 20),
    st.data(),
)
def test_passages_quote_the_text_and_hold_all_of_it(text: str, size: int, data: st.DataObject) -> None:
    overlap = data.draw(st.integers(0, size - 1))
    passages = chunk(Article("a", "A", text), size, overlap, lambda s: len(s.split()))
    covered = set()
    for p in passages:
        assert text[p.start : p.end] == p.text
        assert (p.start, p.end) == (p.sentences[0][0], p.sentences[-1][1])
        assert sum(words(text[a:b]) for a, b in p.sentences) <= size
        for a, b in p.sentences:
            covered.update(range(a, b))
    assert {i for i, c in enumerate(text) if not c.isspace()} <= covered


def test_a_passage_ends_with_a_paragraph_where_it_can() -> None:
    text = "One two three. Four five six.\n\nSeven eight. Nine ten."
    assert [p.text for p in chunk(Article("a", "A", text), 8, 0, words)] == [
        "One two three. Four five six.",
        "Seven eight. Nine ten.",
    ]


def test_a_sentence_longer_than_the_window_is_split_not_dropped() -> None:
    text = "word " * 700 + "end."
    passages = chunk(Article("a", "A", text), 128, 32, TOKENS)
    assert len(passages) > 4 and passages[-1].text.endswith("end.")
    assert max(TOKENS(p.text) for p in passages) <= 128


def test_nonsense_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="overlap"):
        chunk(Article("a", "A", "x"), 10, 10, words)
