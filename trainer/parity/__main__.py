"""Compute what scikit-learn and XGBoost answer, for the parity tests of the serving side.

Each case is a graph document as the exporter writes it, rows as a caller sends them, and what the real, fitted transformers make of
these rows. They are written to ``test/parity/cases/*.json``, where the TypeScript tests hold the operators to them bit for bit.
Everything is seeded, so a second run writes the same bytes.

In the folder ``trainer``, ``.venv/bin/python -m parity`` writes the cases, and with ``--check`` tells whether the committed ones still
hold. (On a processor of another kind, NumPy's own exponential may differ in the last bit, and with it the ``link-numpy`` cases. A case
that depends on the version of SciPy, or of Python's Unicode, is written and compared where that version is.)
"""

import argparse
import json
import re
import sys
import unicodedata
import warnings
from pathlib import Path

import numpy as np

from parity import combine, compose, discretize, encode, expand, impute, links, map_values, own, reduce, scale, text

CASES = Path(__file__).resolve().parents[2] / "test" / "parity" / "cases"
_UNICODE = re.compile(r'"unicode":"([^"]+)"')
FAMILIES = (impute, scale, discretize, encode, expand, map_values, reduce, text, own, compose, links, combine)


def all_cases():
    """Return every case by name."""
    with warnings.catch_warnings(), np.errstate(over="ignore", invalid="ignore"):
        warnings.simplefilter("ignore")
        return {name: made for family in FAMILIES for name, made in family.cases()}


def written(made):
    """Return a case as its file holds it: one row a line, so that a change shows where it is."""
    parts = []
    for key, value in made.items():
        if isinstance(value, list) and value and isinstance(value[0], list | dict):
            items = ",\n".join(json.dumps(item, ensure_ascii=False, separators=(",", ":")) for item in value)
            parts.append(f'"{key}": [\n{items}\n]')
        else:
            parts.append(f'"{key}": {json.dumps(value, ensure_ascii=False, separators=(",", ":"))}')
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _is_of_another_version(path, files):
    """Tell whether a committed case was made by another SciPy or another Unicode than this environment's."""
    if path.stem in combine.ISOTONIC_FLOAT32.values():
        return path.name not in files
    found = _UNICODE.search(path.read_text(encoding="utf-8"))
    return found is not None and found[1] != unicodedata.unidata_version


def main(argv=None):
    """Write the cases, or compare them with what is written."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a committed case differs")
    check = parser.parse_args(argv).check
    files = {f"{name}.json": written(made) for name, made in all_cases().items()}
    here = {path.name: path for path in CASES.glob("*.json") if not _is_of_another_version(path, files)}
    files = {name: content for name, content in files.items() if name in here or not (CASES / name).exists()}
    if check:
        committed = {name: path.read_text(encoding="utf-8") for name, path in here.items()}
        differing = sorted(name for name in files.keys() | committed.keys() if files.get(name) != committed.get(name))
        print(f"{len(files)} cases, " + (f"differing: {', '.join(differing)}" if differing else "as committed"))
        return 1 if differing else 0
    CASES.mkdir(parents=True, exist_ok=True)
    for path in here.values():
        path.unlink()
    for name, content in files.items():
        (CASES / name).write_text(content, encoding="utf-8")
    print(f"wrote {len(files)} cases to {CASES.name}/, {sum(map(len, files.values())) // 1024} KB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
