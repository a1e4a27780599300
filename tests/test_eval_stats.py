"""Intervals and tests against values worked by hand, and against the libraries that do the same."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import roc_auc_score

from eval import risk, stats


def auroc(confidence: Sequence[float], answerable: Sequence[bool]) -> float:
    return stats.value(risk.auroc(confidence, answerable), len(confidence))


@pytest.mark.parametrize(("successes", "n"), [(0, 10), (7, 10), (10, 10), (431, 1346)])
def test_wilson_agrees_with_scipy(successes: int, n: int) -> None:
    theirs = binomtest(successes, n).proportion_ci(method="wilson")
    assert stats.wilson(successes, n) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_wilson_of_nothing_is_no_interval() -> None:
    assert all(math.isnan(x) for x in stats.wilson(0, 0))


def test_auroc_agrees_with_scikit_learn_on_random_cases_with_ties() -> None:
    rng = np.random.default_rng(1)
    for _ in range(1000):
        n = int(rng.integers(2, 40))
        confidence = rng.integers(0, 6, n) / 5
        answerable = np.r_[True, False, rng.random(n - 2) < 0.5]
        assert auroc(confidence, answerable) == pytest.approx(roc_auc_score(answerable, confidence), abs=1e-12)


def test_auroc_by_hand() -> None:
    assert auroc([0.9, 0.8, 0.1], [True, True, False]) == 1.0
    assert auroc([0.9, 0.1, 0.8], [True, True, False]) == 0.5
    assert auroc([0.5, 0.5], [True, False]) == 0.5
    assert auroc([math.inf, 0.9], [False, True]) == 0.0  # a question that raised, given the worst confidence
    assert math.isnan(auroc([0.5, 0.6], [True, True]))


def test_auroc_over_weights_is_auroc_of_the_drawn_questions() -> None:
    confidence, answerable = np.array([0.9, 0.4, 0.6, 0.2]), np.array([True, True, False, False])
    drawn = risk.auroc(confidence, answerable)(np.array([[1.0, 2.0, 1.0, 0.0], [0.0, 1.0, 1.0, 2.0]]))
    assert drawn == pytest.approx([1 / 3, 2 / 3])


def test_risk_and_coverage_by_hand() -> None:
    confidence, wrong = [0.9, 0.8, 0.7, 0.6], [0.0, 0.0, 1.0, 0.0]
    # risk among the top k: 0, 0, 1/3, 1/4
    assert stats.value(risk.aurc(confidence, wrong), 4) == pytest.approx((0 + 0 + 1 / 3 + 1 / 4) / 4)
    everything = [True] * 4
    assert stats.value(risk.coverage_at_risk(confidence, wrong, everything, 0.05), 4) == 2 / 4
    assert stats.value(risk.coverage_at_risk(confidence, wrong, everything, 0.25), 4) == 4 / 4
    # the wrong one refused: the other three are covered at no risk
    assert stats.value(risk.coverage_at_risk(confidence, wrong, [True, True, False, True], 0.05), 4) == 3 / 4


def test_equal_confidences_are_answered_together() -> None:
    for wrong in ([0.0, 1.0], [1.0, 0.0]):  # the file's order must not matter
        assert stats.value(risk.coverage_at_risk([0.5, 0.5], wrong, [True, True], 0.05), 2) == 0.0
        assert stats.value(risk.aurc([0.5, 0.5], wrong), 2) == 0.5


def test_bootstrap_covers_the_mean_and_repeats_itself() -> None:
    scores = [0.0, 1.0, 0.5, 0.25] * 25
    low, high = stats.bootstrap(stats.ratio(scores), ["one"] * 100)
    # mean 0.4375, standard error 0.3698 / 10: ±1.96 of it is 0.365 to 0.510
    assert (low, high) == (pytest.approx(0.365, abs=0.01), pytest.approx(0.510, abs=0.01))
    assert (low, high) == stats.bootstrap(stats.ratio(scores), ["one"] * 100)


def test_bootstrap_draws_whole_articles_when_there_are_enough() -> None:
    # ten articles, each all right or all wrong: 100 questions tell no more than ten
    scores, articles = [float(i % 2) for i in range(10)] * 10, [f"article {i}" for i in range(10)] * 10
    low, high = stats.bootstrap(stats.ratio(scores), articles)
    assert (low, high) == (pytest.approx(0.2, abs=0.05), pytest.approx(0.8, abs=0.05))
    low, high = stats.bootstrap(stats.ratio(scores), ["one"] * 100)
    assert (low, high) == (pytest.approx(0.4, abs=0.03), pytest.approx(0.6, abs=0.03))


def test_equal_scores_have_an_interval_and_one_question_has_none() -> None:
    assert stats.bootstrap(stats.ratio([1.0] * 5), list("abcde")) == (1.0, 1.0)
    assert all(math.isnan(x) for x in stats.bootstrap(stats.ratio([1.0]), ["a"]))


@pytest.mark.parametrize(("wins", "losses"), [(0, 0), (1, 0), (3, 7), (10, 0), (40, 60)])
def test_mcnemar_agrees_with_the_binomial_test(wins: int, losses: int) -> None:
    theirs = binomtest(wins, wins + losses).pvalue if wins + losses else 1.0
    assert stats.mcnemar(wins, losses) == pytest.approx(theirs, abs=1e-12)


def test_permutation_p_by_hand() -> None:
    assert stats.permutation([0.0, 0.0]) == 1.0
    # all five differ the same way: 2 of the 32 sign patterns are as extreme, 1/16
    assert stats.permutation([0.1] * 5) == pytest.approx(1 / 16, abs=0.01)
    assert stats.permutation([0.5, -0.5]) == 1.0


def test_holm_by_hand() -> None:
    # sorted 0.01·3, 0.03·2, 0.04·1 → 0.03, 0.06, 0.06 (never falling)
    assert stats.holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])
    assert stats.holm([]) == []
