"""Our metrics against the reference implementations, to 1e-9, on a thousand random cases each."""

from __future__ import annotations

import collections
import re
import string

import ir_measures
import numpy as np
import pytest
from ir_measures import RR, R, Success, nDCG
from scipy.stats import bootstrap as scipy_bootstrap
from scipy.stats import permutation_test
from sklearn.metrics import auc, f1_score, precision_score, recall_score, roc_auc_score

from eval import metrics as m
from eval import ranking, risk, stats
from eval.figures import figures

CASES = 1000
CLOSE = 1e-9


# SQuAD 2.0's official scorer, evaluate-v2.0.py (Rajpurkar et al. 2018), restated line by line


def official_normalize(s: str) -> str:
    def remove_articles(text: str) -> str:
        return re.sub(re.compile(r"\b(a|an|the)\b", re.UNICODE), " ", text)

    exclude = set(string.punctuation)
    return " ".join(remove_articles("".join(ch for ch in s.lower() if ch not in exclude)).split())


def official_f1(a_gold: str, a_pred: str) -> float:
    gold_toks = official_normalize(a_gold).split() if a_gold else []
    pred_toks = official_normalize(a_pred).split() if a_pred else []
    num_same = sum((collections.Counter(gold_toks) & collections.Counter(pred_toks)).values())
    if len(gold_toks) == 0 or len(pred_toks) == 0:
        return float(gold_toks == pred_toks)
    if num_same == 0:
        return 0.0
    precision, recall = num_same / len(pred_toks), num_same / len(gold_toks)
    return (2 * precision * recall) / (precision + recall)


def official_raw_scores(golds: list[str], a_pred: str) -> tuple[float, float]:
    gold_answers = [a for a in golds if official_normalize(a)]
    if not gold_answers:
        gold_answers = [""]
    exact = max(float(official_normalize(a) == official_normalize(a_pred)) for a in gold_answers)
    return exact, max(official_f1(a, a_pred) for a in gold_answers)


WORDS = "The the a An cat's cats U.S. 3.5 35 1,000 — “quoted” naïve co-op co op (sic) ! . A".split()


def phrase(rng: np.random.Generator, longest: int = 7) -> str:
    return " ".join(rng.choice(WORDS, rng.integers(0, longest)))


def test_em_and_f1_agree_with_squads_official_scorer() -> None:
    rng = np.random.default_rng(1)
    differing = 0
    for _ in range(CASES):
        golds, said = [phrase(rng) for _ in range(rng.integers(0, 4))], phrase(rng)
        exact, f1 = official_raw_scores(golds, said)
        assert m.exact_match(said, golds) == exact, (said, golds)
        assert m.token_f1(said, golds) == pytest.approx(f1, abs=CLOSE), (said, golds)
        differing += 0 < f1 < 1
    assert differing > 200, "the cases are no test if they are all 0 or 1"


# rankings: spans that each cover at most one gold span are documents


def ranked_case(rng: np.random.Generator) -> tuple[list[m.Span], list[m.Span]]:
    """Passages 100 long with distance between them, gold spans in some of them and some in none, in random order."""
    places = rng.permutation(20)
    passages = [(int(p) * 200, int(p) * 200 + 100) for p in places[: rng.integers(1, 12)]]
    golds = [(int(p) * 200 + 10, int(p) * 200 + 60) for p in rng.permutation(20)[: rng.integers(1, 6)]]
    return passages, golds


