"""Write the table of docs/preprocessing.md that says what becomes of each of scikit-learn's transformers.

In the folder ``trainer``, ``.venv/bin/python exported_table.py`` writes it, and with ``--check`` tells whether the written one still holds.
"""

import argparse
import sys
from pathlib import Path

from sklearn.compose import ColumnTransformer
from sklearn.experimental import enable_iterative_imputer  # noqa: F401  # all_estimators lists it only then
from sklearn.feature_selection import SelectorMixin
from sklearn.pipeline import FeatureUnion
from sklearn.utils import all_estimators

from plumb_trainer.graph.operators import OPERATORS, REFUSED

DOCS = Path(__file__).resolve().parents[1] / "docs" / "preprocessing.md"
HEADING = "### What is exported\n"
_STRUCTURE = (ColumnTransformer, FeatureUnion)


def forms():
    """Return what becomes of each of scikit-learn's transformers, dict of its class's name to (form, tier or reason).

    Raises
    ------
    KeyError
        For one that has no operator, and no reason why.
    """
    found = {}
    kinds = {kind for _, kind in all_estimators(type_filter="transformer")} | {
        kind for kind in OPERATORS if kind.__module__.startswith("sklearn.")
    }
    for kind in sorted(kinds, key=lambda kind: kind.__name__):
        if kind in OPERATORS:
            found[kind.__name__] = (f"`{OPERATORS[kind].name}`", OPERATORS[kind].tier)
        elif issubclass(kind, SelectorMixin):
            found[kind.__name__] = ("the columns that it keeps", "A")
        elif kind in _STRUCTURE:
            found[kind.__name__] = ("its parts, side by side", "A")
        else:
            found[kind.__name__] = ("refused", REFUSED[kind.__name__])
    return found


def table():
    """Return the section, heading and all."""
    rows = forms()
    served = [f"| `{name}` | {form} | {tier} |" for name, (form, tier) in rows.items() if form != "refused"]
    refused = [f"| `{name}` | {reason} |" for name, (form, reason) in rows.items() if form == "refused"]
    return "\n".join(
        [
            HEADING,
            "| scikit-learn | in the graph | tier |",
            "| --- | --- | --- |",
            *served,
            "",
            "Refused, with this reason and way out:",
            "",
            "| scikit-learn | why |",
            "| --- | --- |",
            *refused,
            "",
            "",
        ]
    )


def written(text):
    """Return the docs with the section in its place."""
    begin = text.index(HEADING)
    end = text.index("\n#", begin) + 1
    return text[:begin] + table() + text[end:]


def main(argv=None):
    """Write the section, or compare it with what is written."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; fail if the section differs")
    check = parser.parse_args(argv).check
    text = DOCS.read_text(encoding="utf-8")
    made = written(text)
    if check:
        print("the table is as written" if made == text else "the table differs: run exported_table.py")
        return int(made != text)
    DOCS.write_text(made, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
