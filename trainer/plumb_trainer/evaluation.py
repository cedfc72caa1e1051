"""Writes evaluation.json: how good the model is on days it has not seen, beside naive baselines on the same days."""

from plumb_trainer.metrics import NAIVE_BASELINES, regression_metrics
from plumb_trainer.recipe import SPLITS

FORMAT = "plumb-evaluation/1"
# The parts that the pipeline was not fitted on.
JUDGED = SPLITS[1:]


def evaluation_document(table, target, parts, predictions):
    """Return evaluation.json.

    Parameters
    ----------
    table : Table
    target : ndarray of shape (n_rows,)
        The truth of all rows, in order of time.
    parts : list of slice
        Rows of train, validation and holdout.
    predictions : ndarray of shape (n_rows,)

    Returns
    -------
    dict
    """
    named = dict(zip(SPLITS, parts, strict=True))
    return {
        "format": FORMAT,
        "splits": [
            {"name": name, "rows": part.stop - part.start, "from": table.times[part.start], "to": table.times[part.stop - 1]}
            for name, part in named.items()
        ],
        "metrics": {name: regression_metrics(target[named[name]], predictions[named[name]]) for name in JUDGED},
        "baselines": {
            baseline: {name: regression_metrics(target[named[name]], predict(target, named[name])) for name in JUDGED}
            for baseline, predict in NAIVE_BASELINES.items()
        },
    }
