"""Chooses rows that stand for all rows, and writes golden.jsonl: these rows with the answers of the trained pipeline."""

import itertools

import numpy as np

from plumb_trainer.bundle.edge_rows import edge_rows
from plumb_trainer.bundle.threshold_rows import threshold_rows
from plumb_trainer.data.frame import rows_of_columns
from plumb_trainer.data.list_rows import item_feature, items_of, moved_list
from plumb_trainer.errors import TrainerError
from plumb_trainer.features.dates import minutes_in
from plumb_trainer.numbers.json_form import INTEGER_MAX, line, number_form, number_forms

# bundle/golden.ts refuses a bundle with fewer answers.
ANSWERS_MIN = 256
# Every start of a server runs all of them, so a table of many columns doesn't get more of them than a narrow one.
_SAMPLES = 160
_EDGES = 192
_THRESHOLDS = 96
_THRESHOLDS_OF_A_FEATURE = 24
# Each feature of each row is written as text and read again, so of rows of many thousand columns fewer are compared.
_PROOF_CELLS_MAX = 10_000_000
_WIDE_ROWS_MIN = 200


def golden_rows(trained):
    """Return the rows of golden.jsonl: a sample of training rows, rows at every kind of edge, and rows round splits.

    Parameters
    ----------
    trained : FittedPipeline

    Returns
    -------
    list of (str, dict)
        Kind and row, no row twice. The same pipeline gives the same rows.
    """
    training = _training_rows(trained, seed=trained.recipe.seed)
    evenly = np.linspace(0, len(training) - 1, min(_SAMPLES, len(training))).astype(int)
    samples = [training[index] for index in evenly]
    rows = [("sample", row) for row in samples]
    rows += _some(edge_rows(trained, samples), _EDGES, trained.recipe.seed)
    # A tree splits at values that it was trained on, which are not shown where they are personal.
    shown = [feature for feature in trained.recipe.features if not feature.pii]
    of_each = min(_THRESHOLDS_OF_A_FEATURE, max(1, _THRESHOLDS // len(trained.recipe.features)))
    rows += [("threshold", row) for row in threshold_rows(trained, shown, samples, of_each)]
    distinct = {line(row): (kind, row) for kind, row in reversed(rows)}
    rows = list(reversed(distinct.values()))
    rows = trained.provable(rows)
    # A small table is topped up with features of different rows put together.
    random = np.random.RandomState(trained.recipe.seed)
    answers = _refusals(trained, [row for _, row in rows]).count(None)
    rows += [("sample", _recombined(trained.recipe.features, training, random)) for _ in range(ANSWERS_MIN - answers)]
    return rows


def proof_rows(trained, count):
    """Return rows to compare over: golden rows are few because every start of a server runs them, these are not kept.

    Parameters
    ----------
    trained : FittedPipeline
    count : int

    Returns
    -------
    list of dict
        Rows at and beside splits, at edges and missing; the rest drawn round the training data. The pipeline answers all.
    """
    count = min(count, max(_WIDE_ROWS_MIN, _PROOF_CELLS_MAX // trained.exported.width))
    training = _training_rows(trained, seed=trained.recipe.seed)
    # Three rows a split, so that about half of all rows remain for others however many splits there are.
    features = trained.recipe.features
    rows = threshold_rows(trained, features, training, count // (6 * len(features)))
    edges = answered_rows(trained, edge_rows(trained, training))
    edge_values = {feature.name: [row[feature.name] for row in edges] for feature in features}
    rows = answered_rows(trained, [("threshold", row) for row in rows])
    rows = (trained.rows_given(count // 4) + edges + rows)[:count]
    random = np.random.RandomState(trained.recipe.seed + 1)
    while len(rows) < count:
        drawn = [_drawn_row(trained, training, edge_values, random) for _ in range(count - len(rows))]
        answered = answered_rows(trained, [("drawn", row) for row in drawn])
        if not answered:
            raise TrainerError(
                f"of {len(drawn)} rows drawn near the data the pipeline answers none with finite numbers; there is nothing to prove"
            )
        rows += answered
    return rows


def answered_rows(trained, rows):
    """Return those rows of (kind, row) pairs that the pipeline answers."""
    rows = trained.provable(rows)
    refusals = _refusals(trained, [row for _, row in rows])
    return [row for (_, row), refusal in zip(rows, refusals, strict=True) if not refusal]


def golden_lines(trained, rows):
    """Return the text of golden.jsonl.

    Parameters
    ----------
    trained : FittedPipeline
    rows : list of (str, dict)
        Kind and row.

    Returns
    -------
    str
        Features are the float64 values before the cast, as scikit-learn computed them; raw is what the library's own code
        gives before the link function; the prediction and the probabilities are the pipeline's. A row that must be refused
        has the error's code instead.
    """
    refusals = _refusals(trained, [row for _, row in rows])
    answered = [row for (_, row), refusal in zip(rows, refusals, strict=True) if not refusal]
    results = _results(trained, answered)
    lines = [
        line({"kind": kind, "row": row, **({"error": refusal} if refusal else next(results))})
        for (kind, row), refusal in zip(rows, refusals, strict=True)
    ]
    return "".join(f"{text}\n" for text in lines)


def _results(trained, rows):
    """Yield what golden.jsonl says of each row."""
    answers = trained.answers(rows)
    for index in range(len(rows)):
        result = {"features": _by_tensor(trained, answers.features[index]), "raw": _by_output(trained, answers.raw[index])}
        result["prediction"] = _prediction_form(answers.predictions[index], trained)
        if answers.probabilities is not None:
            result["probabilities"] = number_forms(answers.probabilities[index])
        yield result


def _prediction_form(prediction, trained):
    if trained.recipe.target.labels:
        return prediction
    return number_forms(prediction) if trained.exported.names else number_form(prediction)


def _by_tensor(trained, features):
    """Return a row's features by the tensor that they are in."""
    return {tensor.name: number_forms(part[0]) for tensor, part in trained.exported.by_tensor(features[None, :])}


def _by_output(trained, raw):
    """Return a row's raw values by the output that gives them."""
    forms = iter(number_forms(raw))
    return {name: list(itertools.islice(forms, width)) for name, width in trained.exported.raw_widths.items()}


def _refusals(trained, rows):
    """Return, for each row, the code with which it must be refused, or None: by the schema, or as the pipeline raises."""
    properties = trained.schema["properties"]
    enums = {name: schema["enum"] for name, schema in properties.items() if "enum" in schema}
    formats = {name: schema["format"] for name, schema in properties.items() if "format" in schema}
    by_schema = [
        any(row[name] not in enum for name, enum in enums.items())
        or any(row[name] is not None and minutes_in(row[name], format) is None for name, format in formats.items())
        for row in rows
    ]
    raised = iter(trained.refusals([row for row, refused in zip(rows, by_schema, strict=True) if not refused]))
    return ["schema_mismatch" if refused else "row_refused" if next(raised) else None for refused in by_schema]


def _training_rows(trained, seed):
    """Return the training rows, with made-up values in place of personal data."""
    random = np.random.RandomState(seed)
    rows = rows_of_columns(trained.training, trained.recipe.features)
    for feature in trained.recipe.features:
        if feature.pii:
            for row in rows:
                row[feature.name] = _made_up(feature, trained.training[feature.name], random)
    return rows


def _made_up(feature, values, random):
    if feature.item_type:
        lengths, items = [len(value) for value in values], items_of(values)
        return [_made_up(item_feature(feature), items, random) for _ in range(random.randint(min(lengths), max(lengths) + 1))]
    if feature.type == "boolean":
        return bool(random.randint(2))
    if feature.type == "string":
        return f"made up {random.randint(1000)}"
    mean, spread = float(values.mean()), float(values.std()) or 1.0
    for _ in range(100):
        value = float(random.normal(mean, 2 * spread))
        value = round(value) if feature.type == "integer" else float(f"{value:.3g}")
        if feature.admits(value):
            return value
    # The recipe's range is so narrow that it says more than the mean does.
    return round(mean) if feature.type == "integer" else mean


def _recombined(features, rows, random):
    picked = random.randint(len(rows), size=len(features))
    return {feature.name: rows[index][feature.name] for feature, index in zip(features, picked, strict=True)}


def _some(rows, count_max, seed):
    """Return rows drawn from a list, in its order; all of them where they are few."""
    if len(rows) <= count_max:
        return rows
    return [rows[index] for index in np.sort(np.random.RandomState(seed).choice(len(rows), count_max, replace=False))]


def _drawn_row(trained, training, edge_values, random):
    """Return a row near the training data: values of different rows together, moved, rounded, missing, or at an edge."""
    features = trained.recipe.features
    row = _recombined(features, training, random)
    for feature, choice, step in zip(features, random.uniform(size=len(features)), random.randn(len(features)), strict=True):
        value = _moved(trained, feature, row[feature.name], edge_values[feature.name], choice, float(step))
        # Of a list there are more ways to be near another.
        if feature.item_type and value is row[feature.name]:
            others = training[random.randint(len(training))][feature.name]
            value = moved_list(feature, value, others, trained.spreads.get(feature.name, 0.0), random)
        if _is_valid(trained, feature, value):
            row[feature.name] = value
    return row


def _moved(trained, feature, value, edges, choice, step):
    """Return another value of a feature, or the same, as `choice` (0 to 1) and `step` (of a normal distribution) have it."""
    if choice < 0.1:
        return None
    if choice < 0.13 and edges:
        return edges[int(abs(step) * 1e6) % len(edges)]
    if choice < 0.6 and feature.type == "number":
        moved = value + step * trained.spreads[feature.name]
        return round(moved, 2) if choice < 0.4 else moved
    if choice < 0.3 and feature.type == "integer":
        return int(np.clip(value + round(2 * step), -INTEGER_MAX, INTEGER_MAX))
    return value


def _is_valid(trained, feature, value):
    if value is None:
        return feature.name in trained.nullable
    enum = trained.schema["properties"][feature.name].get("enum")
    return (feature.type in ("boolean", "string") or feature.admits(value)) and (enum is None or value in enum)
