"""An article that a reader brings is read like any file, named by what it says, and kept apart from the corpus."""

from __future__ import annotations

import base64
import json
import time
from pathlib import Path

import pytest

from rag.config import Config
from rag.errors import BadInput
from rag.types import Question
from tests.conftest import HARBOUR
from ui.backend import Backend
from ui.bring import Intake, Job, read

LAMP = "The lamp burns oil. It has burnt since 1892, and two keepers look after it by night."


def test_a_pasted_text_is_named_by_its_first_words_when_nothing_names_it() -> None:
    article = read("pasted.txt", "", LAMP.encode(), 10)
    assert (article.title, article.text) == ("The lamp burns oil", LAMP)
    assert read("pasted.txt", "  The\n lamp ", LAMP.encode(), 10).title == "The lamp"
    assert read("notes.md", "", f"# Of lamps\n\n{LAMP}".encode(), 10).title == "Of lamps"


def test_a_name_that_climbs_out_of_its_folder_stays_a_name() -> None:
    assert read("../../etc/<b>passwd.txt", "", LAMP.encode(), 10).text == LAMP


@pytest.mark.parametrize(
    ("name", "data", "told"),
    [
        ("a.txt", b"\x89PNG\x00", "a.txt is a binary file"),
        ("a.txt", b"caf\xe9 au lait", "a.txt is not UTF-8"),
        ("a.pdf", b"%PDF", "a.pdf"),
    ],
)
def test_a_bad_file_is_named_without_a_path_of_this_machine(name: str, data: bytes, told: str) -> None:
    with pytest.raises(BadInput, match=told) as refused:
        read(name, "", data, 10)
    assert "/tmp" not in str(refused.value)


def followed(intake: Intake, sent: dict[str, str]) -> list[Job]:
    jobs = [intake.look(json.dumps(sent))]
    deadline = time.monotonic() + 600
    while jobs[-1].state == "working":
        assert time.monotonic() < deadline
        time.sleep(0.02)
        jobs.append(intake.look(json.dumps({"job": jobs[0].id})))
    return jobs


def test_it_is_indexed_while_the_page_looks_on_and_is_there_after_the_next_start(tmp_path: Path) -> None:
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "harbour.md").write_text(f"---\ntitle: Harbour\n---\n\n{HARBOUR.text}\n", encoding="utf-8")
    config = Config(corpus=tmp_path / "corpus", index=tmp_path / "index")
    backend = Backend(config)
    backend.start()
    jobs = followed(Intake(backend), {"name": "lamp.txt", "data": base64.b64encode(LAMP.encode()).decode()})
    assert jobs[0].line == "Reading …" and (jobs[-1].state, jobs[-1].share) == ("done", 1.0)
    assert all(a.share <= b.share for a, b in zip(jobs, jobs[1:], strict=False))
    slug = jobs[-1].slug
    assert slug and backend.articles[slug].text == LAMP
    again = Backend(config)
    assert list(again.articles) == ["harbour", slug]
    again.start()
    chain = None
    while chain is None:
        chain = again.chain(1.0)
    answer = chain.invoke(Question("Since when has the lamp burnt?", (), slug))
    assert answer.citations[0].quote == "It has burnt since 1892, and two keepers look after it by night."
    assert [f.name for f in (tmp_path / "corpus").iterdir()] == ["harbour.md"]


@pytest.mark.parametrize(
    "typed", ["", "{", "[]", "null", '{"data": "%"}', '{"text": ""}', '{"job": "gone"}', '{"job": []}']
)
def test_what_the_page_can_not_have_meant_is_one_line(typed: str) -> None:
    job = Intake(None).look(typed)  # type: ignore[arg-type]
    assert job.state == "failed" and job.line.endswith((".",)) and "\n" not in job.line
