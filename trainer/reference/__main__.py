"""Compute what scikit-learn and XGBoost answer, for the parity tests of the serving side.

Each case is a graph document as the exporter writes it, rows as a caller sends them, and what the real, fitted transformers make of
these rows. They are written to ``test/parity/cases/*.json``, where the TypeScript tests hold the operators to them bit for bit.
Everything is seeded, so a second run writes the same bytes.

In the folder ``trainer``, ``.venv/bin/python -m reference`` writes the cases, and with ``--check`` tells whether the committed ones still
hold. (A case that depends on the version of SciPy, or of Python's Unicode, is written and compared where that version is. NumPy's vector
functions and the linear algebra below it differ in the last bits from one kind of processor to another, and what is fitted by them
in more. The cases were made with AVX-512; without it, those that differ are compared by their operators alone.)
"""

import argparse
import json
import re
import sys
import unicodedata
import warnings
from pathlib import Path

import numpy as np
from numpy._core._multiarray_umath import __cpu_features__

from reference import combine, compose, discretize, encode, expand, impute, links, map_values, own, reduce, scale, text

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


def _operators(content):
    """Return the operators of a case's graph, in order: what doesn't depend on the processor."""
    return [node["op"] for node in json.loads(content).get("graph", {}).get("nodes", [])]


def _differs(here, committed, same_processor):
    """Tell whether a case isn't what is committed, as far as that can be told on this processor."""
    if here is None or committed is None:
        return True
    return here != committed and (same_processor or _operators(here) != _operators(committed))


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
        same = bool(__cpu_features__.get("AVX512_SKX"))
        names = files.keys() | committed.keys()
        differing = sorted(name for name in names if _differs(files.get(name), committed.get(name), same))
        print(f"{len(files)} cases, " + (f"differing: {', '.join(differing)}" if differing else "as committed"))
        if not same:
            unlike = sum(files.get(name) != committed.get(name) for name in names)
            print(f"this processor has no AVX-512: {unlike} cases were compared by their operators alone")
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
