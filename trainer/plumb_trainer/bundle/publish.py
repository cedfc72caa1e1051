"""Puts a finished folder into its place at once, so that nobody ever sees half of it."""

import ctypes
import errno
import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path

from plumb_trainer.errors import TrainerError

# From Linux's fs.h and fcntl.h.
_RENAME_EXCHANGE = 2
_AT_FDCWD = -100


@contextmanager
def published(target, replace=False):
    """Give a folder to fill; on leaving it becomes `target`, or, after an exception, nothing.

    Parameters
    ----------
    target : Path
        Where the folder will stand. The folders above are made.
    replace : bool, default=False
        Whether `target` may exist and be exchanged.

    Yields
    ------
    Path
        A new folder beside `target` whose name starts with a dot: readers of a model store pass those over, and a rename
        within one file system is atomic.

    Raises
    ------
    TrainerError
        Where `target` exists and isn't to be replaced.

    Notes
    -----
    All files and the folder reach the disk before the rename, and the rename before the function returns, so that a
    power cut leaves the old state or the new one.
    """
    refuse_existing(target, replace)
    target.parent.mkdir(parents=True, exist_ok=True)
    stage = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        # mkdtemp makes it private to its owner, but the one who serves may be another.
        stage.chmod(0o777 & ~_umask())
        yield stage
        for path in (*stage.iterdir(), stage):
            _sync(path)
        _place(stage, target, replace)
        _sync(target.parent)
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def refuse_existing(target, replace):
    """Raise TrainerError where something is in the way."""
    if os.path.lexists(target) and not replace:
        raise TrainerError(f"{target}: this version exists already; raise the version in the recipe, or give --replace")
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        raise TrainerError(f"{target}: expected a folder to replace, got a link or a file")


def _place(stage, target, replace):
    """Rename `stage` to `target`; what was there, if anything, is at `stage` afterwards."""
    if not target.exists():
        _rename_new(stage, target)
    elif not replace:
        refuse_existing(target, replace)
    elif not _exchange(stage, target):
        _swap(stage, target)


def _rename_new(stage, target):
    try:
        stage.rename(target)
    except OSError as error:
        # Somebody else was quicker: a folder with files in it is never overwritten by a rename.
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            raise TrainerError(f"{target}: this version appeared while the bundle was made; nothing was written") from error
        raise


def _exchange(one, other):
    """Exchange two folders in one step; False where the system or the file system can't."""
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if rename is None:
        return False
    return rename(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE) == 0


def _swap(stage, target):
    """Exchange two folders in two steps, and take the first back if the second fails."""
    aside = Path(f"{stage}.old")
    target.rename(aside)
    try:
        stage.rename(target)
    except BaseException:
        aside.rename(target)
        raise
    aside.rename(stage)


def _sync(path):
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask
