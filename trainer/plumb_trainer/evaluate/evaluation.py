"""Writes evaluation.json: how good the model is on rows it was not fitted on, beside naive baselines on the same rows."""

from collections.abc import Callable
from dataclasses import dataclass

from plumb_trainer.evaluate.metrics import class_priors, classification_metrics, last_value, mean_of_last_seven, regression_metrics
from plumb_trainer.recipe.document import SPLITS

FORMAT = "plumb-evaluation/1"
# The parts that the pipeline was not fitted on.
JUDGED = SPLITS[1:]


@dataclass(frozen=True)
class Judge:
    """How a task is judged.

    Parameters
    ----------
    estimate : str
        The pipeline's method whose answers are judged.
    metrics : callable
        Takes the truth and the estimates of the same rows to figures by name.
    baselines : dict of str to callable
        Each takes the truth of all rows, the training rows and the rows to estimate to estimates.
    """

    estimate: str
    metrics: Callable
    baselines: dict


JUDGES = {
    "regression": Judge("predict", regression_metrics, {"last_value": last_value, "mean_7_days": mean_of_last_seven}),
    "classification": Judge("predict_proba", classification_metrics, {"class_priors": class_priors}),
}


def evaluation_document(recipe, table, truth, parts, pipeline, frame):
    """Return evaluation.json.

    Parameters
    ----------
    recipe : Recipe
    table : Table
    truth : ndarray of shape (n_rows,)
        Of all rows, in the form that the pipeline was fitted on.
    parts : list of ndarray of int
        Rows of train, validation and holdout.
    pipeline : Pipeline
        Fitted.
    frame : DataFrame
        All rows.

    Returns
    -------
    dict
    """
    judge = JUDGES[recipe.task]
    named = dict(zip(SPLITS, parts, strict=True))
    estimates = getattr(pipeline, judge.estimate)(frame)

    def judged(estimate):
        return {name: judge.metrics(truth[named[name]], estimate(named[name])) for name in JUDGED}

    return {
        "format": FORMAT,
        **_classes(recipe.target.labels),
        "splits": [{"name": name, "rows": len(part), **_span(table.times, part)} for name, part in named.items()],
        "metrics": judged(lambda rows: estimates[rows]),
        "baselines": {
            name: judged(lambda rows, baseline=baseline: baseline(truth, named["train"], rows))
            for name, baseline in judge.baselines.items()
        },
    }


def _classes(labels):
    """Return what precision, recall and F1 are about."""
    if not labels:
        return {}
    return {"positive": labels[1]} if len(labels) == 2 else {"average": "macro"}


def _span(times, part):
    return {} if times is None else {"from": times[part[0]], "to": times[part[-1]]}
