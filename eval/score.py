"""One question and its answer → its metrics and its outcome. `run.py` writes them; `table.py` averages them.

The trap that lives here is the missing answer. A question that raised is scored like a wrong one (0 in every
metric that would have applied), never left out: leaving failures out raises the mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from eval import citations as c
from eval import metrics as m
from eval import ranking
from eval.sets import Example
from rag.types import Answer, Article, Citation, Hit

Metrics = dict[str, Any]
"""Name → float, None where the metric does not apply; plus `outcome`, `refused`, `citations`, `citations_valid`, and
`first_rank`, the rank of the first relevant passage."""
K = 5
"""How deep recall and nDCG look."""

RIGHT = "right"
OUTCOMES = (
    RIGHT,
    "retrieval miss",  # answerable: no retrieved passage holds the gold evidence, and the answer is wrong
    "reader miss",  # answerable: it was retrieved, and the answer is wrong all the same
    "bad citation",  # the answer is right; what it cites is not the evidence, or is not verbatim
    "wrong abstention",  # answerable, but refused
    "answered the unanswerable",
    "error",  # the chain raised, or gave no answer
)
"""Every question has exactly one, so the counts add up to n."""


def score(example: Example, answer: Answer | None, articles: Mapping[str, Article]) -> Metrics:
    """The metrics of one answer; `answer` is None when the chain raised. Definitions: see `eval/metrics.py`."""
    refused = answer is not None and answer.refused
    said = answer if answer is not None and not refused else None
    golds = [e.span for e in example.evidence]
    # An overview ("summarize it") answers without searching: there is no ranking to score. A failure never is.
    searched = said is None or bool(said.passages)
    found = [_passage_span(h, example.article) for h in answer.passages] if answer else []
    cited = [(q.start, q.end) for q in said.citations if q.article_id == example.article] if said else []
    right = _contains(example, said)
    valid = sum(_valid(q, articles) for q in said.citations) if said else 0
    count = len(said.citations) if said else 0
    hit = m.citation_hit(cited, golds) if golds else None
    yes_no = m.is_yes_no(example.answers)
    values: Metrics = {
        **_retrieval(found, golds if searched else []),
        **_overlap(example, said, refused),
        "containment": None if yes_no else right,
        "yes_no": right if yes_no else None,
        **_support(example, answer, said, golds, articles),
        "citation_hit": hit,
        "citations": count,
        "citations_valid": valid,
        "correct_and_cited": right * hit if right is not None and hit is not None else None,
        "refused": refused,
    }
    retrieved = not golds or m.reciprocal_rank(found, golds) > 0
    cited_well = hit != 0.0 and 0 < count == valid
    values["outcome"] = _outcome(example, answer, right != 0.0, retrieved, cited_well)
    return values


def _retrieval(found: list[m.Span], golds: list[m.Span]) -> Metrics:
    if not golds:
        return dict.fromkeys(("hit_at_1", "hit_at_3", "rr", "recall_at_5", "ndcg_at_5", "gold_share", "first_rank"))
    return {
        "hit_at_1": m.hit_at(1, found, golds),
        "hit_at_3": m.hit_at(3, found, golds),
        "rr": m.reciprocal_rank(found, golds),
        "recall_at_5": ranking.recall_at(K, found, golds),
        "ndcg_at_5": ranking.ndcg_at(K, found, golds),
        "gold_share": ranking.gold_share(found, golds),
        "first_rank": ranking.first_rank(found, golds),
    }


def _support(
    example: Example,
    answer: Answer | None,
    said: Answer | None,
    golds: list[m.Span],
    articles: Mapping[str, Article],
) -> Metrics:
    """ALCE's recall and precision, and the content-word precision of an answer that is more than its quotes."""
    if said is None:
        raised = 0.0 if answer is None and example.answerable else None
        return {"citation_recall": raised, "citation_precision": None, "content_precision": None}
    cited = {
        q.number: c.Cited(q.quote, c.gold_hit((q.start, q.end), golds) if q.article_id == example.article else False)
        for q in said.citations
    }
    made = c.statements(said.text, {number: q.quote for number, q in cited.items()})
    quoted = all(any(s.text in q.quote for q in cited.values()) for s in made)
    sources = _sources(said, articles)
    return {
        "citation_recall": c.citation_recall(made, cited),
        "citation_precision": c.citation_precision(made, cited),
        "content_precision": None if quoted or not sources else c.content_precision(_text(said), sources),
    }


def _sources(said: Answer, articles: Mapping[str, Article]) -> list[str]:
    """What a language model was given, which may be the whole article; else the passages."""
    if said.llm and said.llm.given:
        return [articles[slug].text[start:end] for slug, (start, end) in said.llm.given if slug in articles]
    return [h.passage.text for h in said.passages]


def _outcome(example: Example, answer: Answer | None, right: bool, retrieved: bool, cited_well: bool) -> str:
    if answer is None:
        return "error"
    if not example.answerable:
        return RIGHT if answer.refused else "answered the unanswerable"
    if answer.refused:
        return "wrong abstention"
    if not right:
        return "reader miss" if retrieved else "retrieval miss"
    return RIGHT if cited_well else "bad citation"


def prediction(answer: Answer) -> str:
    """What em and f1 look at: the exact span when there is one, else the text without its citation markers."""
    return answer.short if answer.short is not None else _text(answer)


def _overlap(example: Example, said: Answer | None, refused: bool) -> Metrics:
    """SQuAD v2 em and f1 over all questions: on an unanswerable one, abstaining is worth 1 and any answer 0."""
    if not example.answerable:
        return {"em": float(refused), "f1": float(refused), "f1_lenient": None, "token_recall": None}
    if not example.answers:
        return dict.fromkeys(("em", "f1", "f1_lenient", "token_recall"))
    yes_no = m.is_yes_no(example.answers)
    if said is None:
        return {"em": 0.0, "f1": 0.0, "f1_lenient": 0.0, "token_recall": None if yes_no else 0.0}
    text = prediction(said)
    return {
        "em": m.exact_match(text, example.answers),
        "f1": m.token_f1(text, example.answers),
        "f1_lenient": m.lenient_f1(text, example.answers),
        "token_recall": None if yes_no else m.token_recall(_text(said), example.answers),
    }


def _contains(example: Example, said: Answer | None) -> float | None:
    """Whether the text shown holds a gold; a yes or no may stand in `short` instead. None when there are no golds."""
    if not example.answerable or not example.answers:
        return None
    if said is None:
        return 0.0
    shown = m.containment(_text(said), example.answers)
    return max(shown, m.containment(said.short or "", example.answers)) if m.is_yes_no(example.answers) else shown


def _text(answer: Answer) -> str:
    return m.strip_markers(answer.text.replace(" [?]", ""), (q.number for q in answer.citations))


def _passage_span(hit: Hit, article: str) -> m.Span:
    """A passage of another article keeps its rank and covers nothing."""
    return (hit.passage.start, hit.passage.end) if hit.passage.article_id == article else (0, 0)


def _valid(cited: Citation, articles: Mapping[str, Article]) -> bool:
    article = articles.get(cited.article_id)
    return article is not None and m.citation_valid(cited.quote, (cited.start, cited.end), article.text)
