"""Why a run stops: sentences for the person who started it."""


class TrainerError(Exception):
    """A run cannot go on, and the reason is not a bug.

    Parameters
    ----------
    problems : list of str
        A sentence each: where, what was expected, what is there. At least one.
    """

    def __init__(self, *problems):
        super().__init__("\n".join(problems))
        self.problems = list(problems)


def quote(value):
    """Return a name or value as messages show it: in double quotes, cut when long."""
    text = str(value)
    return f'"{text}"' if len(text) <= 60 else f'"{text[:57]}..."'


def quoted_columns(names):
    """Return the names of columns as messages show them."""
    return f"column{'s' if len(names) > 1 else ''} {', '.join(map(quote, names))}"
