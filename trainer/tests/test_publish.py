"""A folder is there whole or not at all, whatever happens half-way."""

import os
import signal
import subprocess
import sys

import pytest

from plumb_trainer.bundle import publish
from plumb_trainer.bundle.publish import published
from plumb_trainer.errors import TrainerError
from plumb_trainer.proof.command import PROJECT


def write(target, text, **options):
    """Publish a folder with one file."""
    with published(target, **options) as folder:
        (folder / "a.txt").write_text(text)


def test_a_folder_appears_with_its_files_and_leaves_nothing_beside_it(tmp_path):
    target = tmp_path / "store" / "demand" / "1"
    write(target, "one")
    assert (target / "a.txt").read_text() == "one"
    assert os.listdir(target.parent) == ["1"]
    # Whoever serves may be another user than whoever trained.
    assert target.stat().st_mode & 0o055 == (target.parent.stat().st_mode & 0o055)


def test_until_then_it_is_hidden_beside_the_target(tmp_path):
    target = tmp_path / "1"
    with published(target) as folder:
        assert folder.parent == target.parent
        assert folder.name.startswith(".")
        assert not target.exists()


@pytest.mark.parametrize("existing", [False, True])
def test_a_failure_half_way_leaves_what_was_there(tmp_path, existing):
    target = tmp_path / "1"
    if existing:
        write(target, "old")
    with pytest.raises(ZeroDivisionError), published(target, replace=existing) as folder:
        (folder / "a.txt").write_text("half")
        raise ZeroDivisionError
    assert os.listdir(tmp_path) == (["1"] if existing else [])
    assert not existing or (target / "a.txt").read_text() == "old"


def test_a_process_that_is_killed_half_way_leaves_no_half_bundle(tmp_path):
    target = tmp_path / "1"
    script = (
        "import os, signal, sys; from pathlib import Path; from plumb_trainer.bundle.publish import published\n"
        "with published(Path(sys.argv[1])) as folder:\n"
        "    (folder / 'a.txt').write_text('half'); os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    environment = os.environ | {"PYTHONPATH": str(PROJECT / "trainer")}
    done = subprocess.run([sys.executable, "-c", script, target], check=False, env=environment)
    assert done.returncode == -signal.SIGKILL
    assert not target.exists()
    assert all(name.startswith(".") for name in os.listdir(tmp_path))
    write(target, "whole")
    assert (target / "a.txt").read_text() == "whole"


def test_an_existing_version_is_refused_and_left_alone(tmp_path):
    target = tmp_path / "1"
    write(target, "old")
    with pytest.raises(TrainerError, match="this version exists already"):
        write(target, "new")
    assert (target / "a.txt").read_text() == "old"


def test_a_version_that_appears_meanwhile_is_not_overwritten(tmp_path):
    target = tmp_path / "1"
    with pytest.raises(TrainerError, match="exists already"), published(target) as folder:
        (folder / "a.txt").write_text("mine")
        write(target, "somebody else's")
    assert (target / "a.txt").read_text() == "somebody else's"
    assert os.listdir(tmp_path) == ["1"]


@pytest.mark.parametrize("in_one_step", [True, False])
def test_replace_exchanges_the_folder(tmp_path, monkeypatch, in_one_step):
    if not in_one_step:
        monkeypatch.setattr(publish, "_exchange", lambda one, other: False)
    target = tmp_path / "1"
    write(target, "old")
    write(target, "new", replace=True)
    assert (target / "a.txt").read_text() == "new"
    assert os.listdir(tmp_path) == ["1"]


def test_where_the_second_of_two_steps_fails_the_first_is_taken_back(tmp_path, monkeypatch):
    target = tmp_path / "1"
    write(target, "old")
    monkeypatch.setattr(publish, "_exchange", lambda one, other: False)
    rename = publish.Path.rename
    stages = []

    def fail_for_stage(self, other):
        if other == target and not self.name.endswith(".old"):
            stages.append(self)
            raise OSError("no space")
        return rename(self, other)

    monkeypatch.setattr(publish.Path, "rename", fail_for_stage)
    with pytest.raises(OSError, match="no space"):
        write(target, "new", replace=True)
    assert len(stages) == 1
    assert (target / "a.txt").read_text() == "old"
    assert os.listdir(tmp_path) == ["1"]


def test_a_link_is_never_replaced(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "1").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(TrainerError, match="got a link or a file"):
        write(tmp_path / "1", "new", replace=True)
