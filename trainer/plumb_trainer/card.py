"""Writes card.md: the model for people who decide whether to use it."""

import sklearn
import xgboost

from plumb_trainer import __version__
from plumb_trainer.row_schema import known_categories

_METRICS = {"rmse": "RMSE", "mae": "MAE", "r2": "R²", "mape": "MAPE %", "smape": "SMAPE %"}
_BASELINES = {"last_value": "the value before", "mean_7_days": "mean of the seven before"}


def card_text(trained, table, evaluation, golden_count, compared_rows, created):
    """Return card.md. Parameters as for `bundle_files`."""
    recipe = trained.recipe
    unit = f", in {recipe.target.unit}" if recipe.target.unit else ""
    sections = [
        f"# {recipe.title}, version {recipe.version}\n\n{recipe.description or ''}".strip(),
        f"Predicts `{recipe.target.name}`{unit}. Made {created} by plumb_trainer {__version__}, scikit-learn {sklearn.__version__}, "
        f"XGBoost {xgboost.__version__}; seed {recipe.seed}.",
        "## Rows\n\n" + _table(["feature", "type", "must be", "unit", "what it is"], _features(trained)),
        "## How it computes\n\n" + "\n".join(_branches(recipe)),
        f"## Data\n\n{table.row_count} rows of `{recipe.data_file.name}` (SHA-256 `{table.sha256[:16]}`...), split by time:\n\n"
        + _table(
            ["part", "rows", "from", "to"],
            [[split["name"], split["rows"], split["from"], split["to"]] for split in evaluation["splits"]],
        ),
        f"## How good it is\n\nOn rows that it was not fitted on; RMSE and MAE{unit or ' in the unit of the target'}.\n\n"
        + _table(["part", "predictor", *_METRICS.values()], _scores(evaluation))
        + _mape_note(evaluation),
        "## How it was proved\n\n"
        f"Plumb gave the trained pipeline's answers over {compared_rows} rows, {golden_count} of them in `golden.jsonl`, without a "
        "difference in any bit of the features, of the model's output or of the prediction: training rows, values at the splits of the "
        "trees and one float beside them, missing values, unknown categories and extremes among them. A server repeats the golden rows "
        "before it serves this version.",
        "## Limits\n\n"
        "- A tree ensemble doesn't extrapolate: beyond the values it has seen, its answer stays the same.\n"
        f"- It has seen {evaluation['splits'][0]['from']} to {evaluation['splits'][0]['to']}, and nothing of what changed since. "
        "`baseline.json` holds what its inputs looked like then.\n"
        "- Ranges in `schema.json` are limits of validity, not of what the model knows.",
    ]
    return "\n\n".join(sections) + "\n"


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
        rows.append([f"`{feature.name}`", feature.type, "; ".join(demands), feature.unit or "", feature.description or ""])
    return rows


def _branches(recipe):
    lines = []
    for branch in recipe.branches:
        columns = ", ".join(f"`{column}`" for column in branch.columns)
        lines.append(f"- {columns}: {', then '.join(_called(step) for step in branch.steps)}")
    return [*lines, f"- the model: {_called(recipe.model)}"]


def _called(named):
    name, params = named
    return f"{name}({', '.join(f'{key}={value}' for key, value in params.items())})" if params else name


def _scores(evaluation):
    rows = []
    for part, metrics in evaluation["metrics"].items():
        rows.append([part, "this model", *_shown(metrics)])
        rows += [[part, _BASELINES[name], *_shown(parts[part])] for name, parts in evaluation["baselines"].items()]
    return rows


def _shown(metrics):
    return ["none" if metrics[name] is None else f"{metrics[name]:.2f}" for name in _METRICS]


def _mape_note(evaluation):
    rows = {split["name"]: split["rows"] for split in evaluation["splits"]}
    left_out = {part: rows[part] - metrics["mape_rows"] for part, metrics in evaluation["metrics"].items()}
    if not any(left_out.values()):
        return ""
    shown = ", ".join(f"{count} of {rows[part]} in {part}" for part, count in left_out.items())
    return f"\n\nMAPE leaves out rows whose true value is 0: {shown}. Beside small values it is large for any predictor."


def _table(header, rows):
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |" for cells in lines)
