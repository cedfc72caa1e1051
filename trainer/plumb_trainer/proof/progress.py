"""Says how far an export is, and what came of it: as lines, as a bar on a terminal, or not at all."""

import sys

_STAGES = 4
_WIDTH = 20


class Progress:
    """Gives each stage and each result to a function, as a line.

    Parameters
    ----------
    write : callable, default=None
        None for nothing.
    """

    def __init__(self, write=None):
        self._write = write or (lambda text: None)

    def stage(self, text):
        """Say what begins."""
        self._write(text)

    def result(self, text):
        """Say what was found."""
        self._write(text)

    def close(self):
        """Leave the terminal as it was, whatever happened."""


class Bar(Progress):
    """A bar in one line of a terminal, in which each stage takes the place of the one before; results stay."""

    def __init__(self, stream):
        super().__init__()
        self._stream = stream
        self._done = 0

    def stage(self, text):
        filled = _WIDTH * self._done // _STAGES
        self._done = min(self._done + 1, _STAGES)
        self._draw(f"[{'#' * filled}{'-' * (_WIDTH - filled)}] {self._done} of {_STAGES}: {text}")

    def result(self, text):
        self._draw(f"export_bundle: {text}\n")

    def close(self):
        self._draw("")

    def _draw(self, text):
        # To the line's start, and erase it.
        self._stream.write(f"\r\x1b[K{text}")
        self._stream.flush()


def progress_of(asked):
    """Return how to say what `progress` of export_bundle asks for: None is a bar where there is a terminal, True lines everywhere."""
    if callable(asked):
        return Progress(asked)
    if asked is None and sys.stderr.isatty():
        return Bar(sys.stderr)
    return Progress((lambda text: print(f"export_bundle: {text}", file=sys.stderr)) if asked else None)
