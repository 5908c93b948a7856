"""Errors that a person has to act on, told apart from those that a retry heals."""

from __future__ import annotations


class NeedsPerson(Exception):  # noqa: N818 - it reads as what it says
    """A retry cannot help: the message names what is wrong, where, and the remedy."""


class TryAgain(Exception):  # noqa: N818
    """The world was not ready or changed underneath; the same step may be run again as it is."""
