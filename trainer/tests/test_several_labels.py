"""A classifier of several targets: the classes of a row, side by side, are what predict gives."""

import numpy as np
import pytest
from bundled_model import bundled, distance, quietly
from sklearn.linear_model import LogisticRegression
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier
from test_measured_models import ROWS, TRAINING, TWO, WIDTH

from plumb_trainer import export_bundle
from plumb_trainer.errors import TrainerError
from plumb_trainer.models import export_model

FLAGS = np.column_stack([TWO, (TRAINING[:, 1] > 0).astype(int)])
CODES = np.column_stack([TWO * 7 - 3, np.digitize(TRAINING[:, 1], [-0.5, 0.5]) * 5.0])
NAMED = np.array(["no", "yes"])[FLAGS]


@pytest.mark.parametrize(
    ("classifier", "target", "tier"),
    [
        (LogisticRegression(), FLAGS, "C"),
        (DecisionTreeClassifier(max_depth=4, random_state=0), FLAGS, "A"),
        (DecisionTreeClassifier(max_depth=4, random_state=0), CODES, "C"),
    ],
    ids=["lines", "trees", "trees, other numbers"],
)
def test_several_labels_are_those_of_the_library(classifier, target, tier, tmp_path):
    model = MultiOutputClassifier(classifier)
    quietly(model.fit, TRAINING, target)
    exported = export_model(model, n_features=WIDTH)
    assert (exported.task, exported.names, exported.tiers["prediction"]) == ("regression", ("output_0", "output_1"), tier)
    found = bundled(tmp_path, model, exported, ROWS[:1_000], verify=True)
    assert distance(model.predict(ROWS[:1_000]), found.predictions)[0] == 0


@pytest.mark.filterwarnings("ignore")
def test_a_pipeline_of_several_labels_becomes_a_bundle(tmp_path):
    model = MultiOutputClassifier(make_pipeline(StandardScaler(), LogisticRegression())).fit(TRAINING, FLAGS)
    assert (export_bundle(model, TRAINING, tmp_path, name="labels", version=1, y=FLAGS, golden_rows=60) / "golden.jsonl").exists()


def test_labels_that_are_no_numbers_are_refused_with_ways_out_that_work():
    with pytest.raises(TrainerError, match="give it the indexes that an OrdinalEncoder makes of the targets"):
        export_model(MultiOutputClassifier(LogisticRegression()).fit(TRAINING, NAMED))
    indexes = OrdinalEncoder().fit_transform(NAMED)
    assert export_model(MultiOutputClassifier(LogisticRegression()).fit(TRAINING, indexes)).names
    assert export_model(LogisticRegression().fit(TRAINING, NAMED[:, 0])).labels == ("no", "yes")


def test_a_chain_is_refused_with_ways_out_that_work():
    with pytest.raises(TrainerError, match="fit a MultiOutputClassifier, or a classifier for each target"):
        export_model(ClassifierChain(LogisticRegression()).fit(TRAINING, FLAGS))
