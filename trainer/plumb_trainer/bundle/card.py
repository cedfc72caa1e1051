"""Writes card.md: the model for people who decide whether to use it."""

from plumb_trainer import __version__
from plumb_trainer.graph.row_schema import known_categories

_METRICS = {
    "regression": {"rmse": "RMSE", "mae": "MAE", "r2": "R²", "mape": "MAPE %", "smape": "SMAPE %"},
    "classification": {
        "accuracy": "accuracy",
        "precision": "precision",
        "recall": "recall",
        "f1": "F1",
        "roc_auc": "ROC AUC",
        "log_loss": "log loss",
    },
}
_BASELINES = {
    "last_value": "the value before",
    "mean_7_days": "mean of the seven before",
    "class_priors": "class shares in training",
}

# More features than these are named together.
_NAMED_MAX = 10


def card_text(trained, table, evaluation, golden_count, parity, created):
    """Return card.md. Parameters as for `sealed`, and how many rows are golden."""
    recipe = trained.recipe
    unit = f", in {recipe.target.unit}" if recipe.target.unit else ""
    labels = f", one of {', '.join(map(str, recipe.target.labels))}" if recipe.target.labels else ""
    sections = [
        f"# {recipe.title}, version {recipe.version}\n\n{recipe.description or ''}".strip(),
        f"Predicts `{recipe.target.name}`{unit}{labels}. Made {created} by plumb_trainer {__version__}, "
        f"{', '.join(trained.exported.libraries)}; seed {recipe.seed}.",
        "## Rows\n\n" + features_table(trained),
        "## How it computes\n\n" + "\n".join(_branches(recipe)),
        f"## Data\n\n{table.row_count} rows of {_data(recipe)} (SHA-256 `{table.sha256[:16]}`...), {_split(recipe)}:\n\n"
        + _table(
            ["part", "rows", "from", "to"][: 2 if recipe.time is None else 4],
            [list(split.values()) for split in evaluation["splits"]],
        ),
        f"## How good it is\n\nOn rows that it was not fitted on; {_about(recipe)}.\n\n"
        + _table(["part", "predictor", *_METRICS[recipe.task].values()], _scores(evaluation, _METRICS[recipe.task]))
        + _mape_note(evaluation),
        f"## How it was proved\n\nPlumb gave the trained pipeline's answers over {parity.rows} rows, {golden_count} of them in "
        f"`golden.jsonl`, {_found(parity, bool(labels))}: training rows, values at the bounds of training and one float "
        f"beside them{', ' + _THRESHOLDS if any(map(len, trained.exported.thresholds)) else ''}, missing values, unknown categories and "
        "extremes among them, as far as the schema admits them. A server repeats the golden rows before it serves this version.",
        "## Where it can't answer\n\n" + _fallback(recipe),
        f"## Limits\n\n- {trained.limits}\n"
        f"- It has seen {_seen(recipe, evaluation)}, and nothing of what changed since. "
        "`baseline.json` holds what its inputs looked like then.\n"
        "- Ranges in `schema.json` are limits of validity, not of what the model knows.",
    ]
    return "\n\n".join(sections) + "\n"


def features_table(trained):
    """Return the card's table of what a row must hold."""
    return _table(["feature", "type", "must be", "unit", "what it is"], _features(trained))


_THRESHOLDS = "values at the splits of the trees with their neighbours"


def _data(recipe):
    return f"`{recipe.data_file.name}`" if recipe.dataset is None else f"scikit-learn's `{recipe.dataset}`"


def _split(recipe):
    return "split by time" if recipe.time is not None else f"split by seed {recipe.seed}, each label with its share in each part"


def _seen(recipe, evaluation):
    first = evaluation["splits"][0]
    return f"{first['rows']} rows" if recipe.time is None else f"{first['from']} to {first['to']}"


def _about(recipe):
    labels = recipe.target.labels
    if not labels:
        unit = f", in {recipe.target.unit}" if recipe.target.unit else ""
        return f"RMSE and MAE{unit or ' in the unit of the target'}"
    whose = f"of {labels[1]}" if len(labels) == 2 else "the mean over the labels (macro), ROC AUC of each label against the rest"
    return f"precision, recall and F1 {whose}"


def _found(parity, has_labels):
    if parity.tier == "A":
        return "without a difference in any bit of the features, of the model's output or of the prediction"
    answer = "probabilities" if has_labels else "prediction"
    return (
        f"with the same bits in the features{' and the same labels' if has_labels else ''}, and at most {parity.margin.ulp} units in the "
        f"last place of difference in the model's output and {parity.prediction.ulp} in the {answer}, since it adds up in another order"
        f"{near_zero_text(parity)}"
    )


def near_zero_text(parity):
    """Return what is to be added where numbers were compared that are near zero."""
    if parity.margin.absolute == parity.prediction.absolute == 0:
        return ""
    return f"; those near zero, where larger terms cancelled, by at most {max(parity.margin.absolute, parity.prediction.absolute):.2g}"


def _fallback(recipe):
    fallback = recipe.fallback
    if fallback.kind == "rule":
        return f"A linear rule on {', '.join(f'`{name}`' for name in fallback.features)} answers, and the answer says so."
    if fallback.kind == "constant":
        return f"The answer is the same for every row ({fallback.value}), and says so."
    return "There is no fallback: the caller gets an error."


def _features(trained):
    rows = []
    for feature in trained.recipe.features:
        categories, strict = known_categories(trained.pipeline["preprocessing"], feature.name)
        demands = feature.demands()
        demands += ["may be null"] if feature.name in trained.nullable else []
        if categories:
            listed = ", ".join(map(str, categories[:10])) + (", ..." if len(categories) > 10 else "")
            demands.append(f"one of {listed}" if strict else f"known: {listed}")
        demands += ["personal data"] if feature.pii else []
        kind = f"list of {feature.type}" if feature.item_type else feature.type
        rows.append([f"`{feature.name}`", kind, "; ".join(demands), feature.unit or "", feature.description or ""])
    return rows


def _branches(recipe):
    lines = []
    for branch in recipe.branches:
        takes_all = len(branch.columns) == len(recipe.features) > _NAMED_MAX
        columns = "all features" if takes_all else ", ".join(f"`{column}`" for column in branch.columns)
        lines.append(f"- {columns}: {', then '.join(_called(step) for step in branch.steps)}")
    return [*lines, f"- the model: {_called(recipe.model)}"]


def _called(named):
    name, params = named
    return f"{name}({', '.join(f'{key}={value}' for key, value in params.items())})" if params else name


def _scores(evaluation, names):
    rows = []
    for part, metrics in evaluation["metrics"].items():
        rows.append([part, "this model", *_shown(metrics, names)])
        rows += [[part, _BASELINES[name], *_shown(parts[part], names)] for name, parts in evaluation["baselines"].items()]
    return rows


def _shown(metrics, names):
    digits = 3 if "accuracy" in names else 2
    return ["none" if metrics[name] is None else f"{metrics[name]:.{digits}f}" for name in names]


def _mape_note(evaluation):
    rows = {split["name"]: split["rows"] for split in evaluation["splits"]}
    left_out = {part: rows[part] - metrics.get("mape_rows", rows[part]) for part, metrics in evaluation["metrics"].items()}
    if not any(left_out.values()):
        return ""
    shown = ", ".join(f"{count} of {rows[part]} in {part}" for part, count in left_out.items())
    return f"\n\nMAPE leaves out rows whose true value is 0: {shown}. Beside small values it is large for any predictor."


def _table(header, rows):
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |" for cells in lines)
