"""Writes the manifest's fallback: what is answered where the model can't."""

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from plumb_trainer.data.frame import frame_of_columns
from plumb_trainer.errors import TrainerError
from plumb_trainer.graph.export import preprocessing_document
from plumb_trainer.graph.links import postprocessing_document
from plumb_trainer.models.names import INPUT
from plumb_trainer.numbers.json_form import label_text, number_form, number_forms

# A rule is there when all else fails, so it's small; scaled features need far fewer rounds.
_ROUNDS = 1000


def fallback_document(trained):
    """Return the manifest's ``fallback``.

    Parameters
    ----------
    trained : FittedPipeline

    Returns
    -------
    dict
    """
    fallback = trained.recipe.fallback
    if fallback.kind == "constant":
        return _constant(trained)
    if fallback.kind == "rule":
        return rule_document(trained, fit_rule(trained))
    return {"kind": "none"}


def _constant(trained):
    value, labels = trained.recipe.fallback.value, trained.recipe.target.labels
    if not labels:
        statistics = {"mean": np.mean, "median": np.median, "most_frequent": _most_frequent}
        return {"kind": "constant", "prediction": number_form(statistics[value](trained.target) if value in statistics else value)}
    shares = [float(np.mean(trained.target == label)) for label in labels]
    return {
        "kind": "constant",
        "prediction": labels[int(np.argmax(shares))] if value == "most_frequent" else value,
        "probabilities": {label_text(label): share for label, share in zip(labels, shares, strict=True)},
    }


def _most_frequent(values):
    """Return the value that comes most often, the first of equals."""
    found, counts = np.unique(values, return_counts=True)
    return found[counts.argmax()]


def fit_rule(trained):
    """Return the rule, fitted on the rows that the model was fitted on.

    Parameters
    ----------
    trained : FittedPipeline

    Returns
    -------
    Pipeline
        ``preprocessing``, then ``model``: LinearRegression, or LogisticRegression, which predicts labels by their index.

    Raises
    ------
    TrainerError
        Where a feature is personal data that would stand in the bundle.
    """
    features = _features(trained)
    numbers = [feature.name for feature in features if feature.type in ("number", "integer")]
    others = [feature for feature in features if feature.type not in ("number", "integer")]
    for feature in others:
        if feature.pii:
            raise TrainerError(f'fallback: feature "{feature.name}" is personal data, and a rule on it would hold its values')
    encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    branches = [
        ("numbers", make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), numbers),
        ("others", encoder, [feature.name for feature in others]),
    ]
    labels = trained.recipe.target.labels
    rule = Pipeline(
        [
            ("preprocessing", ColumnTransformer([branch for branch in branches if branch[2]], sparse_threshold=0)),
            ("model", LogisticRegression(max_iter=_ROUNDS) if labels else LinearRegression()),
        ]
    )
    return rule.fit(frame_of_columns(trained.training, features), trained.recipe.target.indexes(trained.target))


def rule_document(trained, rule):
    """Return the manifest's ``fallback`` of a fitted rule: two graphs, the second of which reads what the first gives."""
    labels, model = trained.recipe.target.labels, rule["model"]
    coef, intercept = np.atleast_2d(model.coef_), np.atleast_1d(model.intercept_)
    linear = {
        "id": "r1",
        "op": "linear",
        "inputs": [INPUT],
        "params": {"coef": [number_forms(row) for row in coef], "intercept": number_forms(intercept)},
    }
    link = "identity" if not labels else "sigmoid" if len(labels) == 2 else "softmax"
    return {
        "kind": "rule",
        "preprocessing": preprocessing_document(rule["preprocessing"], _features(trained), INPUT, "float64"),
        "postprocessing": postprocessing_document(INPUT, "float64", coef.shape[1], link, labels, [linear]),
    }


def _features(trained):
    return [feature for feature in trained.recipe.features if feature.name in trained.recipe.fallback.features]
