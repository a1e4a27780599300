"""How far a run is: lines where a log is read, a bar with the score and the time left where a person looks."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from eval.progress import progress

SCRIPT = """
import time
from eval.progress import progress
with progress(4, [True]) as step:
    for right in (True, False, True):
        time.sleep(0.3)
        step(right)
"""


def test_a_log_gets_a_line_per_tenth_with_score_and_time_left(capsys: pytest.CaptureFixture[str]) -> None:
    with progress(20, [False, False]) as step:
        for _ in range(18):
            step(True)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 9
    assert lines[0].startswith("asked 4/20, right 0.500, ") and lines[0].endswith(" s left")
    assert lines[-1] == "asked 20/20, right 0.900, 0 s left"


def test_a_terminal_gets_a_bar_with_score_and_time_left() -> None:
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "100"}
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT], stdin=theirs, stdout=theirs, stderr=theirs, env=environment,
        cwd=Path(__file__).parents[1],
    )  # fmt: skip
    os.close(theirs)
    shown = b""
    while True:
        try:
            part = os.read(ours, 4096)
        except OSError:  # the terminal is closed on the other side
            break
        if not part:
            break
        shown += part
    assert process.wait(timeout=60) == 0
    os.close(ours)
    text = shown.decode("utf-8", "replace")
    assert "asking" in text and "4/4" in text and "0.750" in text
    assert "0:00:00" in text, "the time left"
