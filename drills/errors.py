"""Why a drill ends before its verdict."""

from ecommerce.errors import PlatformError


class DrillFailed(PlatformError):
    """What should have happened did not; the message says what, and where it hung."""


class CannotRun(PlatformError):
    """This machine cannot run the drill; the message says what it lacks."""
