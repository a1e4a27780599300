"""A file is read exactly or refused in one line that says what, why and what next."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rag.errors import BadInput, StoreUnavailable
from rag.frontmatter import keep_names, write_corpus
from rag.load import load_articles, read_page
from rag.types import Article

TEXT = "Bees dance to tell the others where the clover is. They leave out how high it grows.\n"


def put(folder: Path, name: str, data: bytes | str) -> Path:
    path = folder / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_utf8_and_utf16_with_a_mark_are_read(tmp_path: Path, encoding: str) -> None:
    text = "“Café” — 두뇌\n"
    assert read_page(put(tmp_path, "a.txt", text.encode(encoding)), 1) == text


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.txt", b"", "is empty: there is no text in it"),
        ("a.txt", " \n\u200b\t\n", "is empty: there is no text in it"),
        ("a.txt", b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "is a binary file .it holds NUL bytes."),
        ("a.txt", b"\x01\x02\x03\x04 text", "looks like a binary file .4 control characters."),
        (
            "a.txt",
            "Café".encode("latin-1"),
            "is not UTF-8: byte 0xe9 at offset 3.* iconv -f WINDOWS-1252 -t UTF-8 a.txt",
        ),
        ("a.txt", b"\xef\xbb\xbfCaf\xe9", "is not UTF-8: byte 0xe9 at offset 6"),
        ("a.txt", b"\xff\xfea\x00b", "is damaged UTF-16 at byte 4"),
        ("a.txt", "  <!DOCTYPE html><p>Bees.</p>", "holds HTML. Call it a.html, and its main text is read"),
        ("a.html", "<p>Caf\xe9".encode("latin-1"), "is not UTF-8: byte 0xe9 at offset 6"),
        ("a.html", b"<meta charset=euc-kr>\xff", "is damaged euc-kr at byte 21"),
        ("a.pdf", TEXT, "files of the kind .pdf are not read. Give a .txt, .md or .html file"),
        ("a", TEXT, "files of the kind .no suffix. are not read"),
    ],
)
def test_what_is_no_text_is_refused(tmp_path: Path, name: str, data: bytes | str, message: str) -> None:
    with pytest.raises(BadInput, match=message) as refusal:
        read_page(put(tmp_path, name, data), 1)
    assert "\n" not in str(refusal.value)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="gone.txt does not exist. Check the spelling"):
        read_page(tmp_path / "gone.txt", 1)
    with pytest.raises(BadInput, match=r"is a folder. Give the files in it, for example .*/\*.md"):
        read_page(tmp_path, 1)


def test_a_large_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "disk.txt"
    with path.open("wb") as file:
        file.truncate(50_000_000)
    with pytest.raises(BadInput, match=r"has 50.0 MB; the limit is 10 MB \(RAG_MAX_FILE_MB\)"):
        read_page(path, 10)


def test_windows_text_comes_out_clean(tmp_path: Path) -> None:
    path = put(
        tmp_path, "bees.txt", "\ufeffBees\r\n\r\nThey dance to tell the oth\u00aders\u00a0where the clover is.\r\n"
    )
    [article] = load_articles(path, 1)
    assert (article.id, article.title) == ("bees", "Bees")
    assert article.text == "They dance to tell the others where the clover is."


def test_a_markdown_file_is_called_by_its_file_name(tmp_path: Path) -> None:
    [article] = load_articles(put(tmp_path, "My notes_2.md", "# Bees\n\n" + TEXT), 1)
    assert (article.id, article.title, article.text) == ("my-notes-2", "Bees", TEXT.strip())
    with pytest.raises(BadInput, match='"all" means every article'):
        load_articles(put(tmp_path, "all.md", TEXT), 1)


def test_notes_with_front_matter_of_their_own_are_read(tmp_path: Path) -> None:
    notes = "---\ntags: [bees, dance]\ndate: 2024-03-12\n---\n# The dance\n\nThey **dance** for clover.\n"
    [article] = load_articles(put(tmp_path, "dance.md", notes), 1)
    assert (article.id, article.title, article.text) == ("dance", "The dance", "They dance for clover.")
    assert article.metadata["tags"] == "bees, dance"
    assert article.metadata["date"] == "2024-03-12"


def test_a_rule_at_the_top_is_not_front_matter(tmp_path: Path) -> None:
    [article] = load_articles(put(tmp_path, "rule.md", "---\n\n" + TEXT), 1)
    assert article.text == "---\n\n" + TEXT.strip()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("---\ntitle: Bees\n\nThey dance.\n", "bees.md, line 1: the front matter .* is never closed"),
        ("---\ntitle: Bees\nsource: a: b\n---\nThey dance.\n", "bees.md, line 3: the front matter is not YAML"),
        ("---\nsha256: 00\n---\nThey dance.\n", "bees.md, line 2: the front matter has no title"),
        ("---\ntitle: Bees\nsha256: 00\n---\n\n", "bees.md: there is no text below the front matter"),
        ("---\ntitle: Bees\n---\n\n", "bees.md: there is no text below the front matter"),
    ],
)
def test_broken_front_matter_is_named_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        load_articles(put(tmp_path, "bees.md", text), 1)


def bees(id_: str = "bees", text: str = "They dance.") -> Article:
    return Article(id_, "Bees", text, "page.txt", {"sha256": "00", "position": "1"})


def test_a_renamed_file_stays_renamed_and_strangers_keep_theirs(tmp_path: Path) -> None:
    write_corpus([bees("my-bees")], tmp_path)
    put(tmp_path, "tides.md", "# Tides of somebody else\n")
    again = keep_names([bees(text="They still dance."), Article("tides", "Tides", "It rises.", "page.txt")], tmp_path)
    assert [a.id for a in again] == ["my-bees", "tides-2"]


def test_an_unchanged_file_is_not_touched(tmp_path: Path) -> None:
    [path] = write_corpus([bees()], tmp_path)
    os.utime(path, (1, 1))
    write_corpus([bees()], tmp_path)
    assert path.stat().st_mtime == 1
    write_corpus([bees(text="They rest.")], tmp_path)
    assert path.read_text().endswith("---\n\nThey rest.\n")
    assert os.listdir(tmp_path) == ["bees.md"]


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    [path] = write_corpus([bees()], tmp_path)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreUnavailable, match="can not be written: No space left on device"):
        write_corpus([bees(text="They rest.")], tmp_path)
    assert path.read_text().endswith("---\n\nThey dance.\n")
    assert os.listdir(tmp_path) == ["bees.md"]
