"""Pages of many shapes become articles: nothing of a text is lost, and a page's clutter goes where structure tells."""

from __future__ import annotations

import textwrap
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.clean import articles_of, normalise
from rag.errors import BadInput
from rag.frontmatter import from_markdown, keep_names, slug, to_markdown, write_corpus
from rag.lines import byline, unwrap
from rag.load import load_articles
from rag.types import Article

ROOT = Path(__file__).parent.parent
RAW = ROOT / "corpus" / "raw" / "daily8-korea-herald-page.txt"
NAMES = ["south-korea-brain-drain", "amata-city-of-tomorrow", "lupus-genetic-clues"]

BEES = [
    "A honeybee that comes home from a rich field of clover does not keep the news to itself.",
    "It climbs onto the comb and dances, and the angle of the dance tells the others where to fly.",
    "Karl von Frisch described the dance in 1927, and few of his colleagues believed him at first.",
    "He painted dots on the backs of his bees and watched them through a pane of glass for years.",
    "Today cameras do the watching, and 4,200 dances can be read in one afternoon by a single student.",
    "What the dance leaves out is the height of the field, so bees search low and high when they arrive.",
]
TIDES = [
    "Twice a day the sea in the Bay of Fundy rises by as much as 16 metres, higher than anywhere else.",
    "The bay is as long as it needs to be for the water to slosh in step with the moon.",
    "Engineers have tried to harvest that motion since 1910, and most of their machines have broken.",
    "The newest turbine, lowered in 2016, was damaged by the same current that it was built to use.",
    "Fishers fear for lobster and herring, and they have asked the courts to stop the next attempt.",
]


def cleaned(page: str, source: str = "page.txt") -> tuple[list[Article], list[str]]:
    return articles_of(page, source, "00")


def only(page: str, source: str = "page.txt") -> Article:
    [article] = cleaned(page, source)[0]
    return article


# The user's page


