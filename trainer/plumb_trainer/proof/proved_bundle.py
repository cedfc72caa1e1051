"""Writes a bundle that is proved: the last steps of every export, from a recipe or of a pipeline that was fitted elsewhere."""

import dataclasses

from plumb_trainer.bundle.content import bundle_content, sealed
from plumb_trainer.bundle.golden import answered_rows, golden_rows, proof_rows
from plumb_trainer.bundle.publish import published
from plumb_trainer.numbers.parity import Parity
from plumb_trainer.proof.progress import Progress
from plumb_trainer.proof.prove import PlumbCommand

# Compared beside the golden rows, and not kept.
PROOF_ROWS = 10_000


def write_proved(
    trained,
    evaluation,
    card,
    target,
    *,
    created,
    data_sha256=None,
    replace=False,
    judge=None,
    proof_count=PROOF_ROWS,
    flips=None,
    progress=None,
):
    """Make golden rows, write the bundle, hold the code that serves to the pipeline, and put the bundle in its place.

    Parameters
    ----------
    trained : FittedPipeline
    evaluation : dict
        evaluation.json.
    card : callable
        See `sealed`.
    target : Path
    created : str
    data_sha256 : str, default=None
    replace : bool, default=False
        Whether `target` may exist.
    judge : PlumbCommand, default=None
        Proves the bundle, before it is where anybody looks; None is this project's own command.
    proof_count : int, default=10_000
        Rows to compare beside the golden ones.
    flips : Flips, default=None
        What was found of the pipeline's own answers, for the manifest.
    progress : Progress, default=None

    Returns
    -------
    Parity
        What was found.

    Raises
    ------
    TrainerError
        With sentences; nothing is written then.
    """
    judge = judge or PlumbCommand()
    progress = progress or Progress()
    progress.stage("choosing golden rows, and rows to compare")
    golden = golden_rows(trained)
    others = proof_rows(trained, proof_count)
    content = bundle_content(trained, evaluation, golden)
    progress.stage("writing the bundle, and comparing what serves it with the pipeline")
    compared = len(golden) + len(others)
    exported = trained.exported
    with published(target, replace) as folder:
        claimed = Parity(exported.tier, compared, raw_tier=exported.raw_tier, flips=flips)
        _write(folder, sealed(content, trained, data_sha256, card, claimed, created))
        found = dataclasses.replace(judge.compare(folder, trained, others, answered_rows(trained, golden)), rows=compared, flips=flips)
        _write(folder, sealed(content, trained, data_sha256, card, found, created))
        megabytes = judge.verify(folder)
        size = sum(path.stat().st_size for path in folder.iterdir()) / 1e6
    serving = "" if megabytes is None else f"; each process that serves it takes about {megabytes} MB for it"
    progress.result(f"{target}: {size:.1f} MB, proved over {found.rows} rows in tier {found.tier}{serving}")
    return found


def _write(folder, files):
    for name, content in files.items():
        (folder / name).write_bytes(content)
