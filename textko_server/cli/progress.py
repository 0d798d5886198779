"""How far a long piece of work is, on a terminal; elsewhere nothing."""

import sys


class Progress:
    """Call it with (done, all) as often as you like; leave it to end the line."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._is_shown = sys.stderr.isatty()
        self._percent = -1

    def __call__(self, done: int, all_: int) -> None:
        percent = min(100, 100 * done // all_) if all_ else 0
        if self._is_shown and percent > self._percent:
            self._percent = percent
            sys.stderr.write(f"\r{self._what}: {percent} %")
            sys.stderr.flush()

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_: object) -> None:
        if self._percent >= 0:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