def test_the_page_gives_the_three_articles_of_the_corpus_byte_for_byte(tmp_path: Path) -> None:
    write_corpus(load_articles(RAW, 10, NAMES), tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(f"{name}.md" for name in NAMES)
    for name in NAMES:
        assert (tmp_path / f"{name}.md").read_bytes() == (ROOT / "corpus" / f"{name}.md").read_bytes(), name


def test_indexing_the_page_again_finds_the_names_in_the_corpus() -> None:
    articles = keep_names(load_articles(RAW, 10), ROOT / "corpus")
    assert [a.id for a in articles] == NAMES
    for article in articles:
        assert to_markdown(article).encode() == (ROOT / "corpus" / f"{article.id}.md").read_bytes()


def test_the_main_article_has_every_paragraph_and_no_clutter() -> None:
    remarks: list[str] = []
    main, amata, lupus = load_articles(RAW, 10, remark=remarks.append)
    raw = normalise(RAW.read_text(encoding="utf-8")).split("\n")
    assert main.text.split("\n\n") == raw[6:31]
    assert "\n\nKorea's AI experts leaving\n\n" in main.text
    assert amata.text in raw and lupus.text in raw
    assert [a.metadata["published"] for a in (main, amata, lupus)] == ["a day ago", "9 hours ago", "11 hours ago"]
    assert {a.metadata["publisher"] for a in (main, amata, lupus)} == {"Korea Herald"}
    assert [a.metadata["role"] for a in (main, amata, lupus)] == ["main", "related", "related"]
    assert remarks[1].startswith(
        'left out: "South Korea\'s brain drain -- Why top talent is leaving" (99% of its words'
    )


def test_the_promotion_goes_when_another_article_stands_last() -> None:
    lines = RAW.read_text(encoding="utf-8").split("\n")
    second_copy = lines.index("South Korea's brain drain -- Why top talent is leaving")
    end = lines.index("DOWNLOAD THE APP")
    articles, _ = cleaned("\n".join(lines[:second_copy] + lines[end:]))
    assert len(articles) == 3
    assert articles[2].text.endswith("one of the most prestigious international journals in the field.")


# Other shapes


def test_plain_text_without_title_stays_whole_and_takes_the_files_name() -> None:
    article = only("\n\n".join(BEES), "bees.txt")
    assert (article.title, article.text) == ("bees", "\n\n".join(BEES))


def test_plain_text_keeps_its_odd_lines() -> None:
    odd = ["Bees", BEES[0], "He won.", "What you need:", "- sugar", "- water", BEES[1], "The end"]
    article = only("\n".join(odd))
    assert article.title == "Bees"
    assert article.text.replace("\n\n", "\n").split("\n") == odd[1:]


def test_a_poem_is_not_a_menu() -> None:
    verses = [
        "The bees are in the clover",
        "and the clover in the rain",
        "",
        "the summer will be over",
        "and come again",
    ]
    assert only("\n".join(verses), "poem.txt").text == "\n".join(verses[1:])
    assert only("\n".join([*verses, BEES[0]]), "poem.txt").text == "\n".join(verses[1:]) + "\n\n" + BEES[0]


def test_a_long_table_above_its_only_sentence_is_kept_and_does_not_take_long() -> None:
    rows = [f"Field {n} with {n} bees" for n in range(20_000)]
    started = time.monotonic()
    assert only("\n".join([*rows, BEES[0]])).text == "\n".join(rows[1:]) + "\n\n" + BEES[0]
    assert time.monotonic() - started < 10  # compared line by line with each other, they took 40 seconds


def test_a_blog_page_loses_menu_cookie_banner_and_footer() -> None:
    menu = [
        "Home",
        "About",
        "Archive",
        "Contact",
        "We use cookies to make this site better for you.",
        "Accept",
        "Reject",
    ]
    head = ["How bees find their way", "By Ana Ruiz", "12 March 2024", "5 min read"]
    foot = [
        "Share this",
        "Twitter",
        "Subscribe to our letter and get one story every week.",
        "© 2024 Bee Blog.",
        "Privacy",
    ]
    articles, remarks = cleaned("\n\n".join([*menu, *head, *BEES[:3], "What he saw", *BEES[3:], *foot]))
    assert [a.title for a in articles] == ["How bees find their way"]
    assert articles[0].text == "\n\n".join([*BEES[:3], "What he saw", *BEES[3:]])
    assert articles[0].metadata["byline"] == "Ana Ruiz"
    assert articles[0].metadata["published"] == "12 March 2024"
    assert remarks[0].startswith("left out: 13 lines around the articles (menus, buttons, captions): ")


def test_a_menu_alone_shows_a_page_even_without_a_byline() -> None:
    menu = ["Home", "About", "Archive", "Contact", "How bees find their way"]
    article = only("\n".join([*menu, *BEES, "Share this", "Twitter"]))
    assert article.title == "How bees find their way"
    assert article.text == "\n\n".join(BEES)


def test_two_articles_on_one_page_are_two() -> None:
    one = ["How bees find their way", "By Ana Ruiz", "12 March 2024", *BEES]
    two = [
        "The tide that breaks its machines",
        "Sea Weekly • 3 days ago",
        "Why nobody has tamed the Bay of Fundy",
        *TIDES,
    ]
    articles, _ = cleaned("\n".join([*one, *two]))
    assert [a.title for a in articles] == ["How bees find their way", "The tide that breaks its machines"]
    assert articles[0].text == "\n\n".join(BEES)
    assert articles[1].text == "\n\n".join(["Why nobody has tamed the Bay of Fundy", *TIDES])
    assert articles[1].metadata["publisher"] == "Sea Weekly"


def test_a_second_copy_with_other_figures_is_left_out_and_named() -> None:
    one = ["How bees find their way", "2 hours ago", *BEES]
    copy = [
        "Bees: how they find their way",
        "1 hour ago",
        *[b.replace("4,200", "4,300").replace("1927", "1926") for b in BEES],
    ]
    articles, remarks = cleaned("\n".join([*one, *copy]))
    assert [a.text for a in articles] == ["\n\n".join(BEES)]
    assert remarks == [
        "left out: 'Bees: how they find their way' (98% of its words are in 'How bees find their way', which is kept)"
    ]


def test_a_teaser_gives_way_to_the_full_text_below_it() -> None:
    teaser = ["How bees find their way", "2 hours ago", *BEES[:2]]
    full = ["How bees find their way home", "2 hours ago", *BEES]
    articles, _ = cleaned("\n".join([*teaser, *full]))
    assert [(a.title, a.text) for a in articles] == [("How bees find their way home", "\n\n".join(BEES))]


def test_comments_are_left_out_and_the_article_behind_them_is_not() -> None:
    one = ["How bees find their way", "By Ana Ruiz", *BEES]
    said = "I have kept bees for thirty years and I do not believe a word of this dance."
    comments = ["2 Comments", "John Doe", "2 hours ago", said, "Reply", "May Lin", "1 hour ago", said.upper(), "Reply"]
    two = ["The tide that breaks its machines", "3 days ago", *TIDES]
    articles, remarks = cleaned("\n".join([*one, *comments, *two]))
    assert [a.text for a in articles] == ["\n\n".join(BEES), "\n\n".join(TIDES)]
    assert "left out: what stands under '2 Comments' (48 words)" in remarks


def test_a_heading_called_comments_is_no_comment_section() -> None:
    article = only("\n\n".join(["How bees find their way", *BEES[:3], "Comments", *BEES[3:]]))
    assert article.text == "\n\n".join([*BEES[:3], "Comments", *BEES[3:]])


def test_a_short_article_of_three_sentences_is_an_article() -> None:
    article = only(
        "Storm closes port\nStorm closes port\n3 hours ago\nThe port is closed. Ships wait outside. It reopens at noon."
    )
    assert (article.title, article.text) == (
        "Storm closes port",
        "The port is closed. Ships wait outside. It reopens at noon.",
    )


def test_a_list_at_the_end_of_a_page_is_text() -> None:
    lines = [
        "How bees find their way",
        "12 March 2024",
        *BEES,
        "They dance for these flowers:",
        "clover",
        "- lime",
        "",
        "About us",
    ]
    assert only("\n".join(lines)).text.endswith("They dance for these flowers:\nclover\n- lime")


def test_markdown_gives_title_and_plain_headings_and_keeps_its_lists() -> None:
    page = "# How **bees** see\n\nSee [Frisch](https://x.example/f).\n\n"
    page += "## The dance\n\n- left\n- right\n\n```\n# no_title\n```\n"
    article = only(page, "notes.md")
    assert article.title == "How bees see"
    assert article.text == "See Frisch.\n\nThe dance\n\n- left\n- right\n\n```\n# no_title\n```"


def test_a_link_goes_with_its_address_whole() -> None:
    page = '# Bees\n\nSee [the dance](https://x.example/Dance_(bee) "a title"), ![comb](comb.png)and [sic] (twice).\n'
    assert only(page, "notes.md").text == "See the dance, and [sic] (twice)."


def test_a_press_release_keeps_every_line_since_none_is_clutter_for_sure() -> None:
    page = ["FOR IMMEDIATE RELEASE", "Contact: Ana Ruiz, press@bees.example", *BEES[:4], "About the hive", BEES[4], "###"]
    article = only("\n\n".join(page), "release.txt")
    assert article.text == "\n\n".join(page[1:])


def test_an_interview_is_no_menu() -> None:
    turns = ["Q: When did it open?", "A: In 1892, my grandfather was there.", "[Music]", "Q: Thank you.", "A: Good bye."]
    assert only("\n\n".join(["Interview with Ida Holm", *turns])).text == "\n\n".join(turns)


def test_text_broken_at_a_fixed_width_is_joined_again() -> None:
    paragraph = " ".join(BEES)
    broken = textwrap.fill(paragraph, 72)
    assert broken.count("\n") == 7
    assert only(f"Bees\n\n{broken}\n\n{BEES[0]}").text == f"{paragraph}\n\n{BEES[0]}"
    assert unwrap("a\nb\n\nc") == "a\nb\n\nc"


@pytest.mark.parametrize("page", ["", " \n\u200b\n"])
def test_nothing_gives_no_article(page: str) -> None:
    assert cleaned(page) == ([], [])


# Lines, names


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("Korea Heralda day ago", {"published": "a day ago", "publisher": "Korea Herald"}),
        ("time9 hours ago", {"published": "9 hours ago"}),
        ("By Ana Ruiz | March 3rd, 2024", {"published": "March 3rd, 2024", "byline": "Ana Ruiz"}),
        ("Published: 2024-03-12 10:15", {"published": "2024-03-12"}),
        ("Posted by Ana on 12 March 2024 in Beekeeping", {"published": "12 March 2024", "byline": "Ana"}),
        ("By the river", None),
        ("Korea's AI experts leaving", None),
        ("Nobody in the whole of Seoul had thought of it a year ago", None),
    ],
)
def test_a_line_below_a_title_tells_who_and_when(line: str, expected: dict[str, str] | None) -> None:
    assert byline(line) == expected


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("South Korea's brain drain - Why top talent is leaving", "south-korea-brain-drain"),
        ("Korean researchers unlock genetic clues to lupus", "korean-researchers-unlock-genetic-clues"),
        ("All", "all"),
        ("The Who", "the-who"),
        ("두뇌 유출", "두뇌-유출"),
        ("???", "article"),
    ],
)
def test_a_slug_is_short_and_readable(title: str, expected: str) -> None:
    assert slug(title) == expected


