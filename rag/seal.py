"""A generation's files, sealed: the hash of each when it was written, and private copies for those who open it.

Two traps live here. Opening a damaged Chroma folder can kill the process or answer wrongly, so nothing is opened
before its hashes are right. And Chroma rewrites its files whenever it opens them, after which no hash would tell
anything: so it is a copy that is opened, and what was sealed stays as it was. A copy costs milliseconds (6 MB for
1,500 sentences), works from a folder that can not be written, and outlives the index's removal.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import time
import weakref
from collections.abc import Mapping
from pathlib import Path

from filelock import FileLock, Timeout

MANIFEST = "manifest.json"
"""Holds the seal, so it is in none; the pointer has its hash."""
_PREFIX = "article-index-"
_YOUNG = 60
"""Seconds in which a copy may not have taken its lock yet."""


def sha256_of(path: Path) -> str:
    """Hash of a file, hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def seal(folder: Path) -> dict[str, str]:
    """Path below `folder` → sha256, of every file there but its manifest; {} when there is no folder."""
    return {name: sha256_of(folder / name) for name in _files(folder) if name != MANIFEST}


def _files(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def broken(folder: Path, sealed: Mapping[str, str]) -> list[str]:
    """The files that are damaged, missing or new since `folder` was sealed; empty when it is whole."""
    held = seal(folder)
    return sorted(name for name in held.keys() | sealed.keys() if held.get(name) != sealed.get(name))


class Copy:
    """A folder's private copy. `close`, or the garbage collector, deletes it; what a killed process left behind, the
    next one does."""

    def __init__(self, folder: Path) -> None:
        _sweep()
        home = Path(tempfile.mkdtemp(prefix=_PREFIX))
        lock = FileLock(home / "lock", thread_local=False)
        lock.acquire()
        self.close = weakref.finalize(self, _remove, lock, home)
        self.path = home / folder.name
        for name in _files(folder):
            (self.path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(folder / name, self.path / name)  # not copytree: it copies "read-only" too


def _remove(lock: FileLock, home: Path) -> None:
    lock.release()
    shutil.rmtree(home, ignore_errors=True)


def _sweep() -> None:
    """Delete copies whose owner died: the system lets go of a dead process's lock."""
    for home in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        try:
            if time.time() - home.stat().st_mtime > _YOUNG:
                with FileLock(home / "lock", timeout=0):
                    shutil.rmtree(home, ignore_errors=True)
        except (OSError, Timeout):
            continue  # in use, another user's, or gone by now
