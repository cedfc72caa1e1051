"""Holds what will be served to a pipeline's own answers for the data that came with it: the columns that come otherwise, and the flips."""

from contextlib import contextmanager
from typing import NamedTuple

import numpy as np

from plumb_trainer.errors import TrainerError, quoted_columns
from plumb_trainer.fitted.adopt import as_fitted
from plumb_trainer.graph.export import depends_on_batch
from plumb_trainer.numbers.parity import Flips

# Of numbers that were added up in another order, beside the largest of all rows.
_OTHER_ORDER = 1e-9


class Own(NamedTuple):
    """Predictions, and the probabilities of a classifier that has some."""

    predictions: np.ndarray
    probabilities: np.ndarray | None


def measured_flips(trained, pipeline, frame, allow_flips):
    """Return how many rows reach other leaves than in the pipeline's own libraries; None where no row can.

    Parameters
    ----------
    trained : FittedPipeline
    pipeline : Pipeline or estimator
        As it was given.
    frame : DataFrame
        The data as it was given; ``trained.rows`` are the same rows as callers send them.
    allow_flips : float or None
        The greatest share of rows that may; None admits none, and no trees in float64 behind such steps.

    Returns
    -------
    Flips or None

    Raises
    ------
    TrainerError
        Where the answers differ for another reason, or for too many rows.
    """
    with raising_as_stop():
        theirs = _own(trained, pipeline, frame)
    _refuse_columns(trained, pipeline, frame, theirs)
    refused = np.array(trained.refusals(trained.rows))
    if refused.any():
        row = trained.rows[int(np.argmax(refused))]
        raise TrainerError(
            f"X: the pipeline takes row {int(np.argmax(refused)) + 1}, {row}, but not as a caller would send it; see its types"
        )
    ours = Own(*trained.own)
    has_own_bits = trained.served is trained.pipeline
    can_flip = any(map(len, trained.exported.thresholds)) and not (has_own_bits and not depends_on_batch(trained.pipeline["preprocessing"]))
    if not can_flip:
        _refuse_others(trained, ours, theirs)
        return None
    flips = _flips(trained, ours, theirs, allow_flips)
    told = f"{flips.differing} of {flips.rows} rows are answered otherwise than by the pipeline"
    if allow_flips is None and (flips.differing or (trained.exported.dtype == "float64" and not has_own_bits)):
        raise TrainerError(
            f"the pipeline has trees behind steps whose last bits are served otherwise than NumPy computes them: {told}; fit with the "
            "steps of plumb_trainer.features, or name the share that may differ with allow_flips="
        )
    if flips.share > flips.allowed:
        raise TrainerError(f"the trees' answers flip too often: {told}, a share of {flips.share:.3g}, and allow_flips is {allow_flips}")
    return flips


@contextmanager
def raising_as_stop():
    """Turn what the pipeline raises on the rows that were given with it into a sentence."""
    try:
        yield
    except (TypeError, ValueError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise TrainerError(
            f"X: the pipeline itself raises on these rows ({reason}); give rows that it answers, best those that it was fitted on"
        ) from error


def _own(trained, pipeline, frame):
    rows = as_fitted(frame, trained.asked)
    predictions = trained.named(trained.quietly(pipeline.predict, rows))
    has_probabilities = trained.exported.probabilities is not None
    return Own(predictions, trained.quietly(pipeline.predict_proba, rows) if has_probabilities else None)


def _flips(trained, ours, theirs, allow_flips):
    differing = _any_of_row(ours.predictions != theirs.predictions)
    if ours.probabilities is not None:
        differing |= (ours.probabilities != theirs.probabilities).any(axis=1)
    # Labels have no distance.
    numbers = (ours.probabilities, theirs.probabilities) if trained.recipe.target.labels else (ours.predictions, theirs.predictions)
    largest = None if numbers[0] is None else float(np.abs(np.subtract(*numbers, dtype=np.float64)).max())
    return Flips(len(differing), int(differing.sum()), largest, float(allow_flips or 0))


def _refuse_columns(trained, pipeline, frame, theirs):
    """Raise TrainerError with the columns for which the pipeline answers otherwise where they come as callers send them."""
    served = trained.frame(trained.rows).set_axis(frame.index)
    # The model's own categories come as a DataFrame's, and go to it by their codes.
    names = [feature.name for feature in trained.recipe.features if feature.name not in trained.coded]
    others = {name: reason for name in names if (reason := _other_form(frame[name], served[name]))}
    if not others or _is_same(trained, pipeline, frame, served, list(others), theirs):
        return
    alone = [name for name in others if not _is_same(trained, pipeline, frame, served, [name], theirs)]
    columns = {}
    for name in alone or others:
        columns.setdefault(others[name], []).append(name)
    raise TrainerError(
        *(
            f"X: {quoted_columns(named)}: {reason}, which the pipeline answers otherwise; {way}, and fit again"
            for (reason, way), named in columns.items()
        )
    )


def _other_form(given, served):
    """Return in what form a column is and will come, and the way out; None where that is the same."""
    if given.dtype != served.dtype:
        if str(given.dtype) == "boolean":
            return "of dtype boolean with missing values, where callers' have no dtype for all", 'cast with .astype("float64")'
        return f"of dtype {given.dtype}, where callers' values come as {served.dtype}", f'cast with .astype("{served.dtype}")'
    if given.dtype == object and any(value is None for value in given):
        return "missing values are None, where callers' come as NaN", "write NaN with .fillna(np.nan)"
    return None


def _is_same(trained, pipeline, frame, served, names, theirs):
    """Tell whether the pipeline answers the same where some columns come as callers send them."""
    changed = frame.copy()
    for name in names:
        changed[name] = served[name]
    try:
        answers = _own(trained, pipeline, changed)
    except (TypeError, ValueError):
        return False
    return not _differing(trained, answers, theirs).any()


def _differing(trained, ours, theirs):
    """Tell of each row whether the predictions differ by more than another order of summation makes."""
    if trained.recipe.target.labels:
        return ours.predictions != theirs.predictions
    ours, theirs = (own.predictions.astype(np.float64) for own in (ours, theirs))
    exact = trained.exported.raw_tier == "A" and trained.served is trained.pipeline
    return _any_of_row(np.abs(ours - theirs) > (0 if exact else _OTHER_ORDER * np.abs(theirs).max(axis=0, initial=0)))


def _any_of_row(differing):
    """Of several outputs one is enough."""
    return differing.reshape(len(differing), -1).any(axis=1)


def _refuse_others(trained, ours, theirs):
    differing = _differing(trained, ours, theirs)
    if differing.any():
        index = int(np.argmax(differing))
        raise TrainerError(
            f"X: row {index + 1} is answered {ours.predictions[index]} as a caller would send it, and {theirs.predictions[index]} by the "
            "pipeline; fit on plain float64, int64, bool and str columns, with steps that compute the same for one row and for many"
        )