def test_ids_are_never_all_and_never_twice() -> None:
    page = "\n".join(["All", "2 days ago", *BEES, "All - the second part", "1 day ago", *TIDES])
    assert [a.id for a in cleaned(page)[0]] == ["all-2", "all-second-part"]
    page = "\n".join(["How bees see: one", "2 days ago", *BEES, "How bees see: two", "1 day ago", *TIDES])
    assert [a.id for a in cleaned(page)[0]] == ["bees-see", "bees-see-2"]


def test_a_name_that_leads_out_of_the_corpus_is_refused() -> None:
    for name in ("../../etc/passwd", "all", "", "a b"):
        with pytest.raises(BadInput, match="can not name an article"):
            articles_of(BEES[0], "bees.txt", "00", [name])
    with pytest.raises(BadInput, match="2 names were given for 1 article"):
        articles_of(BEES[0], "bees.txt", "00", ["one", "two"])


# Invariants over random text


def test_normalise_drops_what_can_not_be_seen_and_keeps_quotes_and_dashes() -> None:
    page = "\ufeff“Smart\u00a0people”\u2028don’t\u00ad —\t\x07stay\u200b  \r\n\r\n\n\n– Cafe\u0301\r"
    assert normalise(page) == "“Smart people”\ndon’t — stay\n\n– Café"
    assert normalise("👩\u200d🔬 می\u200cروم a\u200db") == "👩\u200d🔬 می\u200cروم ab"


