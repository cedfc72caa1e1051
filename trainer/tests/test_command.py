"""The command that proves bundles is found where it was said, and told of where it isn't."""

from pathlib import Path

import pytest

from plumb_trainer.errors import TrainerError
from plumb_trainer.proof.command import found_command, plain_environment

NOWHERE = Path("/nowhere/bin/plumb.js")


def test_a_home_goes_before_the_checkout(tmp_path):
    program = tmp_path / "node_modules" / "plumb" / "bin" / "plumb.js"
    program.parent.mkdir(parents=True)
    program.touch()
    assert found_command({"PLUMB_HOME": str(tmp_path)}) == ("node", str(program))


def test_without_a_checkout_it_is_looked_for_on_the_path(tmp_path):
    program = tmp_path / "plumb"
    program.touch(mode=0o755)
    assert found_command({"PATH": str(tmp_path)}, NOWHERE) == (str(program),)


@pytest.mark.parametrize(
    "environment, sentence",
    [
        ({"PATH": ""}, "there is no command `plumb` here: install Plumb's npm package"),
        ({"PLUMB_HOME": "/nowhere"}, "PLUMB_HOME: expected a folder with bin/plumb.js"),
        ({"PLUMB_NPM": "/nowhere.tgz"}, "PLUMB_NPM: expected Plumb's packed npm package"),
    ],
)
def test_where_there_is_none_the_way_out_is_told(environment, sentence):
    with pytest.raises(TrainerError, match=sentence):
        found_command(environment, NOWHERE)


def test_the_command_sees_none_of_the_trainers_own_variables():
    assert plain_environment({"PLUMB_HOME": "a", "PLUMB_NPM": "b", "PATH": "c"}) == {"PATH": "c"}
