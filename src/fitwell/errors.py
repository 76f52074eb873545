"""Every error that fitwell raises on purpose."""


class FitwellError(Exception):
    """Anything that fitwell reports in one line instead of a traceback."""


class InputError(FitwellError, ValueError):
    """Something handed to fitwell cannot be used: exit code 2.

    The message names the argument, or the file with row and column, what was found,
    what is expected, and the way out, in one line.
    """


class TrainingFailed(FitwellError, RuntimeError):
    """A training could not be finished, though the input was in order: exit code 1."""
