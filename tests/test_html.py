"""A saved page with markup: its text in, its menus and scripts out, and no page can stop the program."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from rag.errors import BadInput
from rag.html import encoding_of, main_text
from rag.load import load_articles
from tests.test_clean import BEES

HEAD = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>How bees find their way | Bee Weekly</title>
<meta property="og:site_name" content="Bee Weekly"><meta name="author" content="Ana Ruiz">
<script>var stolen = "The script says that bees are spies of the king.";</script><style>p{color:red}</style></head>"""
BODY = f"""<body><nav><ul><li><a href="/">Home</a></li><li><a href="/about">About us</a></li></ul></nav>
<div class="cookie-banner"><p>We use cookies to make this site better for you.</p><button>Accept</button></div>
<article><h1>How bees find their way</h1><p>By Ana Ruiz</p>
<p>{BEES[0]}</p><p onclick="alert(1)">{BEES[1].replace("angle", "<em>angle</em>")}</p>
<h2>The dance</h2><p>{BEES[2]}<br>{BEES[3]}</p>
<ul><li>left for clover</li><li>right for lime</li></ul>
<p>{BEES[4]}</p><script>document.write("<p>An injected paragraph of text.</p>")</script><p>{BEES[5]} &lt;b&gt;</p></article>
<section class="comments"><h3>2 Comments</h3><div class="comment"><p>I do not believe a word of this.</p></div></section>
<footer><p>© 2024 Bee Weekly. Subscribe to our letter.</p></footer></body></html>"""


def put(folder: Path, data: bytes | str, name: str = "bees.html") -> Path:
    path = folder / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def test_a_saved_page_gives_its_article_and_nothing_around_it(tmp_path: Path) -> None:
    [article] = load_articles(put(tmp_path, HEAD + BODY), 1)
    assert (article.id, article.title, article.source) == ("bees-find-way", "How bees find their way", "bees.html")
    lists = "- left for clover\n- right for lime"
    wanted = [BEES[0], BEES[1], "The dance", BEES[2], BEES[3], lists, BEES[4], BEES[5] + " <b>"]
    assert [p for p in article.text.split("\n\n") if p != "By Ana Ruiz"] == wanted
    assert article.metadata["publisher"] == "Bee Weekly" and article.metadata["byline"] == "Ana Ruiz"


def test_a_name_can_be_given_to_its_one_article(tmp_path: Path) -> None:
    path = put(tmp_path, HEAD + BODY)
    assert load_articles(path, 1, ["my-bees"])[0].id == "my-bees"
    for names in (["a b"], ["one", "two"]):
        with pytest.raises(BadInput, match="can not name its one article"):
            load_articles(path, 1, names)


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (b"\xef\xbb\xbf<p>", "utf-8-sig"),
        (b"\xff\xfe<\x00p\x00>\x00", "utf-16"),
        (b'<meta http-equiv="Content-Type" content="text/html; charset=euc-kr">', "euc-kr"),
        (b"<meta charset='iso-8859-1'>", "cp1252"),
        (b"<meta charset=nonsense>", "utf-8"),
        (b"<meta charset=utf-16>", "utf-8"),
        (b"<p>", "utf-8"),
    ],
)
def test_a_page_is_read_in_the_encoding_it_names(data: bytes, encoding: str) -> None:
    assert encoding_of(data) == encoding


def test_a_korean_page_in_its_own_encoding(tmp_path: Path) -> None:
    page = '<html><head><meta charset="euc-kr"><title>두뇌</title></head><body><article>'
    page += "".join(f"<p>서울대학교는 교수 {n}명을 잃었다고 밝혔다. 이들은 해외로 떠났다.</p>" for n in range(9))
    [article] = load_articles(put(tmp_path, (page + "</article></body></html>").encode("euc-kr")), 1)
    assert "서울대학교는 교수 3명을 잃었다고 밝혔다." in article.text


SAID = "".join(f"<p>{b}</p>" for b in BEES)


@pytest.mark.parametrize(
    "page",
    [
        "<div>" * 1_000_000 + SAID,  # 5 MB, deeper than any tree
        "<div>" * 200_000 + SAID + "</div>" * 200_000,
        f"{SAID}<script>{'x' * 3_000_000}</script>",
        f'<p data-x="{"x" * 3_000_000}">{BEES[0]}</p>{SAID}',
        f'<script type="application/ld+json">{"[" * 100_000}</script>{SAID}',
        "<table><tr><td>" * 80 + SAID + "</td></tr></table>" * 80,
        f'{SAID}<svg><use href="data:image/svg+xml,x"/></svg><iframe srcdoc="<p>Framed.</p>"></iframe>',
    ],
    ids=["deep", "deep-and-closed", "script", "attribute", "json", "tables", "frames"],
)
def test_markup_made_to_hurt_is_read_or_refused(page: str) -> None:
    try:
        text = main_text(f"<html><body>{page}</body></html>", "bad.html").text
    except BadInput as refusal:
        assert str(refusal).startswith("bad.html: ") and "save it as a .txt file" in str(refusal)
    else:
        assert BEES[1] in text and "xxxx" not in text and "Framed" not in text


def test_markup_that_takes_too_long_is_given_up() -> None:
    page = f"<html><body>{SAID}{'<a href=x>link ' * 300_000}</body></html>"  # minutes: links that are never closed
    started = time.monotonic()
    with pytest.raises(BadInput, match="bad.html: no text was found in 3 seconds"):
        main_text(page, "bad.html", seconds=3)
    assert time.monotonic() - started < 60


def test_an_entity_opens_no_file() -> None:
    entity = '<!DOCTYPE html [<!ENTITY x SYSTEM "file:///etc/hostname"><!ENTITY y "lol">]>'
    text = main_text(f"{entity}<html><body><p>{BEES[0]} &x; &y;</p>{SAID}</body></html>", "xxe.html").text
    assert Path("/etc/hostname").read_text().strip() not in text.replace("&x;", "") and BEES[0] in text


@pytest.mark.parametrize("page", ["", "<html></html>", "<html><body><script>alert(1)</script></body></html>"])
def test_a_page_without_text_is_refused(tmp_path: Path, page: str) -> None:
    with pytest.raises(BadInput, match="bees.html: "):
        load_articles(put(tmp_path, page), 1)


def test_reading_markup_does_not_load_the_extractor_here() -> None:
    assert main_text(f"<html><body><article>{SAID}</article></body></html>", "a.html").text.startswith(BEES[0])
    assert "trafilatura" not in sys.modules
