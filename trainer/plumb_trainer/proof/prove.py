"""Proves a bundle before anybody sees it: the code that will serve it answers as the pipeline does."""

import dataclasses
import itertools
import json
import re
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from plumb_trainer.errors import TrainerError, quote
from plumb_trainer.fitted.pipeline import Answers
from plumb_trainer.numbers.json_form import label_text, line, number_value
from plumb_trainer.numbers.parity import Parity
from plumb_trainer.numbers.ulp import Worst, ulp_distances, worst_difference
from plumb_trainer.proof.command import found_command, plain_environment

# Of `plumb predict --engine`. A model that the second doesn't cover runs on the first.
ENGINES = ("onnxruntime", "tree")

# Differences that are told one by one.
_SHOWN = 5
# Golden rows that the pipeline's model is also given one by one.
_ALONE = 32
# In tier C a sum comes in another order. That moves a result by some units in the last place of the terms, which is many of its own
# where they cancel; so what tells a sum in another order from a wrong one is the difference beside the largest output of all rows.
_OTHER_ORDER = {"float64": 1e-9, "float32": 1e-6}


class PlumbCommand:
    """The code that serves, as a judge over a bundle.

    Parameters
    ----------
    command : sequence of str, default=None
        None is the one that `found_command` finds.
    """

    def __init__(self, command=None):
        self._command = found_command() if command is None else command

    def compare(self, bundle, trained, rows, golden):
        """Answer rows and measure how far that is from the pipeline's answers.

        Parameters
        ----------
        bundle : Path
            A whole bundle.
        trained : FittedPipeline
        rows : list of dict
            Valid rows.
        golden : list of dict
            Those of golden.jsonl that have answers.

        Returns
        -------
        Parity

        Raises
        ------
        TrainerError
            With the rows that differ by more than the model's tier allows, and by how much.
        """
        asked = [(batch, None) for batch in (*trained.batches(rows), *trained.batches(golden))]
        if trained.exported.tier != "A":
            # The order in which scikit-learn adds up depends on how many rows it is given, as it does on the processor.
            asked.append((golden[:: -(-len(golden) // _ALONE)], 1))
        rows = [row for batch, _ in asked for row in batch]
        shown = told_rows(rows, {feature.name for feature in trained.recipe.features if feature.pii})
        # Of wide rows neither the expected features nor those that came are held in memory together.
        expected = (trained.answers(batch, size) for batch, size in asked)
        # Only trees run on another engine.
        engines = ENGINES if any(map(len, trained.exported.thresholds)) else ENGINES[:1]
        got = self._answered(bundle, rows, shown, engines)
        parity, problems = measured(shown, expected, trained.exported, trained.recipe.target.labels, got)
        if problems:
            raise TrainerError("the bundle is not written, because it answers otherwise than the pipeline", *problems)
        if parity.tier == "A" and trained.served is not trained.pipeline:
            parity = dataclasses.replace(parity, tier="B")
        return parity

    def answers(self, bundle, rows, shown=None):
        """Return what the bundle makes of rows, one after the other: the lines of ``plumb predict --features --raw``, decoded.

        Each engine that may serve the bundle answers them all, with the same bits. `shown` are the rows as messages may tell them, if
        that is in another way.
        """
        return list(self._answered(bundle, rows, shown))

    def _answered(self, bundle, rows, shown=None, engines=ENGINES):
        with tempfile.TemporaryDirectory(prefix="plumb-proof-") as folder:
            questions = Path(folder, "rows.jsonl")
            with questions.open("w", encoding="utf-8") as file:
                file.writelines(f"{line(row)}\n" for row in rows)
            answers = [self._lines(bundle, questions, Path(folder, engine), engine) for engine in engines]
            for index, (first, *others) in enumerate(zip(*answers, strict=True)):
                for engine, other in zip(engines[1:], others, strict=True):
                    if first != other:
                        raise TrainerError(
                            f"the bundle is not written, because the engines {engines[0]} and {engine} answer otherwise",
                            f"row {index + 1}, {line((shown or rows)[index])}: {first} and {other}",
                        )
                yield json.loads(first)

    def _lines(self, bundle, questions, answers, engine):
        run = ("--input", str(questions), "--output", str(answers), "--features", "--raw", "--engine", engine)
        self._run("predict", str(bundle), *run)
        return _lines_of(answers)

    def verify(self, bundle):
        """Raise TrainerError where the bundle isn't sound, or its golden rows come out otherwise than its manifest grants.

        Returns
        -------
        int or None
            Megabytes that a process which serves it takes for it.
        """
        found = re.search(r"^  memory +(\d+) MB", self._run("verify", str(bundle), "--memory"), re.MULTILINE)
        return found and int(found[1])

    def _run(self, *arguments):
        command = [*self._command, *arguments]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False, env=plain_environment())
        except FileNotFoundError as error:
            raise TrainerError(f"the proof needs {command[0]}, which isn't installed or not on the PATH") from error
        if done.returncode != 0:
            shown = " ".join(command[:3])
            raise TrainerError(f"the bundle is not written, because `{shown}` refused it:", (done.stderr or done.stdout).strip())
        return done.stdout


def _lines_of(path):
    # Texts may hold characters at which `splitlines` cuts too.
    with path.open(encoding="utf-8", newline="\n") as file:
        for text in file:
            yield text.removesuffix("\n")


def told_rows(rows, personal):
    """Return rows as messages may tell them, without the values of features that are personal data."""
    return [{name: "hidden: personal data" if name in personal else value for name, value in row.items()} for row in rows]


def measured(rows, expected, exported, labels, answers):
    """Return the parity of answers with the pipeline's, and a sentence for each difference beyond it, the first few in full.

    Parameters
    ----------
    rows : list of dict
        As they may be told.
    expected : Answers or iterable of Answers
        The pipeline's; of several each for the rows that come after those of the one before.
    exported : ExportedModel
    labels : tuple
        Of a classifier.
    answers : iterable of dict
        The lines that ``plumb predict --features --raw`` wrote.

    Returns
    -------
    (Parity, list of str)
    """
    expected, answers, features = _compared_features(expected, exported, iter(answers))
    if len(answers) != len(rows):
        return None, [f"expected {len(rows)} answers, got {len(answers)}"]
    refused = [
        (index, f"the pipeline predicts {expected.predictions[index]}, but Plumb refuses: {answer['error'].get('message')}")
        for index, answer in enumerate(answers)
        if "error" in answer
    ]
    if refused:
        return None, _told(rows, refused)
    dtypes = ((exported.raw_tier, exported.raw_dtype), (exported.tier, exported.answer_dtype))
    raw_order, order = (0 if tier == "A" else _OTHER_ORDER[dtype] for tier, dtype in dtypes)
    dtype = np.dtype(exported.answer_dtype)
    apart = bool(exported.names)
    raw = _Found("model output", expected.raw.astype(exported.raw_dtype), [answer["raw"] for answer in answers], raw_order, apart=apart)
    found, other = [raw], []
    if expected.probabilities is not None:
        probabilities = [[answer["probabilities"][label_text(label)] for label in labels] for answer in answers]
        found.append(_Found("probability", expected.probabilities.astype(dtype), probabilities, order))
    if labels:
        other = [
            (index, f"prediction is otherwise: expected {label!r}, got {answer['prediction']!r}")
            for index, (label, answer) in enumerate(zip(expected.predictions, answers, strict=True))
            if label != answer["prediction"]
        ]
    else:
        predictions = [answer["prediction"] if exported.names else [answer["prediction"]] for answer in answers]
        numbers = expected.predictions.astype(dtype).reshape(len(rows), -1)
        found.append(_Found("prediction", numbers, predictions, order, exported.names, apart))
    problems = [*features, *(problem for part in found for problem in part.problems), *other]
    tier = {} if exported.raw_tier == exported.tier else {"raw_tier": exported.raw_tier}
    parity = Parity(exported.tier, len(rows), raw.worst, Worst.of(part.worst for part in found[1:]), **tier)
    return parity, _told(rows, sorted(problems, key=lambda found: found[0]))


def _compared_features(expected, exported, answers):
    """Return the expected answers as one, and the answers that came, both without their features, and the differences of these."""
    parts, got, problems = [], [], []
    for part in [expected] if isinstance(expected, Answers) else expected:
        came = list(itertools.islice(answers, len(part.raw)))
        problems += [(len(got) + row, sentence) for row, sentence in _feature_problems(part, exported, came)]
        parts.append(dataclasses.replace(part, features=np.zeros((len(part.raw), 0))))
        got += [{name: value for name, value in answer.items() if name != "features"} for answer in came]
        del part, came
    return Answers.joined(parts), [*got, *answers], problems


def _feature_problems(part, exported, came):
    if len(came) < len(part.raw) or any("error" in answer for answer in came):
        return []
    with np.errstate(over="ignore"):
        features = part.features.astype(exported.dtype)
    return _Found("feature column", features, [answer["features"] for answer in came], 0).problems


class _Found:
    """What was found in one block of numbers: the worst difference, and (row, sentence) for each that is beyond `order`.

    Columns go by their names, or where there are none by their numbers. Where they are outputs that have nothing to do with each other
    (`apart`), `order` is beside the largest number of a column, else of the block.
    """

    def __init__(self, what, expected, forms, order, names=(), apart=False):
        widths = [len(form) for form in forms]
        if any(width != expected.shape[1] for width in widths):
            row = next(index for index, width in enumerate(widths) if width != expected.shape[1])
            self.worst, self.problems = Worst(), [(row, f"{what}: expected {expected.shape[1]} values, got {widths[row]}")]
            return
        got = np.fromiter(map(number_value, itertools.chain.from_iterable(forms)), np.float64, expected.size).reshape(expected.shape)
        if not order and np.array_equal(expected.astype(np.float64).view(np.int64), got.view(np.int64)):
            self.worst, self.problems = Worst(), []
            return
        with np.errstate(over="ignore"):
            rounded = got.astype(expected.dtype)
        distances = ulp_distances(expected, rounded)
        # A number that is no float of the dtype at all was computed in another one.
        stray = (rounded != got) & ~np.isnan(got)
        largest = np.abs(np.where(np.isfinite(expected), expected, 0)).max(axis=0 if apart else None, initial=0)
        with np.errstate(invalid="ignore"):
            near = np.abs(expected - rounded) <= order * largest
        beyond = stray | ((distances > 0) & ~(near & (order > 0)))
        # What is beyond is told, and needs no bound; what has to be the same bits has nothing near zero.
        self.worst = worst_difference(expected, np.where(beyond, expected, rounded), largest if order > 0 else 0)
        self.problems = [
            (
                int(row),
                f"{what}{_column(column, expected.shape[1], names)} differs by {distances[row, column]:.0f} ulp ({expected.dtype}): "
                f"expected {expected[row, column].item()!r}, got {got[row, column].item()!r}",
            )
            for row, column in np.argwhere(beyond)
        ]


def _column(column, count, names):
    return f" {quote(names[column])}" if names else f" {column}" if count > 1 else ""


def _told(rows, problems):
    sentences = [f"row {index + 1}, {line(rows[index])}: {problem}" for index, problem in problems]
    more = len(sentences) - _SHOWN
    if more > 0:
        differing = len({index for index, _ in problems})
        sentences[_SHOWN:] = [f"and {more} more differences; {differing} of {len(rows)} rows differ"]
    return sentences
