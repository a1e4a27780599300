"""The index: whole or not at all, quick when nothing changed, never from another recipe."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from rag.build import build_index
from rag.chain import load_chain
from rag.config import Config
from rag.errors import BadInput, IndexMismatch, IndexMissing, StoreUnavailable
from rag.store import Index, read_manifest, read_pointer, write_pointer
from rag.types import Article, Question
from tests.conftest import HARBOUR, MUSEUM


def test_only_what_changed_is_embedded_again(tmp_path: Path) -> None:
    config = Config(index=tmp_path / "index")
    steps: list[tuple[str, int, int]] = []
    first = build_index([HARBOUR], config)
    assert build_index([HARBOUR], config) == first
    second = build_index([HARBOUR, MUSEUM], config, lambda *step: steps.append(step))
    assert steps[-1] == ("Embedding passages and sentences", 3, 3)  # the museum: one passage, two sentences
    assert (second.passages, second.sentences) == (2, 8)


def test_a_chain_that_is_open_sees_the_new_index(tmp_path: Path) -> None:
    config = Config(index=tmp_path / "index")
    build_index([HARBOUR], config)
    chain = load_chain(config)
    build_index([MUSEUM], config)
    assert chain.invoke(Question("What does entry cost?")).citations[0].quote == "Entry costs four euros."


def test_an_index_of_another_model_is_refused_and_then_built_again(tmp_path: Path) -> None:
    config = Config(index=tmp_path / "index")
    manifest = build_index([HARBOUR], config)
    file = config.index / manifest.generation / "manifest.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "model_sha256": "0" * 64}))
    write_pointer(config.index, manifest.generation)  # as if that model had written it
    with pytest.raises(IndexMismatch, match="model_sha256 was 0000.*python -m rag index"):
        load_chain(config)
    said: list[str] = []
    build_index([HARBOUR], config, lambda stage, *_: said.append(stage))
    assert said[0].startswith("Building the index again: model_sha256 was 000")
    assert load_chain(config).articles["harbour"].text == HARBOUR.text


def test_without_an_index_the_next_command_is_named(tmp_path: Path) -> None:
    with pytest.raises(IndexMissing, match="python -m rag index"):
        load_chain(Config(index=tmp_path / "none"))


def test_an_index_deleted_while_running_is_said(tmp_path: Path) -> None:
    config = Config(index=tmp_path / "index")
    build_index([HARBOUR], config)
    chain = load_chain(config)
    (config.index / "CURRENT").unlink()
    with pytest.raises(IndexMissing, match="python -m rag index"):
        chain.invoke(Question("When did the harbour open?"))


def test_articles_that_can_not_be_indexed_are_refused(tmp_path: Path) -> None:
    config = Config(index=tmp_path / "index")
    with pytest.raises(BadInput, match="'harbour'"):
        build_index([HARBOUR, HARBOUR], config)
    with pytest.raises(BadInput, match="no text"):
        build_index([Article("e", "E", " \n")], config)
    assert read_pointer(config.index) is None


def test_a_chroma_server_that_is_down_is_one_clear_line(tmp_path: Path) -> None:
    config = Config(index=tmp_path / "index", chroma_url="http://127.0.0.1:9")
    with pytest.raises(StoreUnavailable, match="127.0.0.1:9 does not answer.*chroma run"):
        build_index([HARBOUR], config)


def test_a_chroma_server_answers_like_the_folder(tmp_path: Path) -> None:
    port = 18453
    server = subprocess.Popen(
        [str(Path(sys.executable).with_name("chroma")), "run", "--path", str(tmp_path / "server"), "--port", str(port)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        config = Config(index=tmp_path / "index", chroma_url=f"http://127.0.0.1:{port}")
        for _ in range(100):
            try:
                build_index([HARBOUR, MUSEUM], config)
                break
            except StoreUnavailable:
                time.sleep(0.2)
        answer = load_chain(config).invoke(Question("When did the harbour open?"))
        assert answer.citations[0].quote == "The harbour opened in 1892."
        index = Index(config.index, read_manifest(config.index))
        index._sentences.delete(ids=index._sentences.get(limit=1)["ids"])
        with pytest.raises(IndexMismatch, match="7 sentences where its manifest says 2 and 8"):
            load_chain(config)
        index._client.delete_collection(index._sentences.name)
        with pytest.raises(IndexMismatch, match="has lost the collection"):
            load_chain(config)
        build_index([HARBOUR, MUSEUM], config)
        assert load_chain(config).invoke(Question("When did the harbour open?")).citations == answer.citations
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(10)


KILLED = """
import sys, time
from pathlib import Path
from rag.build import build_index
from rag.config import Config
from rag.types import Article
from rag.embed import MiniLM
MiniLM.embed_documents = lambda self, texts: [[float(len(t)), 1.0] + [0.5] * 382 for t in texts]
print("go", flush=True)
build_index([Article("new", "New", "A new sentence stands here. " * 200)], Config(index=Path(sys.argv[1])))
"""


def test_kill_at_any_point_leaves_the_old_index(tmp_path: Path) -> None:
    config = Config(index=tmp_path / "index")
    build_index([HARBOUR], config)
    before = read_manifest(config.index).generation
    killed = 0
    for n in range(20):
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(config.index)], stdout=subprocess.PIPE, env=os.environ
        )
        assert process.stdout is not None and process.stdout.readline() == b"go\n"
        time.sleep(0.04 * n)
        process.kill()
        process.wait()
        process.stdout.close()
        index = Index(config.index, read_manifest(config.index))
        if index.manifest.generation == before:
            killed += 1
            assert index.articles["harbour"].text == HARBOUR.text
        else:  # it was quicker than the kill: then the new index is whole, and we go back
            assert list(index.articles) == ["new"]
            build_index([HARBOUR], config)
            before = read_manifest(config.index).generation
        index.close()
    assert killed >= 5
    build_index([HARBOUR, MUSEUM], replace(config))
    assert len(list(config.index.glob("gen-*"))) <= 2  # what the killed left behind is gone