def test_rankings_agree_with_ir_measures() -> None:
    rng = np.random.default_rng(2)
    cases = [ranked_case(rng) for _ in range(CASES)]
    qrels = [ir_measures.Qrel(f"q{i}", f"d{g[0] // 200}", 1) for i, (_, golds) in enumerate(cases) for g in golds]
    run = [
        # 1/rank as the score: trec_eval breaks ties by document id
        ir_measures.ScoredDoc(f"q{i}", f"d{p[0] // 200}", 1 / rank)
        for i, (passages, _) in enumerate(cases)
        for rank, p in enumerate(passages, start=1)
    ]
    measures = {RR: [], R @ 5: [], nDCG @ 5: [], Success @ 1: [], Success @ 3: []}
    for metric in ir_measures.iter_calc(list(measures), qrels, run):
        measures[metric.measure].append((metric.query_id, metric.value))
    theirs = {measure: dict(values) for measure, values in measures.items()}
    for i, (passages, golds) in enumerate(cases):
        q = f"q{i}"
        assert m.reciprocal_rank(passages, golds) == pytest.approx(theirs[RR][q], abs=CLOSE)
        assert ranking.recall_at(5, passages, golds) == pytest.approx(theirs[R @ 5][q], abs=CLOSE)
        assert ranking.ndcg_at(5, passages, golds) == pytest.approx(theirs[nDCG @ 5][q], abs=CLOSE)
        assert m.hit_at(1, passages, golds) == theirs[Success @ 1][q]
        assert m.hit_at(3, passages, golds) == theirs[Success @ 3][q]


def test_a_span_is_credited_once_however_many_passages_cover_it() -> None:
    twice = [(0, 100), (0, 110), (200, 300)]
    golds = [(10, 60), (210, 260), (10, 60)]
    assert ranking.recall_at(2, twice, golds) == 0.5
    assert ranking.ndcg_at(5, twice, golds) == pytest.approx((1 + 1 / np.log2(4)) / (1 + 1 / np.log2(3)))
    assert ranking.ndcg_at(5, [(0, 300)], [(10, 60), (210, 260)]) == 1.0  # one passage holds all: nothing is better
    assert ranking.ndcg_at(1, [(500, 600)], golds) == 0.0


def test_larger_passages_pay_for_their_length() -> None:
    assert ranking.gold_share([(0, 100)], [(0, 50)]) == 0.5
    assert ranking.gold_share([(0, 100), (0, 100)], [(0, 50)]) == 0.25  # read twice, counted once
    assert ranking.gold_share([(0, 100)], [(0, 50), (25, 75)]) == 0.75  # overlapping golds count once
    assert ranking.gold_share([], [(0, 50)]) == 0.0


# abstention and confidence


def rows_of(rng: np.random.Generator) -> list[dict[str, object]]:
    n = int(rng.integers(4, 40))
    answerable, refused = rng.random(n) < 0.6, rng.random(n) < 0.4
    answerable[:2], refused[:2] = (True, False), (True, False)
    blank = dict.fromkeys(
        "hit_at_1 hit_at_3 rr em f1 f1_lenient containment yes_no citation_hit correct_and_cited".split()
    )
    return [
        {
            "id": f"q{i}", "repeat": 0, "article": "a", "tags": [], "error": None, "latency_ms": 1.0, "cold": False,
            "answerable": bool(answerable[i]), "confidence": float(rng.integers(0, 6) / 5), "timings_ms": {},
            "metrics": {**blank, "refused": bool(refused[i]), "citations": 0, "citations_valid": 0,
                        "outcome": "right" if answerable[i] != refused[i] else "wrong abstention"},
        }
        for i in range(n)
    ]  # fmt: skip


def test_abstention_agrees_with_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stats, "RESAMPLES", 0)
    monkeypatch.setattr(stats, "bootstrap_all", lambda statistics, *_: [(0.0, 0.0)] * len(statistics))
    rng = np.random.default_rng(3)
    for _ in range(CASES):
        rows = rows_of(rng)
        should = [not row["answerable"] for row in rows]
        did = [row["metrics"]["refused"] for row in rows]  # type: ignore[index]
        found = {f.key: f.value for f in figures(rows)}
        assert found["abstention_precision"] == pytest.approx(precision_score(should, did), abs=CLOSE)
        assert found["abstention_recall"] == pytest.approx(recall_score(should, did), abs=CLOSE)
        assert found["abstention_f1"] == pytest.approx(f1_score(should, did, zero_division=0.0), abs=CLOSE)
        scores = [row["confidence"] for row in rows]
        assert found["auroc"] == pytest.approx(roc_auc_score([not s for s in should], scores), abs=CLOSE)