SPICE = st.sampled_from(
    list("\r\n\x00\x85\u00ad\u200b\u200c\u200d\ufeff\u00a0\u0301\u212a \te👩م") + ["\r\n", "\ud800"]
)


@given(st.lists(st.one_of(st.text(), SPICE)).map("".join))
def test_normalise_twice_is_normalise_once(text: str) -> None:
    once = normalise(text)
    assert normalise(once) == once


VALUES = st.text(st.characters(exclude_categories=["Cs"]))


@given(
    VALUES.filter(bool),
    VALUES.filter(str.strip),
    VALUES,
    st.dictionaries(st.sampled_from(["publisher", "role", "x"]), VALUES),
)
def test_an_article_survives_its_file(title: str, text: str, source: str, metadata: dict[str, str]) -> None:
    article = Article("a", title, text, source, metadata)
    assert from_markdown(to_markdown(article), "a") == article


PARAGRAPHS = st.lists(
    st.sampled_from([*BEES, *TIDES, "He won.", "What he saw", "- sugar", "Twelve words?"]), min_size=1
)


@given(PARAGRAPHS)
def test_a_text_without_byline_menu_or_repetition_loses_nothing(paragraphs: list[str]) -> None:
    distinct = list(dict.fromkeys([BEES[0], *paragraphs]))
    assert only("\n\n".join(distinct)).text == "\n\n".join(distinct)


ODD = [
    "How bees find their way",
    "How bees find their way",
    "By Ana Ruiz",
    "Sea Weekly2 days ago",
    "2 Comments",
    "Reply",
]
ODD += ["Home", "About", "Share this", "Sign up and never miss a story of ours again.", "Read more:", "- lime", ""]


@given(st.lists(st.sampled_from([*ODD, *BEES, *TIDES, "  • Sea Weekly", "The tide that breaks its machines"])))
def test_whatever_the_page_its_articles_are_made_of_its_lines(lines: list[str]) -> None:
    page = {line.strip() for line in lines}
    for article in cleaned("\n".join(lines))[0]:
        assert article.title in page | {"page"}
        assert article.text == normalise(article.text)
        assert set(article.text.split("\n")) <= page | {""}
