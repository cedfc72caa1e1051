"""Writes card.md of a bundle whose pipeline was fitted elsewhere: what is known of it, and no more."""

from plumb_trainer import __version__
from plumb_trainer.bundle.card import features_table, near_zero_text


def given_card(trained, evaluation, golden_count, parity, created):
    """Return card.md.

    Parameters
    ----------
    trained : FittedPipeline
    evaluation : dict
    golden_count : int
    parity : Parity
    created : str
    """
    recipe = trained.recipe
    labels = f", one of {', '.join(map(str, recipe.target.labels))}" if recipe.target.labels else ""
    unit = f", in {recipe.target.unit}" if recipe.target.unit else ""
    names = trained.exported.names
    outputs = f", {len(names)} numbers: {', '.join(f'`{name}`' for name in names)}" if names else ""
    note = "Over the rows that were given; whether the pipeline was fitted on them isn't known here.\n\n"
    sections = [
        f"# {recipe.title}, version {recipe.version}\n\n{recipe.description or ''}".strip(),
        f"Predicts `{recipe.target.name}`{unit}{labels}{outputs}. Exported {created} by plumb_trainer {__version__} from a fitted "
        f"pipeline, {', '.join(trained.exported.libraries)}.",
        "## Rows\n\n" + features_table(trained),
        f"## How good it is\n\n{note + _judged(evaluation) if evaluation['metrics'] else 'No truth was given, so nothing is said.'}",
        f"## How it was proved\n\nPlumb was compared with the pipeline over {parity.rows} rows, {golden_count} of them in `golden.jsonl`: "
        f"rows that were given, values at edges and splits, missing and unknown ones. The features are the same bits; the model's outputs "
        f"differ by at most {parity.margin.ulp} units in the last place, and the answers by {parity.prediction.ulp}"
        f"{near_zero_text(parity)}."
        + _flipped(parity.flips),
        f"## Limits\n\n- {trained.limits}\n- There is no fallback: the caller gets an error.",
    ]
    return "\n\n".join(sections) + "\n"


def _flipped(flips):
    if flips is None:
        return ""
    largest = f", by {flips.largest:.4g} at most" if flips.differing and flips.largest is not None else ""
    return (
        f" {flips.differing} of the {flips.rows} rows that were given are answered otherwise than by the pipeline{largest}: the last bits "
        "of steps before the trees are served otherwise than scikit-learn computes them, and may send a row to another leaf."
    )


def _judged(evaluation):
    """Return the figures; of several outputs the means over them, then each one's own."""
    figures = _figures(evaluation["metrics"]["given"])
    outputs = evaluation.get("outputs", {})
    if not outputs:
        return figures
    own = [f"`{name}`:\n\n{_figures(splits['given'])}" for name, splits in outputs.items()]
    return "\n\n".join([f"Means over the outputs:\n\n{figures}", *own])


def _figures(scores):
    return "\n".join(f"- {name}: {'none' if value is None else f'{value:.4g}'}" for name, value in scores.items())
