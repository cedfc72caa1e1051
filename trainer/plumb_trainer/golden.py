"""Chooses rows that stand for all rows, and writes golden.jsonl: these rows with the answers of the trained pipeline."""

import numpy as np

from plumb_trainer.edge_rows import edge_rows
from plumb_trainer.frame import rows_of_columns
from plumb_trainer.json_form import INTEGER_MAX, line, number_form, number_forms
from plumb_trainer.threshold_rows import threshold_rows
from plumb_trainer.tree_onnx import INPUT, RAW

# bundle/golden.ts refuses a bundle with fewer answers.
ANSWERS_MIN = 256
_SAMPLES = 160
_THRESHOLDS_KEPT = 24


def golden_rows(trained):
    """Return the rows of golden.jsonl: a sample of training rows, rows at every kind of edge, and rows round splits.

    Parameters
    ----------
    trained : Trained

    Returns
    -------
    list of (str, dict)
        Kind and row, no row twice. The same pipeline gives the same rows.
    """
    training = _training_rows(trained, seed=trained.recipe.seed)
    evenly = np.linspace(0, len(training) - 1, min(_SAMPLES, len(training))).astype(int)
    samples = [training[index] for index in evenly]
    rows = [("sample", row) for row in samples]
    rows += edge_rows(trained, samples)
    # A tree splits at values that it was trained on, which are not shown where they are personal.
    shown = [feature for feature in trained.recipe.features if not feature.pii]
    rows += [("threshold", row) for row in threshold_rows(trained, shown, samples, _THRESHOLDS_KEPT)]
    distinct = {line(row): (kind, row) for kind, row in reversed(rows)}
    rows = list(reversed(distinct.values()))
    # A small table is topped up with features of different rows put together.
    random = np.random.RandomState(trained.recipe.seed)
    answers = _refusals(trained, [row for _, row in rows]).count(None)
    rows += [("sample", _recombined(trained.recipe.features, training, random)) for _ in range(ANSWERS_MIN - answers)]
    return rows


def proof_rows(trained, count):
    """Return rows to compare over: golden rows are few because every start of a server runs them, these are not kept.

    Parameters
    ----------
    trained : Trained
    count : int

    Returns
    -------
    list of dict
        Rows at and beside splits, at edges and missing; the rest drawn round the training data. The pipeline answers all.
    """
    training = _training_rows(trained, seed=trained.recipe.seed)
    # Three rows a split, so that about half of all rows remain for others however many splits there are.
    features = trained.recipe.features
    rows = threshold_rows(trained, features, training, count // (6 * len(features)))
    edges = [row for _, row in edge_rows(trained, training)]
    edges = [row for row, refusal in zip(edges, _refusals(trained, edges), strict=True) if refusal is None]
    edge_values = {feature.name: [row[feature.name] for row in edges] for feature in features}
    rows = (edges + rows)[:count]
    random = np.random.RandomState(trained.recipe.seed + 1)
    while len(rows) < count:
        rows.append(_drawn_row(trained, training, edge_values, random))
    return rows


def golden_lines(trained, rows):
    """Return the text of golden.jsonl.

    Parameters
    ----------
    trained : Trained
    rows : list of (str, dict)
        Kind and row.

    Returns
    -------
    str
        Features are the float64 values before the cast, as scikit-learn computed them; raw is XGBoost's margin; the
        prediction is ``pipeline.predict``. A row that must be refused has the error's code instead.
    """
    refusals = _refusals(trained, [row for _, row in rows])
    answered = [row for (_, row), refusal in zip(rows, refusals, strict=True) if not refusal]
    answers = zip(trained.features(answered), trained.raw(answered), trained.predictions(answered), strict=True)
    lines = []
    for (kind, row), refusal in zip(rows, refusals, strict=True):
        if refusal:
            lines.append(line({"kind": kind, "row": row, "error": refusal}))
            continue
        features, raw, prediction = next(answers)
        results = {
            "features": {INPUT: number_forms(features)},
            "raw": {RAW: [number_form(raw)]},
            "prediction": number_form(prediction),
        }
        lines.append(line({"kind": kind, "row": row, **results}))
    return "".join(f"{text}\n" for text in lines)


def _refusals(trained, rows):
    """Return, for each row, the code with which it must be refused, or None: by the schema, or as the pipeline raises."""
    enums = {name: schema["enum"] for name, schema in trained.schema["properties"].items() if "enum" in schema}
    by_schema = [any(row[name] not in enum for name, enum in enums.items()) for row in rows]
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
    return {feature.name: rows[random.randint(len(rows))][feature.name] for feature in features}


def _drawn_row(trained, training, edge_values, random):
    """Return a row near the training data: values of different rows together, moved, rounded, missing, or at an edge."""
    while True:
        row = _recombined(trained.recipe.features, training, random)
        for feature in trained.recipe.features:
            choice = random.uniform()
            if choice < 0.1 and feature.name in trained.nullable:
                row[feature.name] = None
            elif choice < 0.13:
                values = edge_values[feature.name]
                row[feature.name] = values[random.randint(len(values))]
            elif choice < 0.6 and feature.type == "number":
                values = trained.training[feature.name]
                moved = float(row[feature.name] + random.randn() * values.std())
                row[feature.name] = round(moved, 2) if choice < 0.4 else moved
            elif choice < 0.3 and feature.type == "integer":
                row[feature.name] = int(np.clip(row[feature.name] + random.randint(-2, 3), -INTEGER_MAX, INTEGER_MAX))
        if _is_valid(trained, row):
            return row


def _is_valid(trained, row):
    for feature in trained.recipe.features:
        value = row[feature.name]
        if value is not None and feature.type in ("number", "integer") and not feature.admits(value):
            return False
        schema = trained.schema["properties"][feature.name]
        if "enum" in schema and value not in schema["enum"]:
            return False
    return True
