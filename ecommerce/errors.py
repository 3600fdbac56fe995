"""The one error that a command shows as a line, without a traceback."""


class PlatformError(Exception):
    """Something that the user can put right; the message names the thing and the remedy. A command ends with ``exit_code``."""

    exit_code = 2
