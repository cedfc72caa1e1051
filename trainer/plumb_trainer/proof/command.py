"""Where the code that serves is: the command `plumb` of a checkout, of an installed npm package, or of a packed one."""

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from plumb_trainer.errors import TrainerError

PROJECT = Path(__file__).resolve().parents[3]
_CHECKOUT = PROJECT / "bin" / "plumb.js"
# The command itself takes PLUMB_* for settings of a server.
_OWN = ("PLUMB_HOME", "PLUMB_NPM")


def found_command(environment=os.environ, checkout=_CHECKOUT):
    """Return the command as a tuple of str: as the environment says, else the checkout's that this is part of, else the one on PATH.

    Parameters
    ----------
    environment : mapping
        PLUMB_HOME is a folder that holds bin/plumb.js, or an npm prefix with the package. PLUMB_NPM is a packed tarball, which is
        installed into the user's cache once.
    checkout : Path
        The checkout's command, which need not be there.

    Raises
    ------
    TrainerError
        With a sentence where there is none.
    """
    if environment.get("PLUMB_HOME"):
        return _of_home(Path(environment["PLUMB_HOME"]))
    if environment.get("PLUMB_NPM"):
        return _of_tarball(Path(environment["PLUMB_NPM"]), environment)
    if checkout.is_file():
        return ("node", str(checkout))
    on_path = shutil.which("plumb", path=environment.get("PATH", ""))
    if on_path:
        return (on_path,)
    raise TrainerError(
        "a bundle is proved by the code that serves it, and there is no command `plumb` here: install Plumb's npm package so that `plumb` "
        "is on the PATH, or set PLUMB_HOME to its folder, or PLUMB_NPM to the packed tarball (plumb-<version>-<platform>.tgz)"
    )


def plain_environment(environment=os.environ):
    """Return the environment without what is the trainer's own."""
    return {name: value for name, value in environment.items() if name not in _OWN}


def _of_home(home):
    for folder in (home, home / "node_modules" / "plumb", home / "lib" / "node_modules" / "plumb"):
        if (folder / "bin" / "plumb.js").is_file():
            return ("node", str(folder / "bin" / "plumb.js"))
    raise TrainerError(f"PLUMB_HOME: expected a folder with bin/plumb.js, or an npm prefix with the package plumb in it, got {home}")


def _of_tarball(tarball, environment):
    try:
        digest = hashlib.sha256(tarball.read_bytes()).hexdigest()
    except OSError as error:
        raise TrainerError(f"PLUMB_NPM: expected Plumb's packed npm package, a file, got {tarball} ({error.strerror})") from error
    caches = Path(environment.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "plumb"
    home = caches / digest[:16]
    if not home.is_dir():
        _install(tarball, caches, home)
    return _of_home(home)


def _install(tarball, caches, home):
    """Install a tarball, in one step: two that do it at once don't disturb each other."""
    caches.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=caches, prefix="installing-") as folder:
        # Everything lies in the tarball, so no registry is asked.
        options = ["--prefix", folder, "--offline", "--ignore-scripts", "--no-audit", "--no-fund"]
        try:
            done = subprocess.run(
                ["npm", "install", *options, str(tarball.resolve())], capture_output=True, text=True, check=False, cwd=folder
            )
        except FileNotFoundError as error:
            raise TrainerError("PLUMB_NPM: npm isn't on the PATH; it comes with Node 20.19 or newer, which Plumb needs") from error
        if done.returncode != 0:
            raise TrainerError(f"PLUMB_NPM: npm couldn't install {tarball}:", (done.stderr or done.stdout).strip())
        made = Path(folder, "made")
        made.mkdir()
        Path(folder, "node_modules").rename(made / "node_modules")
        try:
            made.rename(home)
        except OSError:
            if not home.is_dir():
                raise
