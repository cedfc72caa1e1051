"""What every portable function is wrapped into: any shape in, the same shape out, in strips that stay in the processor's cache."""

import functools

import numpy as np

_STRIP = 8192  # values; the dozen temporaries of a strip take less than a megabyte


def elementwise(function):
    """Return a function over scalars and arrays of any shape, from one over float64 arrays of one dimension.

    Parameters
    ----------
    function : callable
        From one or more arrays of the same length to an array of that length.

    Returns
    -------
    callable
        The arguments are broadcast; the result is float64, a scalar if all of them are.
    """

    @functools.wraps(function)
    def apply(*arguments):
        arrays = np.broadcast_arrays(*(np.asarray(argument, dtype=np.float64) for argument in arguments))
        result = np.empty(arrays[0].shape)
        flat = result.reshape(-1)
        columns = [array.reshape(-1) for array in arrays]
        with np.errstate(all="ignore"):
            for start in range(0, len(flat), _STRIP):
                strip = slice(start, start + _STRIP)
                flat[strip] = function(*(np.ascontiguousarray(column[strip]) for column in columns))
        return result[()]

    return apply