def by_definition(confidence: np.ndarray, wrong: np.ndarray) -> tuple[float, float]:
    """AURC and AUGRC from their definitions: every question its own threshold, all at or above it are answered."""
    selective, general = [], []
    for threshold in confidence:
        answered = confidence >= threshold
        selective.append(wrong[answered].mean())
        general.append((wrong * answered).mean())
    return float(np.mean(selective)), float(np.mean(general))


def test_aurc_and_augrc_agree_with_their_definitions() -> None:
    rng = np.random.default_rng(4)
    for _ in range(CASES):
        n = int(rng.integers(1, 40))
        confidence, wrong = rng.integers(0, 8, n) / 7, (rng.random(n) < 0.4).astype(float)
        aurc, augrc = by_definition(confidence, wrong)
        assert stats.value(risk.aurc(confidence, wrong), n) == pytest.approx(aurc, abs=CLOSE)
        assert stats.value(risk.augrc(confidence, wrong), n) == pytest.approx(augrc, abs=CLOSE)


def test_without_ties_augrc_is_the_area_under_the_generalised_risk_curve() -> None:
    rng = np.random.default_rng(5)
    n = 500
    confidence, wrong = rng.permutation(n) / n, (rng.random(n) < 0.3).astype(float)
    order = np.argsort(-confidence)
    coverage, general = np.arange(n + 1) / n, np.r_[0.0, np.cumsum(wrong[order]) / n]
    assert stats.value(risk.augrc(confidence, wrong), n) == pytest.approx(auc(coverage, general), abs=2 / n)
    # random confidences give half the share of wrong answers
    assert stats.value(risk.augrc(confidence, wrong), n) == pytest.approx(wrong.mean() / 2, abs=0.03)


def test_questions_that_do_not_count_are_not_on_the_curve() -> None:
    counts = [True, False, True]
    assert stats.value(risk.augrc([0.9, 0.8, 0.7], [0.0, 1.0, 1.0], counts), 3) == pytest.approx((0 + 1 / 2) / 2)
    assert stats.value(risk.aurc([0.9, 0.8, 0.7], [0.0, 1.0, 1.0], counts), 3) == pytest.approx((0 + 1 / 2) / 2)


# intervals and tests


def test_the_bootstrap_interval_is_scipys_within_its_own_noise() -> None:
    scores = np.random.default_rng(6).beta(2, 1, 200)
    ours = stats.bootstrap(stats.ratio(scores.tolist()), [str(i // 50) for i in range(200)])
    theirs = scipy_bootstrap((scores,), np.mean, method="percentile", n_resamples=9999, rng=7).confidence_interval
    assert ours == (pytest.approx(theirs.low, abs=0.003), pytest.approx(theirs.high, abs=0.003))


def test_the_permutation_p_is_scipys_within_its_own_noise() -> None:
    rng = np.random.default_rng(8)
    differences = rng.normal(0.15, 1.0, 120)
    theirs = permutation_test((differences,), np.mean, permutation_type="samples", n_resamples=20_000, rng=9)
    assert stats.permutation(differences.tolist()) == pytest.approx(theirs.pvalue, abs=0.015)


def test_repeats_of_a_question_are_no_new_evidence() -> None:
    scores = [float(i % 2) for i in range(40)]
    once = stats.bootstrap_all([stats.ratio(scores)], ["a"] * 40)[0]
    thrice = stats.bootstrap_all([stats.ratio(scores * 3)], ["a"] * 120, [f"q{i}" for i in range(40)] * 3)[0]
    assert thrice == (pytest.approx(once[0], abs=0.03), pytest.approx(once[1], abs=0.03))
