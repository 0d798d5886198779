"""Command lines, taken apart, and what refusing one looks like.

ITU-T V.250, 5.4 (several commands in a line) and 3GPP TS 27.007, 4. Refuses to know any command.
"""

import re
from enum import StrEnum

import msgspec

_EXTENDED = re.compile(r'([+^*$#%&][A-Z][A-Z0-9]*)(=\?|\?|=((?:[^;"]|"[^"]*")*))?;?', re.IGNORECASE)
_BASIC = re.compile(r"(&?[A-Z])([0-9]*)", re.IGNORECASE)
_FIELD = re.compile(r'\s*(?:"([^"]*)"|([^,]*))\s*(?:,|$)')


class Form(StrEnum):
    RUN = "run"
    READ = "read"
    SET = "set"
    TEST = "test"


class AtCommand(msgspec.Struct, frozen=True):
    name: str
    """In capitals: `E`, `&F`, `+CMGS`."""
    form: Form
    fields: tuple[str, ...] = ()
    """Without their quotes."""

    def number(self, place: int, default: int | None = None) -> int | None:
        """Of a field; `default` when it is left out. Raises: Refusal."""
        field = self.fields[place] if place < len(self.fields) else ""
        if not field:
            return default
        if not field.isascii() or not field.isdigit():
            raise Refusal()
        return int(field)


class Refusal(Exception):
    """A command ends with an error, and the rest of its line is not looked at."""

    def __init__(self, kind: str = "", number: int = 0) -> None:
        super().__init__(f"{kind} {number}")
        self.kind = kind
        """CMS, CME; empty: just ERROR."""
        self.number = number


class UnknownCommand(Exception):
    """The modem has no such command, and says so in its maker's words."""


def commands_of(line: str) -> list[AtCommand]:
    """What stands before `AT` is passed over. Raises: Refusal when it is no command line."""
    rest = line[line.upper().index("AT") + 2 :].strip()
    commands = []
    while rest:
        if extended := _EXTENDED.match(rest):
            commands.append(_extended(extended))
            rest = rest[extended.end() :].lstrip()
        elif basic := _BASIC.match(rest):
            fields = (basic[2],) if basic[2] else ()
            commands.append(AtCommand(basic[1].upper(), Form.RUN, fields))
            rest = rest[basic.end() :].lstrip("; ")
        else:
            raise Refusal()
    return commands


def _extended(found: re.Match[str]) -> AtCommand:
    name, rest = found[1].upper(), found[2] or ""
    if rest == "=?":
        return AtCommand(name, Form.TEST)
    if rest == "?":
        return AtCommand(name, Form.READ)
    if not rest:
        return AtCommand(name, Form.RUN)
    fields = tuple(quoted or plain.strip() for quoted, plain in _FIELD.findall(found[3]))
    # The last match is of nothing, behind the last field.
    return AtCommand(name, Form.SET, fields[:-1] if not found[3].endswith(",") else fields)
