"""What the README shows is what happens."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from rag.config import Config

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PROSE = README + (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def shown() -> list[tuple[str, str]]:
    """(command, what it prints) for each `$ command` in a code block."""
    blocks = re.findall(r"^```\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
    return [(c, out) for block in blocks for c, out in re.findall(r"^\$ (.+)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE)]


def test_the_readme_shows_a_question() -> None:
    assert any("-m rag ask" in command for command, _ in shown())


@pytest.mark.parametrize(("command", "output"), shown())
def test_a_command_prints_what_the_readme_shows(command: str, output: str, tmp_path: Path) -> None:
    words = [sys.executable if w == ".venv/bin/python" else w for w in shlex.split(command)]
    plain = {k: v for k, v in os.environ.items() if not k.startswith("RAG_")}
    done = subprocess.run(
        words, cwd=ROOT, capture_output=True, text=True, env={**plain, "RAG_INDEX": str(tmp_path / "index")}
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == output.split()  # the README breaks long lines


@pytest.mark.parametrize("target", sorted(set(re.findall(r"`?\bmake ([a-z]+)(?=[\s`;,(]|$)", PROSE)) - {"it", "a", "an"}))
def test_make_has_the_targets_that_are_named(target: str) -> None:
    done = subprocess.run(["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", sorted(set(re.findall(r"python -m ((?:rag|eval) [a-z]+|ui)\b", PROSE))))
def test_a_command_that_is_named_explains_itself(command: str) -> None:
    words = [sys.executable, "-m", *command.split(), "--help"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout.startswith("usage: ")) == (0, True), done.stderr


def test_the_table_of_settings_is_the_configuration() -> None:
    table: dict[str, str] = {}
    for names, default in re.findall(r"^\| (`RAG_\w+`(?:, `RAG_\w+`)*) \| (.*?) \|", README, re.MULTILINE):
        found = re.findall(r"RAG_(\w+)", names)
        defaults = [d.strip().strip("`") for d in default.split(",")]
        table.update(zip(found, defaults, strict=True))
    assert set(table) == {name.upper() for name in Config.__dataclass_fields__}
    config = Config()
    for name, default in table.items():
        held = getattr(config, name.lower())
        assert default == f"{held:g}" if isinstance(held, (int, float)) else default == str(held) or not str(held), name


def test_files_that_are_named_are_there() -> None:
    for name in re.findall(r"\]\(((?!http)[^)#\s]+)\)", README):
        assert (ROOT / name).exists(), name
