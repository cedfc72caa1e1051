"""Puts together the files of a bundle. `docs/bundle-format.md` says what each holds."""

from plumb_trainer.bundle.golden import golden_lines
from plumb_trainer.bundle.manifest import manifest_document
from plumb_trainer.evaluate.distribution import baseline_document
from plumb_trainer.graph.row_schema import known_categories
from plumb_trainer.numbers.json_form import page


def bundle_content(trained, evaluation, golden):
    """Return the files that hold what was trained.

    Parameters
    ----------
    trained : FittedPipeline
    evaluation : dict
        evaluation.json.
    golden : list of (str, dict)
        Kinds and rows of golden.jsonl.

    Returns
    -------
    dict of str to bytes
        By file name: all but those of `sealed`.
    """
    preprocessing, recipe, exported = trained.pipeline["preprocessing"], trained.recipe, trained.exported
    features, labels, predictions = recipe.features, recipe.target.labels, trained.training_predictions()
    categories = {feature.name: known_categories(preprocessing, feature.name)[0] for feature in features}
    documents = {
        "schema.json": page(trained.schema),
        "preprocessing.json": page(trained.preprocessing_document()),
        "postprocessing.json": page(exported.postprocessing()),
        "golden.jsonl": golden_lines(trained, golden),
        "baseline.json": page(baseline_document(trained.training, features, categories, predictions, labels, trained.missing)),
        "evaluation.json": page(evaluation),
    }
    return {**exported.files, **{name: text.encode("utf-8") for name, text in documents.items()}}


def sealed(content, trained, data_sha256, card, parity, created):
    """Return the whole bundle: what was trained, with the files that say how true it is.

    Parameters
    ----------
    content : dict of str to bytes
        See `bundle_content`.
    trained : FittedPipeline
    data_sha256 : str or None
        Of the data that was trained on.
    card : callable
        From how many rows are golden, the parity and the time to the text of card.md.
    parity : Parity
        What the proof found.
    created : str
        When, as a time in UTC.

    Returns
    -------
    dict of str to bytes
        By file name; the manifest is the last, since it holds the hashes of the others.
    """
    golden_count = content["golden.jsonl"].count(b"\n")
    files = {**content, "card.md": card(golden_count, parity, created).encode("utf-8")}
    manifest = manifest_document(trained, data_sha256, files, parity, created)
    return {**files, "manifest.json": page(manifest).encode("utf-8")}
