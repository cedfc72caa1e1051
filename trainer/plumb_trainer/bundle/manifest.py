"""Writes manifest.json: what the bundle is, where it comes from, and the hash of every other file."""

import datetime
import hashlib
import os
import subprocess
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import numpy
import onnx
import pandas
import sklearn

from plumb_trainer import __version__
from plumb_trainer.bundle.fallback import fallback_document
from plumb_trainer.errors import TrainerError

FORMAT = "plumb-bundle/1"
_LIBRARIES = {"numpy": numpy, "onnx": onnx, "pandas": pandas, "scikit-learn": sklearn}


def manifest_document(trained, data_sha256, files, parity, created):
    """Return manifest.json.

    Parameters
    ----------
    trained : FittedPipeline
    data_sha256 : str or None
    files : dict of str to bytes
        Every other file of the bundle.
    parity : Parity
        What the proof found.
    created : str
        See `created_at`.

    Returns
    -------
    dict
    """
    recipe, exported = trained.recipe, trained.exported
    return {
        "format": FORMAT,
        "name": recipe.name,
        "version": recipe.version,
        "created": created,
        "task": recipe.task,
        "models": exported.models_document(),
        "parity": parity.document(", ".join(trained.exported.libraries)),
        "slo": recipe.slo,
        "limits": recipe.limits,
        "fallback": fallback_document(trained),
        "lineage": {
            "data_sha256": data_sha256,
            "code_commit": _code_commit(),
            "trainer": f"plumb_trainer {__version__}",
            "libraries": _libraries(),
            "seed": recipe.seed,
        },
        "files": {name: {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)} for name, content in sorted(files.items())},
    }


def _libraries():
    """Return the versions of the libraries that are there."""
    versions = {name: library.__version__ for name, library in _LIBRARIES.items()}
    if find_spec("xgboost") is not None:
        versions["xgboost"] = import_module("xgboost").__version__
    return versions


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
        raise TrainerError(f'SOURCE_DATE_EPOCH: expected seconds since 1970, got "{text}"') from error
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def _code_commit():
    """Return the commit that the trainer's code is at, marked where the code has changed since; None outside a repository."""
    folder = Path(__file__).resolve().parents[1]
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
