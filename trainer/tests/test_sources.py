"""A data set that scikit-learn ships comes to the same checks as a file, to the last bit."""

import numpy as np
import pytest
import yaml
from sklearn.datasets import load_breast_cancer, load_digits

from plumb_trainer.data.table import read_table
from plumb_trainer.errors import TrainerError
from plumb_trainer.proof.command import PROJECT
from plumb_trainer.recipe.document import read_recipe

EXAMPLES = PROJECT / "trainer" / "examples"


@pytest.mark.parametrize(("name", "load"), [("breast-cancer", load_breast_cancer), ("digits", load_digits)])
def test_every_value_and_label_is_the_data_sets(name, load):
    recipe, data = read_recipe(EXAMPLES / f"{name}.yaml"), load()
    table = read_table(recipe)
    values = np.column_stack([table.columns[feature.name] for feature in recipe.features]).astype(np.float64)
    assert values.tobytes() == np.ascontiguousarray(data.data).tobytes()
    labels = [data.target_names[index] for index in data.target]
    assert table.columns[recipe.target.name].tolist() == labels
    assert table.times is None


def test_what_the_recipe_says_of_it_is_checked(tmp_path):
    recipe = yaml.safe_load((EXAMPLES / "digits.yaml").read_text())
    recipe["features"]["pixel_0_2"] = {"type": "integer", "minimum": 0, "maximum": 14}
    recipe["data"]["target"]["labels"].remove(9)
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    with pytest.raises(TrainerError) as caught:
        read_table(read_recipe(tmp_path / "recipe.yaml"))
    first = caught.value.problems[0]
    assert first.startswith("scikit-learn's digits, row ")
    assert 'column "pixel_0_2": expected a value at least 0 and at most 14' in first
    recipe["features"]["pixel_0_2"]["maximum"] = 16
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    with pytest.raises(TrainerError) as caught:
        read_table(read_recipe(tmp_path / "recipe.yaml"))
    assert caught.value.problems[0] == (
        'scikit-learn\'s digits, row 10, column "digit": expected one of 0, 1, 2, 3, 4, 5, 6, 7, 8, got "9"'
    )
