"""Compare how fast scikit-learn and the serving side compute one preprocessing: median, scale, and one-hot over 50 categories.

In the folder ``trainer``, after ``npm run build`` in the project's root: ``.venv/bin/python -m parity.speed``. Each side runs on one
thread, one after the other, round by round. scikit-learn is given a ready DataFrame, the serving side rows as a request's JSON has
them. Both results are compared first, bit for bit.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from threadpoolctl import threadpool_limits

from plumb_trainer.graph.export import preprocessing_document
from reference.frame import Feature

NUMBERS = [f"number {index}" for index in range(20)]
TEXTS = [f"text {index}" for index in range(10)]
CATEGORIES = 50


def training_data(n_rows):
    """Return a DataFrame of 20 numbers, a tenth of them missing, and 10 texts of 50 categories."""
    rng = np.random.default_rng(0)
    columns = {}
    for name in NUMBERS:
        values = rng.normal(size=n_rows) * 10.0 ** rng.integers(-3, 4)
        values[rng.random(n_rows) < 0.1] = np.nan
        columns[name] = values
    categories = np.array([f"category {index}" for index in range(CATEGORIES)], dtype=object)
    for name in TEXTS:
        columns[name] = pd.Series(categories[rng.integers(0, CATEGORIES, n_rows)], dtype=object)
    return pd.DataFrame(columns)


def fitted(data):
    """Return the preprocessing, fitted."""
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    texts = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    return ColumnTransformer([("numbers", numbers, NUMBERS), ("texts", texts, TEXTS)], sparse_threshold=0).fit(data)


def seconds(run, times):
    """Return how long each of several runs took, sorted."""
    found = []
    for _ in range(times):
        start = time.perf_counter()
        run()
        found.append(time.perf_counter() - start)
    return sorted(found)


def measure(n_rows, times):
    """Return the seconds of each side's runs: of the batch, and of one row.

    Raises
    ------
    AssertionError
        Where the two sides differ in a single bit.
    """
    data = training_data(n_rows)
    preprocessing = fitted(data)
    types = [Feature(name, "number" if name in NUMBERS else "string") for name in data.columns]
    document = preprocessing_document(preprocessing, types, "X", "float32")
    with tempfile.TemporaryDirectory() as folder:
        given, result = Path(folder) / "given.json", Path(folder) / "result.f32"
        rows = data.astype(object).where(data.notna(), None).to_dict("records")
        given.write_text(json.dumps({"graph": document, "rows": rows}), encoding="utf-8")
        script = Path(__file__).with_suffix(".mjs")
        served = subprocess.run(["node", script, given, result, str(times)], check=True, capture_output=True, text=True)
        values = np.fromfile(result, dtype=np.float32).reshape(n_rows, -1)
    with threadpool_limits(1):
        expected = preprocessing.transform(data).astype(np.float32)
        assert np.array_equal(values.view(np.int32), expected.view(np.int32)), "the two sides differ"
        learnt = {"batch": seconds(lambda: preprocessing.transform(data), times)}
        learnt["row"] = seconds(lambda: preprocessing.transform(data.iloc[[0]]), times)
    return {"scikit-learn": learnt, "served": json.loads(served.stdout)}


def medians(found):
    """Return the median of each side's runs by (side, size)."""
    return {(side, size): statistics.median(runs) for side, sizes in found.items() for size, runs in sizes.items()}


def main(argv=None):
    """Print each side's median over all rounds, and how many times as long scikit-learn took: the median round, and the outer ones."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--times", type=int, default=10, help="runs of each side in a round")
    parser.add_argument("--rounds", type=int, default=9, help="in each, both sides run one after the other")
    options = parser.parse_args(argv)
    rounds = [medians(measure(options.rows, options.times)) for _ in range(options.rounds)]
    for size, what, unit in (("batch", f"{options.rows} rows", 1e-3), ("row", "one row", 1e-6)):
        sides = {side: statistics.median(found[side, size] for found in rounds) / unit for side in ("scikit-learn", "served")}
        ratios = sorted(found["scikit-learn", size] / found["served", size] for found in rounds)
        told = ", ".join(f"{side} {value:.2f} {'ms' if size == 'batch' else 'us'}" for side, value in sides.items())
        print(f"{what}: {told}; {statistics.median(ratios):.2f} times ({ratios[0]:.2f} to {ratios[-1]:.2f})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
