"""Whether the mouse works the screens or selects text as in any terminal.

Refuses to know which key changes it.
"""

from typing import Any
from weakref import WeakSet

from textual.app import App

_released: WeakSet[App[Any]] = WeakSet()


def is_mouse_taken(app: App[Any]) -> bool:
    """By the screens; also true of a program that was started without a mouse."""
    return app not in _released


def release_mouse(app: App[Any]) -> None:
    _released.add(app)
    _tell_driver(app, "_disable_mouse_support")


def take_mouse(app: App[Any]) -> None:
    _released.discard(app)
    _tell_driver(app, "_enable_mouse_support")


def _tell_driver(app: App[Any], method: str) -> None:
    # Textual has no public name for it, and a driver without a terminal has none at all. One that
    # was started without a mouse does nothing.
    if (change := getattr(app._driver, method, None)) is not None:
        change()
