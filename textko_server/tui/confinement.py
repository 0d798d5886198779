"""Whether these screens are all of the machine that the person gets: an SSH key that opens nothing
else, `textko ssh-key`. Then no pager, editor or clipboard program is started, which could start
others, and no file is read or written, which could be the one that lets them in.

Of the whole process, from its start to its end.
"""

_confined: list[bool] = []


def confine() -> None:
    """From now on."""
    _confined.append(True)


def is_confined() -> bool:
    return bool(_confined)
