"""What all unit tests share."""

from __future__ import annotations

from hypothesis import settings

# A slow machine is no bug: how long one example takes says nothing about the code.
settings.register_profile("livemove", deadline=None)
settings.load_profile("livemove")
