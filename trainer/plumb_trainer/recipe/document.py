"""The recipe: a YAML file that says what to train, from which data, and how."""

import math
import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import yaml

from plumb_trainer.data.sources import DATASETS
from plumb_trainer.errors import TrainerError
from plumb_trainer.numbers.json_form import INTEGER_MAX
from plumb_trainer.recipe.settings import Settings, stop_on

TASKS = ("regression", "classification")
TYPES = ("number", "integer", "boolean", "string")
# What a DataFrame's column of lists is, and what its items are in schema.json. A recipe's data is CSV, which has none.
LIST_TYPES = {"numbers": "number", "integers": "integer", "booleans": "boolean", "strings": "string"}
SPLITS = ("train", "validation", "holdout")
# Limits of validity, by JSON Schema keyword, and what they say.
RANGE_WORDS = {"minimum": "at least", "exclusiveMinimum": "over", "maximum": "at most", "exclusiveMaximum": "under"}
SIZE_WORDS = {"minItems": "at least {} items", "maxItems": "at most {} items"}
# As bundle/manifest.ts has it.
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


@dataclass(frozen=True)
class Column:
    """A column of the data: a feature, or the target.

    Parameters
    ----------
    name : str
    type : {"number", "integer", "boolean", "string", "numbers", "integers", "booleans", "strings"}
        The last four are lists.
    ranges : dict
        Limits of validity by JSON Schema keyword, such as ``{"minimum": 0}``; of a list ``minItems`` and ``maxItems``.
    title, description, unit : str or None
    examples : list
    pii : bool
        Whether it is personal data: then no value of it goes into the bundle.
    labels : tuple
        Of a target that is a class: every value that it may have. The order is that of the probabilities.
    """

    name: str
    type: str
    ranges: dict
    title: str | None = None
    description: str | None = None
    unit: str | None = None
    examples: tuple = ()
    pii: bool = False
    labels: tuple = ()

    @property
    def item_type(self):
        """What the items of a list are; None where the feature is no list."""
        return LIST_TYPES.get(self.type)

    def indexes(self, values):
        """Return a target's values as models learn them: labels by their index, numbers as they are."""
        if not self.labels:
            return values
        places = {label: index for index, label in enumerate(self.labels)}
        return np.array([places[value] for value in values.tolist()], dtype=np.int64)

    def demands(self):
        """Return the limits in words, such as ``["at least 0", "under 10"]``."""
        return [
            SIZE_WORDS[key].format(limit) if key in SIZE_WORDS else f"{RANGE_WORDS[key]} {limit}" for key, limit in self.ranges.items()
        ]

    def admits(self, value):
        """Tell whether a value is within the limits of validity; of a list its length."""
        if self.item_type:
            return self.ranges.get("minItems", 0) <= len(value) <= self.ranges.get("maxItems", math.inf)
        return (
            value >= self.ranges.get("minimum", -math.inf)
            and value <= self.ranges.get("maximum", math.inf)
            and value > self.ranges.get("exclusiveMinimum", -math.inf)
            and value < self.ranges.get("exclusiveMaximum", math.inf)
        )


@dataclass(frozen=True)
class Branch:
    """Columns that go through the same steps: ``steps`` is a list of (operator, parameters)."""

    name: str
    columns: tuple
    steps: tuple


@dataclass(frozen=True)
class Fallback:
    """What is answered where the model can't.

    Parameters
    ----------
    kind : {"none", "constant", "rule"}
    value : str, int, float, bool or None
        Of a constant: one of `STATISTICS`, or the answer itself.
    features : tuple of str
        Of a rule: what it reads.
    """

    kind: str = "none"
    value: object = None
    features: tuple = ()


# What a constant fallback can be of the training rows, by task.
STATISTICS = {"regression": ("mean", "median", "most_frequent"), "classification": ("most_frequent",)}


@dataclass(frozen=True)
class Recipe:
    """What to train. `split` holds three shares that add up to 1.

    The data is in `data_file`, a path that can be opened, or is `dataset`, one of `DATASETS`; the other is None. `time` is None
    where the rows have no order.
    """

    name: str
    version: int
    title: str
    description: str | None
    seed: int
    task: str
    data_file: Path | None
    dataset: str | None
    time: str | None
    key: tuple
    target: Column
    split: tuple
    features: tuple
    branches: tuple
    model: tuple
    fallback: Fallback
    slo: dict
    limits: dict


