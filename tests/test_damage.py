"""A damaged index: never opened, never answered from, and built again; Chroma alone would crash or answer wrongly."""

import ctypes
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rag.build import build_index
from rag.chain import load_chain
from rag.config import Config
from rag.errors import IndexMismatch, IndexMissing, StoreUnavailable
from rag.seal import Copy, seal
from rag.types import Question
from tests.conftest import HARBOUR, MUSEUM

ASKED = Question("When did the harbour open?")
SAID = "The harbour opened in 1892."


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Config:
    config = Config(index=tmp_path_factory.mktemp("whole") / "index")
    build_index([HARBOUR, MUSEUM], config)
    return config


@pytest.fixture
def copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], list[Path]]]:
    """The private copies there are, in a temporary folder of their own."""
    (tmp_path / "temp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temp"))
    yield lambda: list((tmp_path / "temp").glob("article-index-*"))


def files_of(index: Path) -> list[str]:
    return sorted(str(p.relative_to(index)) for p in index.rglob("*") if p.is_file() and p.name != "lock")


def mutations(data: bytes, chance: random.Random) -> Iterator[bytes]:
    """Twenty and more: cut off at the end and at the start, emptied, grown, bits flipped, blocks zeroed or swapped."""
    yield from (b"", data[:-1], data[1:], data[: len(data) // 2], data + b"\0", data + data, b"\xff" * len(data))
    for _ in range(9):
        at = chance.randrange(len(data))
        yield data[:at] + bytes([data[at] ^ (1 << chance.randrange(8))]) + data[at + 1 :]
    for _ in range(5):
        at = chance.randrange(len(data))
        yield data[:at] + bytes(min(64, len(data) - at)) + data[at + 64 :]
        yield data[at:] + data[:at]


def test_no_damage_to_any_file_of_the_index_is_answered_from(whole: Config, tmp_path: Path) -> None:
    chance = random.Random(20)
    config = Config(index=tmp_path / "index")
    shutil.copytree(whole.index, config.index)
    files = files_of(config.index)
    assert {Path(f).name for f in files} >= {"CURRENT", "manifest.json", "articles.json", "chroma.sqlite3", "length.bin"}
    tried = 0
    for name in files:
        path = config.index / name
        data = path.read_bytes()
        for mutated in mutations(data, chance) if data else [b"\0"]:
            if mutated.split() == data.split():
                continue  # white space round the pointer is no damage
            path.write_bytes(mutated)
            with pytest.raises((IndexMismatch, IndexMissing), match="python -m rag index"):
                load_chain(config)
            tried += 1
        path.unlink()
        with pytest.raises((IndexMismatch, IndexMissing), match="python -m rag index"):
            load_chain(config)
        path.write_bytes(data)
    assert tried > 20 * 7
    assert load_chain(config).invoke(ASKED).citations[0].quote == SAID


@pytest.mark.parametrize("name", ["CURRENT", "manifest.json", "articles.json", "chroma.sqlite3", "data_level0.bin"])
def test_a_damaged_index_is_built_again_from_the_corpus(whole: Config, tmp_path: Path, name: str) -> None:
    config = Config(index=tmp_path / "index")
    shutil.copytree(whole.index, config.index)
    path = next(config.index.rglob(name))
    path.write_bytes(path.read_bytes()[:-3])
    said: list[str] = []
    build_index([HARBOUR, MUSEUM], config, lambda stage, *_: said.append(stage))
    if name.endswith((".sqlite3", ".bin", "articles.json")):
        assert said[0].startswith("Building the index again. The index is damaged: ") and name in said[0]
    assert load_chain(config).invoke(ASKED).citations[0].quote == SAID


def test_what_is_opened_is_a_copy_and_the_index_stays_as_it_was(
    whole: Config, copies: Callable[[], list[Path]]
) -> None:
    before = seal(whole.index)
    one, two = load_chain(whole), load_chain(whole)
    assert one.invoke(ASKED).citations == two.invoke(ASKED).citations
    assert len(copies()) == 2
    del one, two
    assert copies() == []
    assert seal(whole.index) == before


def test_an_index_removed_while_a_question_is_asked_is_said_and_can_come_back(tmp_path: Path) -> None:
    config = Config(index=tmp_path / "index")
    build_index([HARBOUR], config)
    chain = load_chain(config)
    shutil.rmtree(config.index)
    with pytest.raises(IndexMissing, match="There is no index in .* yet. Run `python -m rag index`"):
        chain.invoke(ASKED)
    build_index([HARBOUR], config)
    assert chain.invoke(ASKED).citations[0].quote == SAID


KILLED = """
import os, signal, sys, tempfile
from pathlib import Path
from rag.seal import Copy
tempfile.tempdir = sys.argv[1]
copy = Copy(Path(sys.argv[2]))
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_the_copy_of_a_killed_process_is_deleted_by_the_next_one(tmp_path: Path, copies: Callable[[], list[Path]]) -> None:
    (tmp_path / "gen").mkdir()
    (tmp_path / "gen" / "a.txt").write_text("a")
    subprocess.run([sys.executable, "-c", KILLED, tempfile.gettempdir(), str(tmp_path / "gen")])
    [left] = copies()
    mine = Copy(tmp_path / "gen")
    assert left in copies()  # it is young: its owner might be about to lock it
    for home in copies():
        os.utime(home, (1, 1))
    other = Copy(tmp_path / "gen")
    assert set(copies()) == {mine.path.parent, other.path.parent}  # old or not, what is locked is in use


def test_a_disk_that_is_full_is_one_clear_line(whole: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device", "copy")

    monkeypatch.setattr(shutil, "copyfile", full)
    with pytest.raises(StoreUnavailable, match="can not be opened: copy can not be used .No space left on device.") as f:
        load_chain(whole)
    assert "\n" not in str(f.value)


# A folder that can not be written. Root may write everywhere, so the process under test gives that right up.

CAP_DAC_OVERRIDE, PR_CAPBSET_DROP = 1, 24


def bound_by_permissions() -> None:
    ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, 0, 0, 0)


def rag(config: Config, *args: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "RAG_INDEX": str(config.index), "RAG_CORPUS": str(config.corpus), "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "-m", "rag", *args]
    return subprocess.run(command, capture_output=True, text=True, env=env, preexec_fn=bound_by_permissions)


def test_an_index_that_may_only_be_read_answers_but_takes_nothing_new(tmp_path: Path) -> None:
    config = Config(corpus=tmp_path / "corpus", index=tmp_path / "index")
    config.corpus.mkdir()
    page = config.corpus / "harbour.md"
    page.write_text(HARBOUR.text)
    assert rag(config, "index").returncode == 0
    try:
        for folder, _, files in os.walk(config.index):
            for name in files:
                os.chmod(Path(folder) / name, 0o444)
            os.chmod(folder, 0o555)
        with pytest.raises(PermissionError):  # or what follows would prove nothing
            _refused(config.index)
        answer = json.loads(rag(config, "ask", ASKED.text, "--json").stdout)
        assert answer["citations"][0]["quote"] == SAID
        before = seal(config.index)
        page.write_text(HARBOUR.text + " It closed in 1950.")
        done = rag(config, "ask", ASKED.text)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
        assert done.stderr.startswith("error: The index can not be written: no permission for")
        assert "Make the folder writable, or set RAG_INDEX to another one." in done.stderr
        assert seal(config.index) == before
    finally:
        for folder, _, _ in os.walk(config.index):
            os.chmod(folder, 0o755)


def _refused(folder: Path) -> None:
    code = "import sys; open(sys.argv[1], 'w')"
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder / "x")], capture_output=True, text=True, preexec_fn=bound_by_permissions
    )
    if "PermissionError" in done.stderr:
        raise PermissionError
