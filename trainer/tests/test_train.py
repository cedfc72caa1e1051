"""A run from the recipe to the bundle, with the code that serves as the judge."""

import filecmp
import json
import os
import re
import sys

import pytest
from conftest import DEMAND, classify, every_kind_rows

from plumb_trainer.bundle.manifest import created_at
from plumb_trainer.errors import TrainerError
from plumb_trainer.numbers.parity import Parity
from plumb_trainer.proof.command import PROJECT
from plumb_trainer.run.cli import main
from plumb_trainer.run.train import train

COMMITTED = PROJECT / "models" / "demand" / "1"
FILES = {
    "manifest.json",
    "schema.json",
    "preprocessing.json",
    "model.onnx",
    "postprocessing.json",
    "golden.jsonl",
    "baseline.json",
    "evaluation.json",
    "card.md",
}


class NoJudge:
    """Stands in for the proof where a test is not about it."""

    def compare(self, _bundle, trained, rows, golden):
        """Find nothing."""
        return Parity(trained.exported.tier, len(rows) + len(golden))

    def verify(self, bundle):
        """Find nothing."""


@pytest.fixture(scope="module")
def demand_run(tmp_path_factory):
    """Return the result of training the demand example, proved by the code that serves."""
    return train(DEMAND, tmp_path_factory.mktemp("models"))


def test_the_demand_example_is_trained_proved_and_written(demand_run):
    assert set(os.listdir(demand_run.directory)) == FILES
    assert sum(file.stat().st_size for file in demand_run.directory.iterdir()) < 1_000_000
    manifest = json.loads((demand_run.directory / "manifest.json").read_text())
    assert manifest["parity"]["rows"] == demand_run.parity.rows > 10_256
    assert manifest["parity"]["tolerance"] == {"features_ulp": 0, "margin_ulp": 0, "prediction_ulp": 0}
    assert set(manifest["files"]) == FILES - {"manifest.json"}


def test_its_figures_are_those_of_the_probe_and_better_than_naive(demand_run):
    holdout = demand_run.evaluation["metrics"]["holdout"]
    assert holdout["rmse"] == pytest.approx(10.52, abs=0.005)
    assert holdout["r2"] == pytest.approx(0.79, abs=0.005)
    for baseline in demand_run.evaluation["baselines"].values():
        for part in ("validation", "holdout"):
            assert demand_run.evaluation["metrics"][part]["rmse"] < baseline[part]["rmse"]


@pytest.mark.parametrize("name", sorted(FILES - {"manifest.json", "card.md"}))
def test_training_again_gives_the_committed_bundle(demand_run, name):
    assert filecmp.cmp(demand_run.directory / name, COMMITTED / name, shallow=False)


