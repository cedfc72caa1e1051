"""The command line: ``plumb-trainer`` or ``python -m plumb_trainer``, and ``train RECIPE`` or ``import FILE``."""

import argparse
import os
import sys
from pathlib import Path

from plumb_trainer import __version__
from plumb_trainer.errors import TrainerError
from plumb_trainer.libraries import needed
from plumb_trainer.proof.command import PROJECT

# In a checkout the project's own store.
_STORE = PROJECT / "models" if (PROJECT / "models").is_dir() and (PROJECT / "bin").is_dir() else Path("models")
_STORE_WORDS = "the project's models/, or models/ where there is no checkout"


def main(arguments):
    """Run a command.

    Parameters
    ----------
    arguments : list of str
        Without the program's name.

    Returns
    -------
    int
        0 for success, 1 for a failure that was told. Wrong usage exits with 2.
    """
    options = _parser().parse_args(arguments)
    try:
        print(options.work(options))
    except TrainerError as error:
        print("\n".join(f"plumb {options.command}: {problem}" for problem in error.problems), file=sys.stderr)
        return 1
    except OSError as error:
        print(f"plumb {options.command}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"\nplumb {options.command}: interrupted; nothing was written", file=sys.stderr)
        return 130
    return 0


def program():
    """Run the console script ``plumb-trainer``."""
    sys.exit(main(sys.argv[1:]))


def _train(options):
    needed("xgboost")
    # What a command needs is loaded when it runs: libraries of trees may be missing.
    from plumb_trainer.run.train import train

    return _report(train(options.recipe, options.out, replace=options.replace))


def _import(options):
    from plumb_trainer.run.import_file import import_file

    return import_file(options)


def _parser():
    parser = argparse.ArgumentParser(prog="plumb_trainer", description="Writes proved bundles.")
    parser.add_argument("--version", action="version", version=f"plumb_trainer {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", dest="command")
    command = commands.add_parser("train", help="train what a recipe describes", description="Trains what a recipe describes.")
    command.add_argument("recipe", help="the recipe, a YAML file")
    command.add_argument("--out", default=_STORE, metavar="DIR", help=f"the model store to write to (default: {_STORE_WORDS})")
    command.add_argument("--replace", action="store_true", help="exchange a version that is there already")
    command.set_defaults(work=_train)
    command = commands.add_parser("import", help="make a bundle of a saved model", description="Makes a proved bundle of a saved model.")
    command.add_argument("file", help=".json or .ubj of XGBoost, .txt of LightGBM, .cbm, .skops, .joblib or .pkl (with --trust), .onnx")
    command.add_argument("--rows", required=True, help="sample rows, best those of training: .csv, .parquet, .json or .jsonl")
    command.add_argument("--target", metavar="COLUMN", help="a column of the rows that is the truth, and no feature")
    command.add_argument("--name", help="the model's name (default: the file's)")
    command.add_argument("--version", type=int, default=1, dest="number", metavar="N", help="the bundle's version (default: 1)")
    command.add_argument("--out", default=_STORE, metavar="DIR", help=f"the model store to write to (default: {_STORE_WORDS})")
    command.add_argument("--schema", metavar="FILE", help="of an ONNX file, schema.json: its features in the order of the columns")
    command.add_argument("--labels", metavar="A,B", help="the classes of a classifier, in order; of an XGBoost file they are 0, 1, ... else")
    command.add_argument("--trust", action="store_true", help="load a pickle, or skops types that it doesn't know: the file can run code")
    command.set_defaults(work=_import)
    return parser


def _report(result):
    directory = Path(os.path.abspath(result.directory))
    shown = directory.relative_to(Path.cwd()) if directory.is_relative_to(Path.cwd()) else directory
    parity = result.parity
    truth = "every bit as the pipeline's"
    if parity.tier != "A":
        truth = f"at most {parity.margin.ulp} ulp from the pipeline's outputs and {parity.prediction.ulp} from its answers"
    metrics = result.evaluation["metrics"]
    names = [name for name in next(iter(metrics.values())) if name != "mape_rows"]
    width = max(9, 2 + max(map(len, names)))
    lines = [f"{shown}: written and proved over {parity.rows} rows, {truth}", ""]
    lines.append(f"  {'':12} {'':12}" + "".join(f"{name:>{width}}" for name in names))
    for part, figures in metrics.items():
        lines.append(f"  {part:12} {'the model':12}" + _figures(figures, names, width))
        lines += [f"  {'':12} {name:12}" + _figures(parts[part], names, width) for name, parts in result.evaluation["baselines"].items()]
    return "\n".join(lines)


def _figures(metrics, names, width):
    return "".join(f"{'none' if metrics[name] is None else format(metrics[name], '.3f'):>{width}}" for name in names)