def read_recipe(path):
    """Read and check a recipe.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    Recipe

    Raises
    ------
    TrainerError
        With a sentence for every setting that is missing, unknown or wrong.
    """
    path = Path(path)
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise TrainerError(f"{path}: the recipe can't be read: {error}") from error
    except yaml.YAMLError as error:
        raise TrainerError(f"{path}: the recipe isn't valid YAML: {' '.join(str(error).split())}") from error
    return _recipe(Settings(document, str(path)), path.parent)


def _recipe(top, folder):
    name = top.take("name", "text", "", required=True)
    if not _NAME.fullmatch(name):
        top.problem("1 to 64 lower-case letters, digits, '.', '_' and '-', the first a letter or digit", name, "name")
    version = top.take("version", "integer", 1, required=True)
    if not 1 <= version < 10**15:
        top.problem("a positive integer of at most 15 digits", version, "version")
    seed = top.take("seed", "integer", 0)
    if not 0 <= seed < 2**32:
        top.problem("an integer from 0 to 4294967295", seed, "seed")
    task = _one_of(top, "task", TASKS)
    features = tuple(_column(feature, feature_name) for feature_name, feature in _named_settings(top, "features"))
    names = tuple(feature.name for feature in features)
    data = top.inner("data")
    file, dataset, time = data.take("file", "text"), data.take("dataset", "text"), data.take("time", "text")
    if (file is None) == (dataset is None):
        data.problems.append(f'{data.where}: expected one of "file" and "dataset", got {"none" if file is None else "both"}')
    if dataset is not None and dataset not in DATASETS:
        data.problem(f"one of {', '.join(DATASETS)}", dataset, "dataset")
    if time is None and task == "regression":
        data.problems.append(f'{data.where}: expected "time", a text, got nothing; a regressor is judged on the newest rows')
    target = _target(data.inner("target"), task)
    recipe = Recipe(
        name=name,
        version=version,
        title=top.take("title", "text", name),
        description=top.take("description", "text"),
        seed=seed,
        task=task,
        data_file=None if file is None else folder / file,
        dataset=dataset,
        time=time,
        key=_names(data, "key"),
        target=target,
        split=_split(top.inner("split", required=False)),
        features=features,
        branches=_branches(top, names),
        model=_model(top.inner("model")),
        fallback=_fallback(top.inner("fallback", required=False), task, target, names),
        slo=_positive(top.inner("slo", required=False), {"p95_ms": 200, "rps": 200}, "number"),
        limits=_positive(top.inner("limits", required=False), {"rows_max": 10000, "body_bytes_max": 1048576}, "integer"),
    )
    if not features:
        top.problems.append(f"{top.where}, features: expected at least one feature, got none")
    if recipe.target.name in names:
        top.problems.append(
            f'{top.where}, features: "{recipe.target.name}" is the target; a model that reads its own answer learns nothing'
        )
    data.close()
    top.close()
    stop_on(top.problems)
    return recipe


def _named_settings(parent, name):
    inner = parent.inner(name)
    for key, _ in inner.items():
        if not isinstance(key, str):
            inner.problem("names that are texts", key)
    return [(str(key), Settings(value, f"{inner.where}, {key}", parent.problems)) for key, value in inner.items()]


def _one_of(settings, name, choices):
    """Return a text of a closed set, the first of which is the default."""
    value = settings.take(name, "text", choices[0])
    if value in choices:
        return value
    settings.problem(f"one of {', '.join(choices)}", value, name)
    return choices[0]


def _target(settings, task):
    """Return the target: a number, or a class whose labels are listed."""
    name = settings.take("column", "text", "", required=True)
    if task == "regression":
        target = _column(settings, name, default_type="number")
        if target.type != "number":
            settings.problem('type "number" for the target', target.type)
        return target
    labels = settings.take("labels", "list", [], required=True)
    types = {str: "string", int: "integer", bool: "boolean"}
    kinds = {types.get(type(label)) for label in labels}
    beyond = [label for label in labels if isinstance(label, int) and abs(label) > INTEGER_MAX]
    if len(labels) < 2 or len(set(labels)) < len(labels) or len(kinds) > 1 or None in kinds or "" in labels or beyond:
        settings.problem("two or more labels, all texts or all integers or true and false, each once", labels, "labels")
        kinds = {"string"}
    target = _column(settings, name, default_type=kinds.pop())
    if target.ranges:
        settings.problems.append(f"{settings.where}: a target with labels has no range")
    return replace(target, labels=tuple(labels))


