"""Writes manifest.json: what the bundle is, where it comes from, and the hash of every other file."""

import datetime
import hashlib
import os
import subprocess
from pathlib import Path

import numpy
import onnx
import pandas
import sklearn
import xgboost

from plumb_trainer import __version__
from plumb_trainer.stop import Stop
from plumb_trainer.tree_onnx import INPUT, MODEL, OUTPUT

FORMAT = "plumb-bundle/1"
MODEL_FILE = "model.onnx"
_LIBRARIES = {"numpy": numpy, "onnx": onnx, "pandas": pandas, "scikit-learn": sklearn, "xgboost": xgboost}


def manifest_document(trained, data_sha256, files, compared_rows, created):
    """Return manifest.json.

    Parameters
    ----------
    trained : Trained
    data_sha256 : str
    files : dict of str to bytes
        Every other file of the bundle.
    compared_rows : int
        Over how many rows the bundle is proved.
    created : str
        See `created_at`.

    Returns
    -------
    dict
        It claims parity without a difference: the bundle is published only after the proof found none.
    """
    recipe, ensemble = trained.recipe, trained.ensemble
    return {
        "format": FORMAT,
        "name": recipe.name,
        "version": recipe.version,
        "created": created,
        "task": "regression",
        "models": [
            {
                "id": MODEL,
                "file": MODEL_FILE,
                "inputs": [{"name": INPUT, "dtype": ensemble.dtype, "shape": ["rows", ensemble.feature_count]}],
                "outputs": [{"name": OUTPUT, "dtype": ensemble.dtype, "shape": ["rows", ensemble.target_count]}],
            }
        ],
        "parity": {
            "tier": "A",
            "reference": f"xgboost {xgboost.__version__}, scikit-learn {sklearn.__version__}",
            "rows": compared_rows,
            "features_ulp_max": 0,
            "margin_ulp_max": 0,
            "tolerance": {"features_ulp": 0, "margin_ulp": 0, "prediction_ulp": 0},
        },
        "slo": recipe.slo,
        "limits": recipe.limits,
        "fallback": {"kind": "none"},
        "lineage": {
            "data_sha256": data_sha256,
            "code_commit": _code_commit(),
            "trainer": f"plumb_trainer {__version__}",
            "libraries": {name: library.__version__ for name, library in _LIBRARIES.items()},
            "seed": recipe.seed,
        },
        "files": {name: {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)} for name, content in sorted(files.items())},
    }


def created_at(environment=os.environ):
    """Return the time that a bundle was made, in UTC: now, or what SOURCE_DATE_EPOCH says, so that a build can be repeated.

    References
    ----------
    .. [1] https://reproducible-builds.org/specs/source-date-epoch/
    """
    text = environment.get("SOURCE_DATE_EPOCH")
    try:
        seconds = None if text is None else int(text)
        time = datetime.datetime.now(datetime.UTC) if seconds is None else datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise Stop(f'SOURCE_DATE_EPOCH: expected seconds since 1970, got "{text}"') from error
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def _code_commit():
    """Return the commit that the trainer's code is at, marked where the code has changed since; None outside a repository."""
    folder = Path(__file__).resolve().parent
    commit = _git(folder, "rev-parse", "HEAD")
    if not commit:
        return None
    return f"{commit}-dirty" if _git(folder, "status", "--porcelain", "--untracked-files=no", "--", ".") else commit


def _git(folder, *arguments):
    try:
        done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
