"""The vocabulary that every room of the platform shares."""

__version__ = "0.1.0"
