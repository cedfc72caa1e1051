"""The classifiers that are shipped: training again gives their files, and they answer every row of their data as scikit-learn does."""

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from plumb_trainer.bundle.content import bundle_content
from plumb_trainer.bundle.golden import answered_rows, golden_rows
from plumb_trainer.data.frame import frame_of_columns, rows_of_columns
from plumb_trainer.data.split import split_rows
from plumb_trainer.data.table import read_table
from plumb_trainer.evaluate.evaluation import evaluation_document
from plumb_trainer.numbers.ulp import NO_DIFFERENCE
from plumb_trainer.proof.command import PROJECT
from plumb_trainer.proof.prove import PlumbCommand
from plumb_trainer.recipe.document import read_recipe
from plumb_trainer.run.train import fit

# A network's weights come out of thousands of sums, so the committed ones come out again only with the kernels that added them up.
FITTED_WITH = "SkylakeX"


class Shipped:
    """A shipped bundle, and what its recipe gives today."""

    def __init__(self, name):
        recipe = read_recipe(PROJECT / "trainer" / "examples" / f"{name}.yaml")
        table = read_table(recipe)
        parts = split_rows(recipe, table)
        self.trained = fit(recipe, table, parts[0])
        self.golden = golden_rows(self.trained)
        self.rows = rows_of_columns(table.columns, recipe.features)
        frame = frame_of_columns(table.columns, recipe.features)
        truth = recipe.target.indexes(table.columns[recipe.target.name])
        self.evaluation = evaluation_document(recipe, table, truth, parts, self.trained.pipeline, frame)
        self.content = bundle_content(self.trained, self.evaluation, self.golden)
        self.directory = PROJECT / "models" / name / "1"


@pytest.fixture(scope="module", params=["breast-cancer", "digits"])
def shipped(request):
    """Return each of the two, fitted again."""
    kernels = {info.get("architecture") for info in threadpool_info() if info["user_api"] == "blas"}
    if request.param == "digits" and kernels != {FITTED_WITH}:
        pytest.skip(f"the committed network was fitted with the sums of {FITTED_WITH}, and this processor's are {kernels}")
    with threadpool_limits(1):
        return Shipped(request.param)


def test_training_again_gives_the_committed_files(shipped):
    for name, content in shipped.content.items():
        assert (shipped.directory / name).read_bytes() == content, name


def test_every_row_of_the_data_is_answered_as_scikit_learn_does(shipped):
    # The comparison itself stops where a feature, an output of the model, a probability or a label is otherwise.
    golden = answered_rows(shipped.trained, shipped.golden)
    with threadpool_limits(1):
        found = PlumbCommand().compare(shipped.directory, shipped.trained, shipped.rows, golden)
    if found.tier == "A":
        assert (found.margin, found.prediction) == (NO_DIFFERENCE, NO_DIFFERENCE)


def test_golden_rows_have_every_label_and_their_chances(shipped):
    answers = shipped.trained.answers([row for _, row in shipped.golden])
    assert set(answers.predictions) == set(shipped.trained.recipe.target.labels)
    assert np.allclose(answers.probabilities.sum(axis=1), 1)
    assert 256 <= len(shipped.golden) <= 700


def test_the_holdout_is_told_far_better_than_by_the_shares_of_the_classes(shipped):
    model, naive = shipped.evaluation["metrics"]["holdout"], shipped.evaluation["baselines"]["class_priors"]["holdout"]
    assert set(model) == set(naive) == {"accuracy", "precision", "recall", "f1", "roc_auc", "log_loss"}
    assert model["accuracy"] > 0.95 > 0.7 > naive["accuracy"]
    assert model["roc_auc"] > 0.99
    assert naive["roc_auc"] == 0.5
    assert model["log_loss"] < 0.1 < 0.6 < naive["log_loss"]
