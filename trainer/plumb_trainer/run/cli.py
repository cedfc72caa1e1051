"""The command line: ``python -m plumb_trainer train RECIPE [--out DIR] [--replace]``."""

import argparse
import os
import sys
from pathlib import Path

from plumb_trainer import __version__
from plumb_trainer.errors import TrainerError
from plumb_trainer.proof.prove import PROJECT
from plumb_trainer.run.train import train


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
        result = train(options.recipe, options.out, replace=options.replace)
    except TrainerError as error:
        print("\n".join(f"plumb train: {problem}" for problem in error.problems), file=sys.stderr)
        return 1
    except OSError as error:
        print(f"plumb train: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nplumb train: interrupted; nothing was written", file=sys.stderr)
        return 130
    print(_report(result))
    return 0


def _parser():
    parser = argparse.ArgumentParser(prog="plumb_trainer", description="Trains a model and writes a proved bundle.")
    parser.add_argument("--version", action="version", version=f"plumb_trainer {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    command = commands.add_parser("train", help="train what a recipe describes", description="Trains what a recipe describes.")
    command.add_argument("recipe", help="the recipe, a YAML file")
    command.add_argument(
        "--out", default=PROJECT / "models", metavar="DIR", help="the model store to write to (default: the project's models/)"
    )
    command.add_argument("--replace", action="store_true", help="exchange a version that is there already")
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
