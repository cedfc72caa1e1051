"""README's way from a fitted pipeline to a bundle works as it stands there."""

import re
import subprocess

from plumb_trainer.proof.command import PROJECT


def test_the_lines_make_a_bundle_that_is_proved(tmp_path):
    section = (PROJECT / "README.md").read_text(encoding="utf-8").split("## From your fitted pipeline to a served model\n")[1]
    script = re.search(r"^```sh\n(.*?)^```$", section, re.DOTALL | re.MULTILINE)[1]
    # Its "out" is made beside the project's folders, and not among them.
    for folder in ("trainer", "bin"):
        (tmp_path / folder).symlink_to(PROJECT / folder)
    done = subprocess.run(["sh", "-ec", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("out/diabetes/1\nout/diabetes/1: proved")
