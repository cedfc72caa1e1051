"""Metrics and baselines, against figures worked out by hand."""

import numpy as np
import pytest
from sklearn.metrics import mean_pinball_loss

from plumb_trainer.evaluate.metrics import (
    class_priors,
    classification_metrics,
    last_value,
    mean_of_last_seven,
    quantile_metrics,
    regression_metrics,
)


def test_metrics_are_those_worked_out_by_hand():
    # Errors 1, 2, 0, 4; squares 1 + 4 + 0 + 16 = 21. The mean of the truth is 5, squares round it 16 + 1 + 0 + 25 = 42.
    metrics = regression_metrics([1, 4, 5, 10], [2, 2, 5, 6])
    assert metrics["rmse"] == pytest.approx(np.sqrt(21 / 4))
    assert metrics["mae"] == pytest.approx(7 / 4)
    assert metrics["r2"] == pytest.approx(1 - 21 / 42)
    assert metrics["mape"] == pytest.approx(100 * (1 / 1 + 2 / 4 + 0 + 4 / 10) / 4)
    assert metrics["smape"] == pytest.approx(100 * (2 / 3 + 4 / 6 + 0 + 8 / 16) / 4)


def test_metrics_of_a_quantile_are_scikit_learns_loss_and_a_share_of_rows():
    truth, predictions = np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.5, 2.0, 2.0, 9.0])
    metrics = quantile_metrics(truth, predictions, 0.9)
    assert metrics["pinball"] == pytest.approx(mean_pinball_loss(truth, predictions, alpha=0.9), rel=1e-15)
    assert metrics["coverage"] == 0.75


def test_mape_leaves_out_true_values_of_zero_and_says_how_many_it_counts():
    metrics = regression_metrics([0, 4], [3, 5])
    assert metrics["mape"] == pytest.approx(25)
    assert metrics["mape_rows"] == 1
    assert metrics["smape"] == pytest.approx(100 * (2 + 2 / 9) / 2)


def test_metrics_without_a_value_are_none():
    metrics = regression_metrics([0, 0], [0, 1])
    assert metrics["mape"] is None
    assert metrics["r2"] is None
    assert metrics["smape"] == pytest.approx(100)


def test_baselines_see_only_the_rows_before():
    target = np.arange(20.0) ** 2
    assert last_value(target, None, np.arange(10, 13)).tolist() == [81, 100, 121]
    assert mean_of_last_seven(target, None, np.arange(10, 12)).tolist() == [
        (9 + 16 + 25 + 36 + 49 + 64 + 81) / 7,
        (16 + 25 + 36 + 49 + 64 + 81 + 100) / 7,
    ]
    # With fewer than seven rows before, the mean of those.
    assert mean_of_last_seven(target, None, np.arange(2, 3)).tolist() == [0.5]


def test_metrics_of_two_classes_are_about_the_second():
    # Predicted 1, 1, 0, 1, 0: two hits, one false alarm, one miss.
    truth, chances = [1, 1, 1, 0, 0], [0.9, 0.6, 0.2, 0.7, 0.1]
    metrics = classification_metrics(truth, np.column_stack([1 - np.array(chances), chances]))
    assert metrics["accuracy"] == pytest.approx(3 / 5)
    assert metrics["precision"] == metrics["recall"] == metrics["f1"] == pytest.approx(2 / 3)
    # Of the six pairs of a 1 and a 0, those are in order: 0.9 over both, 0.6 and 0.2 over 0.1.
    assert metrics["roc_auc"] == pytest.approx(4 / 6)
    assert metrics["log_loss"] == pytest.approx(-np.log([0.9, 0.6, 0.2, 0.3, 0.9]).mean())


def test_metrics_of_more_classes_are_means_over_them():
    # Predicted 0, 1, 1, 2. Precision 1, 1/2, 1; recall 1, 1, 1/2; F1 1, 2/3, 2/3.
    chances = [[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.1, 0.6, 0.3], [0.1, 0.1, 0.8]]
    metrics = classification_metrics([0, 1, 2, 2], chances)
    assert metrics["accuracy"] == pytest.approx(3 / 4)
    assert metrics["precision"] == pytest.approx((1 + 1 / 2 + 1) / 3)
    assert metrics["recall"] == pytest.approx((1 + 1 + 1 / 2) / 3)
    assert metrics["f1"] == pytest.approx((1 + 2 / 3 + 2 / 3) / 3)
    assert metrics["roc_auc"] == pytest.approx(1)


def test_a_class_that_the_truth_lacks_leaves_no_area_under_a_curve():
    metrics = classification_metrics([0, 0], [[0.6, 0.4], [0.3, 0.7]])
    assert metrics["roc_auc"] is None
    assert metrics["recall"] == 0
    assert metrics["log_loss"] == pytest.approx(-np.log([0.6, 0.3]).mean())


def test_the_guess_by_shares_knows_the_training_rows_only():
    truth = np.array([0, 0, 0, 1, 2, 1, 1, 1])
    assert class_priors(truth, np.arange(5), np.arange(5, 8)).tolist() == [[3 / 5, 1 / 5, 1 / 5]] * 3
