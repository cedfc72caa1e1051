"""Puts together the files of a bundle. `docs/bundle-format.md` says what each holds."""

from plumb_trainer.card import card_text
from plumb_trainer.distribution import baseline_document
from plumb_trainer.golden import golden_lines
from plumb_trainer.graph_export import postprocessing_document, preprocessing_document
from plumb_trainer.json_form import page
from plumb_trainer.manifest import MODEL_FILE, manifest_document
from plumb_trainer.row_schema import known_categories
from plumb_trainer.tree_onnx import INPUT, RAW, tree_model_bytes


def bundle_files(trained, table, evaluation, golden, compared_rows, created):
    """Return the files of a bundle.

    Parameters
    ----------
    trained : Trained
    table : Table
    evaluation : dict
        evaluation.json.
    golden : list of (str, dict)
        Kinds and rows of golden.jsonl.
    compared_rows : int
        Over how many rows the bundle is going to be proved.
    created : str
        When, as a time in UTC.

    Returns
    -------
    dict of str to bytes
        By file name; the manifest is the last, since it holds the hashes of the others.
    """
    preprocessing, features, ensemble = trained.pipeline["preprocessing"], trained.recipe.features, trained.ensemble
    categories = {feature.name: known_categories(preprocessing, feature.name)[0] for feature in features}
    documents = {
        "schema.json": page(trained.schema),
        "preprocessing.json": page(preprocessing_document(preprocessing, features, INPUT, ensemble.dtype)),
        MODEL_FILE: tree_model_bytes(ensemble),
        "postprocessing.json": page(postprocessing_document(RAW, ensemble.dtype)),
        "golden.jsonl": golden_lines(trained, golden),
        "baseline.json": page(baseline_document(trained.training, features, categories, trained.training_predictions())),
        "evaluation.json": page(evaluation),
        "card.md": card_text(trained, table, evaluation, len(golden), compared_rows, created),
    }
    files = {name: text if isinstance(text, bytes) else text.encode("utf-8") for name, text in documents.items()}
    files["manifest.json"] = page(manifest_document(trained, table.sha256, files, compared_rows, created)).encode("utf-8")
    return files
