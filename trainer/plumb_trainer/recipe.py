"""The recipe: a YAML file that says what to train, from which data, and how."""

import math
import re
from dataclasses import dataclass
from pathlib import Path

import yaml

from plumb_trainer.settings import Settings, stop_on
from plumb_trainer.stop import Stop

TYPES = ("number", "integer", "boolean", "string")
SPLITS = ("train", "validation", "holdout")
# Limits of validity, by JSON Schema keyword, and what they say.
RANGE_WORDS = {"minimum": "at least", "exclusiveMinimum": "over", "maximum": "at most", "exclusiveMaximum": "under"}
# As bundle/manifest.ts has it.
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


@dataclass(frozen=True)
class Column:
    """A column of the data: a feature, or the target.

    Parameters
    ----------
    name : str
    type : {"number", "integer", "boolean", "string"}
    ranges : dict
        Limits of validity by JSON Schema keyword, such as ``{"minimum": 0}``.
    title, description, unit : str or None
    examples : list
    pii : bool
        Whether it is personal data: then no value of it goes into the bundle.
    """

    name: str
    type: str
    ranges: dict
    title: str | None = None
    description: str | None = None
    unit: str | None = None
    examples: tuple = ()
    pii: bool = False

    def demands(self):
        """Return the limits in words, such as ``["at least 0", "under 10"]``."""
        return [f"{RANGE_WORDS[key]} {limit}" for key, limit in self.ranges.items()]

    def admits(self, value):
        """Tell whether a value is within the limits of validity."""
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
class Recipe:
    """What to train. `split` holds three shares that add up to 1; `data_file` is a path that can be opened."""

    name: str
    version: int
    title: str
    description: str | None
    seed: int
    data_file: Path
    time: str
    key: tuple
    target: Column
    split: tuple
    features: tuple
    branches: tuple
    model: tuple
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
    Stop
        With a sentence for every setting that is missing, unknown or wrong.
    """
    path = Path(path)
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise Stop(f"{path}: the recipe can't be read: {error}") from error
    except yaml.YAMLError as error:
        raise Stop(f"{path}: the recipe isn't valid YAML: {' '.join(str(error).split())}") from error
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
    features = tuple(_column(feature, feature_name) for feature_name, feature in _named_settings(top, "features"))
    data = top.inner("data")
    target = data.inner("target")
    recipe = Recipe(
        name=name,
        version=version,
        title=top.take("title", "text", name),
        description=top.take("description", "text"),
        seed=seed,
        data_file=folder / data.take("file", "text", "", required=True),
        time=data.take("time", "text", "", required=True),
        key=_names(data, "key", required=False),
        target=_column(target, target.take("column", "text", "", required=True), default_type="number"),
        split=_split(top.inner("split", required=False)),
        features=features,
        branches=_branches(top, {feature.name for feature in features}),
        model=_model(top.inner("model")),
        slo=_positive(top.inner("slo", required=False), {"p95_ms": 200, "rps": 200}, "number"),
        limits=_positive(top.inner("limits", required=False), {"rows_max": 10000, "body_bytes_max": 1048576}, "integer"),
    )
    if recipe.target.type != "number":
        data.problem('type "number" for the target', recipe.target.type)
    if not features:
        top.problems.append(f"{top.where}, features: expected at least one feature, got none")
    if recipe.target.name in {feature.name for feature in features}:
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


def _names(settings, name, required):
    names = settings.take(name, "list", [], required=required)
    if not all(isinstance(entry, str) for entry in names):
        settings.problem("a list of names", names, name)
        return ()
    return tuple(names)


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
        columns = _names(settings, "columns", required=True)
        for column in columns:
            if column not in features:
                settings.problem("a feature", column, "columns")
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
    for feature in sorted(features - {column for branch in branches for column in branch.columns}):
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
