"""Reads nested settings from a file strictly: every member is known and of the right kind, or a sentence says which is not."""

from plumb_trainer.errors import TrainerError, quote

_KINDS = {
    "text": (str, "a text"),
    "number": ((int, float), "a number"),
    "integer": (int, "an integer"),
    "flag": (bool, "true or false"),
    "object": (dict, "names with values"),
    "list": (list, "a list"),
    "names": ((list, str), 'a list of names, or "all"'),
    "scalar": ((str, int, float, bool), "a text, a number, true or false"),
}


class Settings:
    """One object of a settings file, read member by member.

    Parameters
    ----------
    members : dict
        The object as parsed.
    where : str
        Its place in the file, for messages.

    Notes
    -----
    Problems are collected in `problems`, which the objects inside share, so that one run tells all of them.
    """

    def __init__(self, members, where, problems=None):
        self.where = where
        self.problems = [] if problems is None else problems
        self._members = members if isinstance(members, dict) else {}
        self._unread = list(self._members)
        if not isinstance(members, dict):
            self.problem("names with values", members)

    def take(self, name, kind, default=None, required=False):
        """Return a member's value, or `default` where it is absent or wrong."""
        if name not in self._members:
            if required:
                self.problems.append(f"{self.where}: expected {quote(name)}, {_KINDS[kind][1]}, got nothing")
            return default
        self._unread.remove(name)
        value = self._members[name]
        types, expected = _KINDS[kind]
        # Python's True is an int; a setting's is not.
        if not isinstance(value, types) or (isinstance(value, bool) and kind not in ("flag", "scalar")):
            self.problem(expected, value, name)
            return default
        return value

    def inner(self, name, required=True):
        """Return an object inside as Settings; one without members where it is absent."""
        members = self.take(name, "object", default={}, required=required)
        return Settings(members, f"{self.where}, {name}", self.problems)

    def items(self):
        """Return names and values of an object whose names are free; nothing is left unread."""
        self._unread.clear()
        return list(self._members.items())

    def problem(self, expected, got, name=None):
        """Note that a value is not what was expected."""
        place = self.where if name is None else f"{self.where}, {name}"
        self.problems.append(f"{place}: expected {expected}, got {quote(got)}")

    def close(self):
        """Note every member that was not read."""
        for name in self._unread:
            self.problems.append(f"{self.where}: there is no setting {quote(name)}")


def stop_on(problems):
    """Raise TrainerError where there are problems."""
    if problems:
        raise TrainerError(*problems)
