"""docs/first-model.md works as it stands there: each command, and what it shows."""

import json
import re
import subprocess

from plumb_trainer.proof.command import PROJECT

PAGE = (PROJECT / "docs" / "first-model.md").read_text(encoding="utf-8")


def run(script, folder):
    """Return what a command prints."""
    done = subprocess.run(["sh", "-ec", script], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_page_goes_from_fit_to_answers(tmp_path):
    # What is marked as not run is left out, but for the server, which gets ports of its own.
    fit, verify, ask, misspelt = re.findall(r"(?<!-->\n)^```sh\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    (serve,) = re.findall(r"^(node bin/plumb.js serve .*)$", PAGE, re.MULTILINE)
    (shown,) = re.findall(r"^```json\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    for folder in ("trainer", "bin"):
        (tmp_path / folder).symlink_to(PROJECT / folder)
    assert run(fit, tmp_path) == "out/churn/1\n"
    proved = run(verify, tmp_path)
    (report,) = re.findall(r"^```text\n(out/churn.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    assert re.fullmatch(re.escape(report).replace(r"\.\.\.", ".*"), proved), proved
    command = [*serve.split(), "--http-port", "0", "--admin-port", "0"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as server:
        try:
            line = next(line for line in server.stdout if line.startswith("Plumb listens on "))
            port = re.search(r":(\d+) \(predictions\)", line)[1]
            answer = json.loads(run(ask.replace("8080", port), tmp_path))
            refused = json.loads(run(misspelt.replace("8080", port), tmp_path))
        finally:
            server.terminate()
    expected = json.loads(shown)
    assert answer["prediction"] == expected["prediction"]
    for label, chance in expected["probabilities"].items():
        assert abs(answer["probabilities"][label] - chance) < 1e-12
    assert {issue["feature"] for issue in refused["error"]["issues"]} == {"monthly_charge", "monthly_charges"}
