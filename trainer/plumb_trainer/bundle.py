"""Puts together the files of a bundle. `docs/bundle-format.md` says what each holds."""

from plumb_trainer.card import card_text
from plumb_trainer.distribution import baseline_document
from plumb_trainer.exported import INPUT, RAW
from plumb_trainer.golden import golden_lines
from plumb_trainer.graph_export import postprocessing_document, preprocessing_document
from plumb_trainer.json_form import page
from plumb_trainer.manifest import MODEL_FILE, manifest_document
from plumb_trainer.row_schema import known_categories


def bundle_content(trained, evaluation, golden):
    """Return the files that hold what was trained.

    Parameters
    ----------
    trained : Trained
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
    features, labels = recipe.features, recipe.target.labels
    categories = {feature.name: known_categories(preprocessing, feature.name)[0] for feature in features}
    documents = {
        "schema.json": page(trained.schema),
        "preprocessing.json": page(preprocessing_document(preprocessing, features, INPUT, exported.dtype)),
        "postprocessing.json": page(postprocessing_document(RAW, exported.dtype, exported.outputs, exported.link, labels)),
        "golden.jsonl": golden_lines(trained, golden),
        "baseline.json": page(baseline_document(trained.training, features, categories, trained.training_predictions(), labels)),
        "evaluation.json": page(evaluation),
    }
    return {MODEL_FILE: exported.onnx, **{name: text.encode("utf-8") for name, text in documents.items()}}


def sealed(content, trained, table, evaluation, parity, created):
    """Return the whole bundle: what was trained, with the files that say how true it is.

    Parameters
    ----------
    content : dict of str to bytes
        See `bundle_content`.
    trained : Trained
    table : Table
    evaluation : dict
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
    files = {**content, "card.md": card_text(trained, table, evaluation, golden_count, parity, created).encode("utf-8")}
    manifest = manifest_document(trained, table.sha256, files, parity, created)
    return {**files, "manifest.json": page(manifest).encode("utf-8")}
