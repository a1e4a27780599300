"""The command line as a user meets it: one clear line, an exit code, and nothing lost."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from rag.config import Config
from rag.errors import BadInput
from rag.seal import seal
from rag.store import read_pointer


def rag(config: Config, *args: str, **env: str) -> subprocess.CompletedProcess[str]:
    settings = {"RAG_INDEX": str(config.index), "RAG_CORPUS": str(config.corpus), "HF_HUB_OFFLINE": "1"}
    return subprocess.run(
        [sys.executable, "-m", "rag", *args], capture_output=True, text=True, env={**os.environ, **settings, **env}
    )


@pytest.fixture(scope="module")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> Config:
    folder = tmp_path_factory.mktemp("cli")
    page = folder / "page.txt"
    page.write_text("The harbour opened in 1892. It was built by 340 workers.\n\nThe pier fell in the storm of 1931.\n")
    config = Config(corpus=folder / "corpus", index=folder / "index")
    done = rag(config, "index", str(page), "--as", "harbour")
    assert (done.returncode, done.stdout.split(" in ")[0]) == (0, "1 articles, 1 passages, 3 sentences")
    return config


def test_ask_prints_the_sentence_and_where_it_stands(indexed: Config) -> None:
    done = rag(indexed, "ask", "When did the harbour open?")
    assert done.stdout == "1892\n\nThe harbour opened in 1892. [1]\n  [1] harbour, characters 0–27\n"


def test_ask_json_is_one_object(indexed: Config) -> None:
    answer = json.loads(rag(indexed, "ask", "When did the harbour open?", "--json").stdout)
    promised = "question query short text refused confidence citations passages timings_ms"
    assert set(promised.split()) <= set(answer)
    assert answer["citations"][0]["quote"] == "The harbour opened in 1892."


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("ask", ""), "error: The question is empty."),
        (("ask", "x" * 100_000), "error: The question has 100,000 characters"),
        (("ask", "When?", "--article", "nowhere"), "error: There is no article 'nowhere'. There are: harbour, and all."),
        (("ask", " \t\n"), "error: The question is empty."),
        (("ask", "\x01\x02"), "error: The question is empty."),
        (("ask", "🙂🙂"), "error: The question '🙂🙂' holds no word to look for."),
        (("index", "nowhere.txt"), "error: nowhere.txt does not exist."),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(indexed: Config, args: tuple[str, ...], said: str) -> None:
    done = rag(indexed, *args)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith(said)


def test_a_setting_that_does_not_fit_is_named(indexed: Config) -> None:
    done = rag(indexed, "ask", "When?", RAG_TOP_K="many")
    assert (done.returncode, done.stderr) == (2, "error: RAG_TOP_K='many' is not a int; the default is 8.\n")


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("RAG_PASSAGE_TOKENS", "0", "8 to 254"),
        ("RAG_PASSAGE_TOKENS", "300", "8 to 254"),
        ("RAG_OVERLAP_TOKENS", "500", "0 to less than RAG_PASSAGE_TOKENS"),
        ("RAG_TOP_K", "0", "1 to 100"),
        ("RAG_MAX_FILE_MB", "nan", "above 0"),
        ("RAG_MAX_QUESTION_CHARS", "-1", "1 to 100000"),
    ],
)
def test_a_setting_out_of_bounds_is_named_with_its_bounds(name: str, value: str, said: str) -> None:
    with pytest.raises(BadInput, match=f"{name}='{value}' does not fit: {said}"):
        Config.from_env({name: value})


def test_a_reader_that_goes_away_is_no_fault(indexed: Config) -> None:
    env = {**os.environ, "RAG_INDEX": str(indexed.index), "RAG_CORPUS": str(indexed.corpus)}
    command = [sys.executable, "-m", "rag", "ask", "When did the harbour open?"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env)
    assert process.stdout and process.stderr
    process.stdout.close()
    assert (process.stderr.read(), process.wait()) == (b"", 0)
    process.stderr.close()


BAD_FILES = {
    "empty.txt": b"",
    "picture.txt": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
    "latin.txt": "Le caf\xe9 de la gare.".encode("latin-1"),
    "big.txt": b"A sentence stands here. " * 2_100_000,
    "scripts.html": b"<html><body><script>alert(1)</script></body></html>",
    "front.md": b"---\ntitle: never closed\n",
}


def test_no_bad_file_gets_into_the_corpus(indexed: Config, tmp_path: Path) -> None:
    before = seal(indexed.index), seal(indexed.corpus)
    for name, data in BAD_FILES.items():
        (tmp_path / name).write_bytes(data)
        done = rag(indexed, "index", str(tmp_path / name))
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1), done.stderr
        assert done.stderr.startswith("error: ") and name in done.stderr
    assert (seal(indexed.index), seal(indexed.corpus)) == before


def test_ctrl_c_while_indexing_leaves_the_old_index(indexed: Config, tmp_path: Path) -> None:
    config = Config(corpus=tmp_path / "corpus", index=tmp_path / "index")
    shutil.copytree(indexed.corpus, config.corpus)
    shutil.copytree(indexed.index, config.index)
    before = read_pointer(config.index)
    (config.corpus / "long.md").write_text("".join(f"Sentence {n} of a long text stands here. " for n in range(3000)))
    env = {**os.environ, "RAG_INDEX": str(config.index), "RAG_CORPUS": str(config.corpus), "HF_HUB_OFFLINE": "1"}
    process = subprocess.Popen(
        [sys.executable, "-m", "rag", "index"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env, text=True
    )
    assert process.stderr
    assert process.stderr.readline().startswith("Embedding passages and sentences: 0/")
    process.send_signal(signal.SIGINT)
    out, said = process.communicate()
    assert (process.returncode, out, said) == (130, "", "\nstopped; the index is as it was before\n")
    assert read_pointer(config.index) == before


def test_a_folder_that_can_not_be_made_is_said(indexed: Config, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = rag(indexed, "index", RAG_INDEX=str(tmp_path / "file" / "index"))
    assert done.returncode == 1 and done.stderr.startswith("error: The index can not be written")
    assert "Traceback" not in done.stderr
