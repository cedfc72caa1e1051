"""Modules of the trainer import one way, and none of them another that imports it."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import plumb_trainer

FOLDER = Path(plumb_trainer.__file__).parent
# Each may import those before it. `portable` and `features` are for users too, and need nothing of a model.
ORDER = (
    *("errors", "libraries", "portable", "numbers", "data", "features", "recipe", "graph", "models", "fit", "fitted", "evaluate", "bundle", "proof"),
    "run",
)
# A member of an ensemble may be a model of any family, and an ensemble too.
_LATE = ("plumb_trainer.models.ensembles_family", "plumb_trainer.models")


def imports():
    """Yield (module, module that it imports)."""
    for file in FOLDER.rglob("*.py"):
        module = ".".join(["plumb_trainer", *file.relative_to(FOLDER).with_suffix("").parts]).removesuffix(".__init__")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module.partition(".")[0] == "plumb_trainer":
                for alias in node.names:
                    inner = FOLDER.joinpath(*node.module.split(".")[1:], alias.name)
                    is_module = inner.is_dir() or inner.with_suffix(".py").is_file()
                    yield module, f"{node.module}.{alias.name}" if is_module else node.module


def place(module):
    """Return a module's folder; the package itself, with its version, has none."""
    return (module.split(".") + [""])[1]


def test_folders_import_those_before_them():
    top = {path.stem for path in FOLDER.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()}
    assert top == {*ORDER, "__init__", "__main__"}
    wrong = [
        (module, imported)
        for module, imported in imports()
        if place(module) in ORDER and place(imported) in ORDER and ORDER.index(place(module)) < ORDER.index(place(imported))
    ]
    assert wrong == []


def test_there_is_no_circle():
    graph = {}
    for module, imported in imports():
        if (module, imported) != _LATE and module != imported:
            graph.setdefault(module, set()).add(imported)
    assert len(list(TopologicalSorter(graph).static_order())) > 90
