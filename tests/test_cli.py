"""The command line as a user meets it: one clear line, an exit code, and nothing lost."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from rag.config import Config


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
    assert done.stdout == "The harbour opened in 1892. [1]\n  [1] harbour, characters 0–27\n"


def test_ask_json_is_one_object(indexed: Config) -> None:
    answer = json.loads(rag(indexed, "ask", "When did the harbour open?", "--json").stdout)
    assert {"question", "query", "short", "text", "refused", "confidence", "citations", "passages", "timings_ms"} <= set(answer)
    assert answer["citations"][0]["quote"] == "The harbour opened in 1892."


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("ask", ""), "error: The question is empty."),
        (("ask", "x" * 100_000), "error: The question has 100,000 characters"),
        (("ask", "When?", "--article", "nowhere"), "error: There is no article 'nowhere'. There are: harbour, and all."),
        (("index", "nowhere.txt"), "error: "),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(indexed: Config, args: tuple[str, ...], said: str) -> None:
    done = rag(indexed, *args)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith(said)


def test_a_setting_that_does_not_fit_is_named(indexed: Config) -> None:
    done = rag(indexed, "ask", "When?", RAG_TOP_K="many")
    assert (done.returncode, done.stderr) == (2, "error: RAG_TOP_K='many' is not a int; the default is 8.\n")


def test_a_folder_that_can_not_be_made_is_said(indexed: Config, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = rag(indexed, "index", RAG_INDEX=str(tmp_path / "file" / "index"))
    assert done.returncode == 1 and done.stderr.startswith("error: The index can not be written")
    assert "Traceback" not in done.stderr
