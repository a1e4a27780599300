"""A conversation as data: what the browser keeps comes back whole, and anything else is refused."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.cite import cite, cited_text
from rag.errors import BadInput
from rag.types import Answer, Question
from tests.conftest import HARBOUR
from ui.export import turn_markdown
from ui.turns import Talk, Turn, read_talk, write_talk

LAMP = cite(HARBOUR, (57, 93), 1)
ANSWER = Answer(
    Question("Who lit it?", (), "harbour"),
    "Who lit it?",
    cited_text([LAMP]),
    "Captain Ida Holm",
    (LAMP,),
    confidence=0.9,
)
REFUSAL = Answer(
    Question("Who won?", (), "harbour"), "Who won?", "The article doesn't say.", refused=True, nearest=LAMP
)
TALK = Talk(
    (
        Turn("Who lit it?", "harbour", ANSWER, follow_ups=("When did the harbour open?",)),
        Turn("Who won?", "harbour", REFUSAL, "stopped"),
        Turn("?!", "harbour", None, "failed", "There is no word to look for."),
    ),
    "talk-1",
)


def test_a_conversation_comes_back_as_it_was_kept() -> None:
    assert LAMP.quote == "Captain Ida Holm lit the first lamp."
    assert read_talk(write_talk(TALK)) == TALK
    assert "passages" not in write_talk(TALK)


def test_a_question_that_failed_is_no_history() -> None:
    assert TALK.asked == ("Who lit it?", "Who won?")
    assert TALK.cut(1).asked == ("Who lit it?",)


def test_a_conversation_gets_its_name_with_its_first_question() -> None:
    first, second = Talk().plus(Turn("Why?")), Talk().plus(Turn("Why?"))
    assert Talk().id == "" and len(first.id) == 16 and first.id != second.id
    assert first.plus(Turn("How?")).id == first.id


@pytest.mark.parametrize(
    "kept",
    ["", "[]", "null", "{", '{"id": 1, "turns": []}', '{"id": "a", "turns": [{}]}', '{"id": "a", "turns": [null]}',
     write_talk(TALK).replace('"done"', '"<script>"'), write_talk(TALK).replace("57", '"x"'), "[" * 100_000, "x" * 2_000_000],
)  # fmt: skip
def test_what_is_no_conversation_is_refused(kept: str) -> None:
    with pytest.raises(BadInput, match="Start a new one"):
        read_talk(kept)


@settings(deadline=None)  # other programs use the processor too
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda x: st.lists(x) | st.dictionaries(st.sampled_from(["id", "turns", "question", "answer", "scope"]), x),
    )
)
def test_any_json_is_read_or_refused(held: object) -> None:
    try:
        assert isinstance(read_talk(json.dumps(held)), Talk)
    except BadInput:
        pass


def test_an_export_has_the_quotes_and_where_they_stand() -> None:
    assert turn_markdown(TALK.turns[0], {"harbour": HARBOUR.title}) == (
        f"**Who lit it?**\n\nCaptain Ida Holm.\n\n> {LAMP.quote} [1]\n\n[1] “The harbour of Lund”, characters 57–93"
    )
    assert turn_markdown(TALK.turns[1], {}) == (
        "**Who won?**\n\nThe article doesn't say.\n\nThe closest sentence in it:\n\n"
        f"> {LAMP.quote}\n\n“harbour”, characters 57–93\n\n(Stopped.)"
    )
    assert turn_markdown(Turn("a <b>\nc", state="failed", note="No <i>"), {}) == "**a \\<b> c**\n\nNo \\<i>"
