"""Tree models compiled by other projects, timed in this process: a request a line of JSON on stdin, a reply a line on stdout.

``{"do": "load", "engine", "folder", "model", "rows", "dtype", "width"}`` compiles the model (kept in the folder for the next run), and replies with its
answers to all rows, in a file. ``{"do": "time", "engine", "rowCount", "first", "leastMs"}`` replies with microseconds a row, of this process's own
time: calls of ``rowCount`` rows, each with the next rows, for at least so long. ``{"do": "drop"}`` lets all models go. ``{"do": "versions"}`` says what they are made of.
"""

import importlib.metadata
import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

import lleaves
import numpy as np
import tl2cgen
import treelite

# Trees of one C file: a compiler's time grows faster than a function.
TREES_A_FILE = 50
# Rows between two looks at the clock.
ROWS_A_LOOK = 512


def kept_file(folder, packages, suffix):
    """Return where a compiled model is kept: what another version compiled isn't it."""
    return folder / ("-".join(f"{name}-{importlib.metadata.version(name)}" for name in packages) + suffix)


def load_treelite(folder, model):
    """Return a call: C code of the model, by tl2cgen's own defaults, compiled by gcc."""
    library = kept_file(folder, ["treelite", "tl2cgen"], ".so")
    if not library.exists():
        read = {
            ".json": treelite.frontend.load_xgboost_model,
            ".txt": treelite.frontend.load_lightgbm_model,
            ".joblib": _read_forest,
        }
        trees = read[model.suffix](str(model))
        unfinished = folder / "unfinished.so"
        tl2cgen.export_lib(
            trees,
            toolchain="gcc",
            libpath=str(unfinished),
            params={"parallel_comp": max(2, trees.num_tree // TREES_A_FILE)},
            nthread=os.cpu_count(),
        )
        unfinished.rename(library)
    predictor = tl2cgen.Predictor(str(library), nthread=1)
    return lambda rows: predictor.predict(tl2cgen.DMatrix(rows), pred_margin=True)


def _read_forest(path):
    import joblib

    return treelite.sklearn.import_model(joblib.load(path))


def load_lleaves(folder, model):
    """Return a call: machine code by LLVM."""
    trees = lleaves.Model(model_file=str(model))
    kept = kept_file(folder, ["lleaves", "llvmlite"], ".bin")
    unfinished = folder / "lleaves-unfinished.bin"
    if kept.exists():
        trees.compile(cache=str(kept), raw_score=True)
    else:
        trees.compile(cache=str(unfinished), raw_score=True)
        unfinished.rename(kept)
    return lambda rows: trees.predict(rows, n_jobs=1)


LOADERS = {"tl2cgen": load_treelite, "lleaves": load_lleaves}


class Timed:
    """A model, and the rows that it's asked for."""

    def __init__(self, predict, rows):
        self.predict = predict
        self.rows = rows

    def microseconds_a_row(self, count, first, least_ms):
        """Run calls of `count` rows, each with the next ones, for at least so long."""
        batches = len(self.rows) // count
        calls_a_look = -(-ROWS_A_LOOK // count)
        at, calls, taken = first % batches, 0, 0
        begun = time.process_time_ns()
        while taken < least_ms * 1e6:
            for _ in range(calls_a_look):
                self.predict(self.rows[at * count : (at + 1) * count])
                at = at + 1 if at + 1 < batches else 0
            calls += calls_a_look
            taken = time.process_time_ns() - begun
        return taken / 1e3 / calls / count


def versions():
    """Return what they are made of, in words."""
    made = {name: importlib.metadata.version(name) for name in ("treelite", "tl2cgen", "lleaves", "llvmlite", "numpy")}
    compiler = subprocess.run(["gcc", "-dumpfullversion"], capture_output=True, text=True, check=True).stdout.strip()
    return {**made, "gcc": compiler, "python": platform.python_version()}


def serve(requests, reply):
    """Answer one request after the other, until there are no more."""
    loaded = {}
    for line in requests:
        request = json.loads(line)
        try:
            match request["do"]:
                case "load":
                    folder = Path(request["folder"])
                    rows = np.fromfile(request["rows"], dtype=request["dtype"]).reshape(-1, request["width"])
                    predict = LOADERS[request["engine"]](folder, folder / request["model"])
                    answers = folder / f"{request['engine']}-answers.bin"
                    np.asarray(predict(rows), dtype=np.float64).tofile(answers)
                    loaded[request["engine"]] = Timed(predict, rows)
                    reply({"answers": str(answers)})
                case "time":
                    timed = loaded[request["engine"]]
                    reply({"usPerRow": timed.microseconds_a_row(request["rowCount"], request["first"], request["leastMs"])})
                case "drop":
                    loaded.clear()
                    reply({})
                case "versions":
                    reply({"versions": versions()})
        except Exception as reason:  # whatever a compiler or a library says is the caller's to judge
            reply({"error": f"{type(reason).__name__}: {reason}"})


def main():
    """Serve stdin; what libraries and compilers print goes to stderr, so that replies stand alone."""
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def reply(answer):
        replies.write(json.dumps(answer) + "\n")
        replies.flush()

    serve(sys.stdin, reply)


if __name__ == "__main__":
    main()