def test_two_runs_at_one_time_give_the_same_bytes_in_every_file(write_recipe, tmp_path, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    recipe = write_recipe()
    runs = [train(recipe, tmp_path / store, judge=NoJudge()).directory for store in ("one", "two")]
    assert filecmp.cmpfiles(*runs, sorted(FILES), shallow=False) == (sorted(FILES), [], [])
    assert json.loads((runs[0] / "manifest.json").read_text())["created"] == "2023-11-14T22:13:20Z"


def test_every_step_and_type_is_proved_by_the_code_that_serves(write_recipe, tmp_path):
    result = train(write_recipe(), tmp_path / "models")
    assert result.parity.rows > 10_256
    card = (result.directory / "card.md").read_text()
    assert "personal data" in card


def test_classes_in_order_of_time_are_judged_on_the_newest(write_recipe, tmp_path, capsys):
    def change(recipe):
        classify(recipe, "grade", ["low", "mid", "high"])
        recipe["data"]["time"] = "day"

    assert main(["train", str(write_recipe(change)), "--out", str(tmp_path)]) == 0
    assert re.search(r"accuracy +precision +recall +f1 +roc_auc +log_loss", capsys.readouterr().out)
    evaluation = json.loads((tmp_path / "every-kind" / "3" / "evaluation.json").read_text())
    assert evaluation["average"] == "macro"
    assert evaluation["splits"][0]["from"] == "2024-01-01"
    assert set(evaluation["baselines"]) == {"class_priors"}


def test_a_network_is_proved_within_what_was_measured(write_recipe, tmp_path):
    def change(recipe):
        classify(recipe, "open", [False, True])
        recipe["model"] = {"mlp_classifier": {"hidden_layer_sizes": [8], "max_iter": 20}}

    result = train(write_recipe(change), tmp_path / "models")
    parity = json.loads((result.directory / "manifest.json").read_text())["parity"]
    assert parity["tier"] == "C"
    assert parity["tolerance"]["features_ulp"] == 0
    assert parity["tolerance"]["margin_ulp"] == max(64, 8 * result.parity.margin.ulp)
    evaluation = json.loads((result.directory / "evaluation.json").read_text())
    assert evaluation["positive"] is True
    assert "units in the last place" in (result.directory / "card.md").read_text()


def test_a_network_refuses_rows_whose_features_overflow(write_recipe, tmp_path):
    def narrow(recipe):
        classify(recipe, "grade", ["low", "mid", "high"])
        recipe["model"] = {"mlp_classifier": {"hidden_layer_sizes": [4], "max_iter": 30}}

    header, *lines = [line.split(",") for line in every_kind_rows()]
    wind = header.index("wind")
    lines = [header, *([*line[:wind], str(float(line[wind]) / 1000), *line[wind + 1 :]] for line in lines)]
    directory = train(write_recipe(narrow, [",".join(line) for line in lines]), tmp_path / "models").directory
    golden = [json.loads(line) for line in (directory / "golden.jsonl").read_text(encoding="utf-8").splitlines()]
    refused = [line for line in golden if line.get("error") == "row_refused"]
    assert {(line["kind"], abs(line["row"]["wind"])) for line in refused} == {("extreme", sys.float_info.max)}


def test_a_label_without_a_training_row_stops_the_run(write_recipe, tmp_path):
    recipe = write_recipe(lambda recipe: classify(recipe, "grade", ["low", "mid", "high", "top"]))
    with pytest.raises(TrainerError, match='the training part has no row of grade "top"'):
        train(recipe, tmp_path / "models", judge=NoJudge())


def test_a_bundle_that_answers_otherwise_is_not_written(write_recipe, tmp_path, monkeypatch):
    nearly = "plumb_trainer.graph.operators.scale.number_forms"
    monkeypatch.setattr(nearly, lambda values: [float(value) * (1 + 2**-40) for value in values])
    with pytest.raises(TrainerError) as caught:
        train(write_recipe(), tmp_path / "models")
    assert "feature column 0 differs" in caught.value.problems[1]
    assert os.listdir(tmp_path / "models" / "every-kind") == []


def test_a_failing_proof_leaves_nothing_but_the_version_that_was_there(write_recipe, tmp_path):
    class Fails(NoJudge):
        def verify(self, bundle):
            raise TrainerError("it differs")

    recipe = write_recipe()
    before = train(recipe, tmp_path / "models", judge=NoJudge()).directory
    manifest = (before / "manifest.json").read_bytes()
    with pytest.raises(TrainerError, match="it differs"):
        train(recipe, tmp_path / "models", replace=True, judge=Fails())
    assert os.listdir(before.parent) == ["3"]
    assert (before / "manifest.json").read_bytes() == manifest


def test_the_proof_gets_the_whole_bundle_and_10000_rows_beside_the_golden_ones(write_recipe, tmp_path):
    seen = {}

    class Looks(NoJudge):
        def compare(self, bundle, trained, rows, golden):
            seen.update(files=set(os.listdir(bundle)), rows=len(rows), golden=len(golden))
            return super().compare(bundle, trained, rows, golden)

    train(write_recipe(), tmp_path / "models", judge=Looks())
    assert seen["files"] == FILES
    assert seen["rows"] == 10_000
    assert seen["golden"] >= 256


def test_an_existing_version_is_refused_before_any_work(write_recipe, tmp_path):
    recipe = write_recipe()
    train(recipe, tmp_path / "models", judge=NoJudge())
    (recipe.parent / "data.csv").unlink()
    with pytest.raises(TrainerError, match="this version exists already; raise the version in the recipe, or give --replace"):
        train(recipe, tmp_path / "models", judge=NoJudge())


def test_the_command_says_where_the_bundle_is_and_how_good(write_recipe, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["train", str(write_recipe()), "--out", str(tmp_path / "store")]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("store/every-kind/3: written and proved over ")
    assert re.search(r"holdout +the model +\d+\.\d+", printed)
    assert "last_value" in printed
    assert "mean_7_days" in printed


def test_the_command_tells_what_is_wrong_on_stderr(write_recipe, tmp_path, capsys):
    recipe = write_recipe(lambda recipe: recipe.update(version=0))
    assert main(["train", str(recipe), "--out", str(tmp_path / "store")]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "version: expected a positive integer" in printed.err
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize("arguments", [[], ["train"], ["fly"], ["train", "x.yaml", "--fast"]])
def test_wrong_usage_exits_with_2(arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "usage: plumb_trainer" in capsys.readouterr().err


def test_a_store_that_cannot_be_written_is_told(write_recipe, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert main(["train", str(write_recipe()), "--out", str(tmp_path / "file")]) == 1
    assert "plumb train: " in capsys.readouterr().err


def test_a_wrong_source_date_is_told():
    with pytest.raises(TrainerError, match='SOURCE_DATE_EPOCH: expected seconds since 1970, got "today"'):
        created_at({"SOURCE_DATE_EPOCH": "today"})
