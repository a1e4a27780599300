"""The language model from the command line: `ask`, `doctor`, a key that never shows, bad settings in one line."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from rag.config import Config
from rag.doctor import Finding, examine, report
from rag.errors import BadInput
from tests.conftest import HARBOUR
from tests.llm_server import LLMServer, key_of, serving

CANARY = "sk-canary-8c1f0e7d55aa4b"


def honest(prompt: str) -> str:
    if "ready" in prompt:
        return "ready"
    return f"The harbour opened in 1892. [{key_of(prompt, '1892')}] The mayor sang."


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[LLMServer]:
    with serving(honest) as running:
        monkeypatch.setenv("OPENAI_API_KEY", CANARY)
        monkeypatch.setenv("OPENAI_BASE_URL", running.root + "/v1")
        monkeypatch.setenv("OLLAMA_HOST", running.root)
        yield running


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Config:
    from rag.build import refresh

    folder = tmp_path_factory.mktemp("llm")
    (folder / "corpus").mkdir()
    (folder / "corpus" / "harbour.md").write_text(
        f"---\ntitle: The harbour of Lund\n---\n\n{HARBOUR.text}\n", encoding="utf-8"
    )
    config = Config(corpus=folder / "corpus", index=folder / "index")
    refresh(config)
    return config


def rag(config: Config, *args: str, **env: str) -> subprocess.CompletedProcess[str]:
    settings = {"RAG_INDEX": str(config.index), "RAG_CORPUS": str(config.corpus), "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "-m", "rag", *args]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, **settings, **env})


def test_ask_shows_who_said_what_side_by_side(home: Config, server: LLMServer) -> None:
    done = rag(
        home, "ask", "When did the harbour open?", "--answerer", "both", RAG_LLM="openai:m", RAG_LLM_DEADLINE_S="60"
    )
    assert done.stdout.splitlines()[0] == "The harbour opened in 1892. [1] The mayor sang. [?]"
    assert "([?] marks what the article does not say.)" in done.stdout and "Without openai:m:" in done.stdout
    assert CANARY not in done.stdout + done.stderr


def test_a_fault_is_one_quiet_line_below_a_sourced_answer(home: Config, server: LLMServer) -> None:
    server.fault = "401"
    done = rag(home, "ask", "When did the harbour open?", RAG_LLM="openai:m", RAG_LLM_DEADLINE_S="90")
    assert done.returncode == 0 and "[1] harbour, characters " in done.stdout
    assert "(Answered without the language model: openai:m refused the key (401)." in done.stdout
    assert CANARY not in done.stdout + done.stderr and "Traceback" not in done.stderr


def test_a_setting_that_can_not_work_is_one_line(home: Config) -> None:
    done = rag(home, "ask", "When did the harbour open?", RAG_LLM="gpt")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[-1].startswith(
        "error: RAG_LLM='gpt' is not provider:model, such as ollama:llama3.2"
    )


def found(config: Config) -> dict[str, Finding]:
    return {f.part: f for f in examine(config)}


def test_the_doctor_tries_every_part(home: Config) -> None:
    lines: list[str] = []
    assert report(home, lines.append) == 0
    assert [line[6:21].strip() for line in lines] == [
        "encoder",
        "corpus",
        "store",
        "index",
        "reader",
        "language model",
        "privacy",
    ]
    assert "1 articles, 1 passages" in lines[3] and lines[6].endswith("nothing leaves this machine")


@pytest.mark.parametrize("provider", ["openai", "ollama"])
def test_the_doctor_asks_the_model_for_a_word(home: Config, server: LLMServer, provider: str) -> None:
    parts = found(_with(home, f"{provider}:m"))
    assert parts["language model"].state == "ok" and "Questions and passages go there" in parts["language model"].said
    assert "privacy" not in parts and len(server.requests) == 1


@pytest.mark.parametrize(
    ("provider", "fault", "said"),
    [
        ("openai", "401", "openai:m refused the key (401). Set OPENAI_API_KEY"),
        ("openai", "wrong model", "does not exist on the server (404). Is 'm' the name"),
        ("ollama", "wrong model", "does not exist on the server (404). Run `ollama pull m`."),
        ("openai", "429", "Wait, or raise the limit"),
        ("ollama", "stall", "Raise RAG_LLM_DEADLINE_S"),
    ],
)
def test_the_doctor_says_what_to_do_about_the_model(
    home: Config, server: LLMServer, provider: str, fault: str, said: str
) -> None:
    server.fault = fault
    finding = found(_with(home, f"{provider}:m", 2.0))["language model"]
    assert finding.state == "fail" and said in finding.said and CANARY not in finding.said


def test_the_doctor_names_the_next_command_for_each_failure(tmp_path: Config) -> None:
    lines: list[str] = []
    assert report(Config(corpus=tmp_path / "none", index=tmp_path / "none", llm="openai"), lines.append) == 1  # type: ignore[operator]
    fails = {line[6:21].strip(): line for line in lines if line.startswith("fail")}
    assert set(fails) == {"corpus", "store", "index", "language model"}
    assert all("python -m rag index" in fails[p] for p in ("corpus", "store", "index"))


def test_tracing_is_no_secret(home: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANGSMITH_TRACING", "true")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("rag.doctor._index", lambda config: iter(()))  # a chain would try to send
        assert "LANGSMITH_TRACING is on" in found(home)["privacy"].said


def _with(config: Config, llm: str, deadline: float = 60.0) -> Config:
    from dataclasses import replace

    return replace(config, llm=llm, llm_deadline_s=deadline)


def test_a_question_for_a_model_that_is_not_there_is_refused(home: Config) -> None:
    from rag.chain import load_chain
    from rag.types import Question

    with pytest.raises(BadInput, match="RAG_LLM=provider:model brings a language model in"):
        load_chain(home).invoke(Question("When?", answerer="both"))