def _column(settings, name, default_type=None):
    kind = settings.take("type", "text", default_type, required=default_type is None)
    if kind is not None and kind not in TYPES:
        settings.problem(f"one of {', '.join(TYPES)}", kind, "type")
    ranges = {key: settings.take(key, "number") for key in RANGE_WORDS}
    ranges = {key: value for key, value in ranges.items() if value is not None}
    if ranges and kind in ("boolean", "string"):
        settings.problems.append(f"{settings.where}: only a number or an integer has a range")
    if any(not math.isfinite(value) for value in ranges.values()):
        settings.problems.append(f"{settings.where}: a range's limit is a finite number")
    column = Column(
        name=name,
        type=kind,
        ranges=ranges,
        title=settings.take("title", "text"),
        description=settings.take("description", "text"),
        unit=settings.take("unit", "text"),
        examples=tuple(settings.take("examples", "list", [])),
        pii=settings.take("pii", "flag", False),
    )
    settings.close()
    return column


def _names(settings, name):
    names = settings.take(name, "list", [])
    if not all(isinstance(entry, str) for entry in names):
        settings.problem("a list of names", names, name)
        return ()
    return tuple(names)


def _features_of(settings, name, features):
    """Return names of features, each of which there is; "all" stands for every one."""
    names = settings.take(name, "names", [], required=True)
    if names == "all":
        return tuple(features)
    names = [names] if isinstance(names, str) else names
    for entry in names:
        if entry not in features:
            settings.problem("a feature", entry, name)
    return tuple(entry for entry in names if entry in features)


def _fallback(settings, task, target, features):
    kind = _one_of(settings, "kind", ("none", "constant", "rule"))
    value, chosen = None, ()
    if kind == "constant":
        value = settings.take("value", "scalar", required=True)
        if value not in STATISTICS[task] and value is not None and not _is_answer(value, target):
            answers = f"one of {', '.join(map(str, target.labels))}" if target.labels else "a number that the target may be"
            settings.problem(f"{', '.join(STATISTICS[task])}, or {answers}", value, "value")
    if kind == "rule":
        chosen = _features_of(settings, "features", features)
        if not chosen or len(set(chosen)) < len(chosen):
            settings.problem("at least one feature, each once", list(chosen), "features")
    settings.close()
    return Fallback(kind, value, chosen)


def _is_answer(value, target):
    if target.labels:
        return any(value == label and type(value) is type(label) for label in target.labels)
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and target.admits(value)


def _split(settings):
    shares = [settings.take(name, "number", share) for name, share in zip(SPLITS, (0.70, 0.15, 0.15), strict=True)]
    if min(shares) <= 0 or abs(sum(shares) - 1) > 1e-9:
        settings.problems.append(f"{settings.where}: expected three shares over 0 that add up to 1, got {', '.join(map(str, shares))}")
    settings.close()
    return tuple(shares)


def _branches(top, features):
    branches = []
    for index, entry in enumerate(top.take("preprocessing", "list", [], required=True)):
        settings = Settings(entry, f"{top.where}, preprocessing[{index}]", top.problems)
        name = settings.take("name", "text", "", required=True)
        columns = _features_of(settings, "columns", features)
        steps = []
        for step in settings.take("steps", "list", [], required=True):
            # A step is a name, or a name with its parameters.
            named = {step: {}} if isinstance(step, str) else step
            steps.extend(_one_named(named, f"{settings.where}, steps", top.problems))
        if not steps or not columns:
            settings.problems.append(f"{settings.where}: expected at least one column and one step")
        if name in {branch.name for branch in branches}:
            settings.problem("each name once", name, "name")
        settings.close()
        branches.append(Branch(name, columns, tuple(steps)))
    for feature in sorted(set(features) - {column for branch in branches for column in branch.columns}):
        top.problems.append(f'{top.where}, preprocessing: no step reads feature "{feature}"; give it steps, or take it out of features')
    return tuple(branches)


def _one_named(named, where, problems):
    if not isinstance(named, dict) or len(named) != 1 or not isinstance(next(iter(named.values())), dict):
        problems.append(
            f"{where}: expected one name with its parameters, such as {{ simple_imputer: {{ strategy: median }} }}, got {named}"
        )
        return []
    return list(named.items())


def _model(settings):
    items = settings.items()
    if len(items) != 1:
        settings.problems.append(f"{settings.where}: expected one model with its parameters, got {len(items)}")
        return ("", {})
    return _one_named(dict(items), settings.where, settings.problems)[0] if isinstance(items[0][1], dict) else (items[0][0], {})


def _positive(settings, defaults, kind):
    values = {name: settings.take(name, kind, default) for name, default in defaults.items()}
    for name, value in values.items():
        if not 0 < value < math.inf:
            settings.problem(f"{kind} over 0", value, name)
    settings.close()
    return values
