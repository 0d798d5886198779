"""Names and their values as people type them: a line of `name=value` for each."""

from collections.abc import Mapping

from textko_server.admin_wire import CustomValue
from textko_server.errors import Invalid


def value_lines(values: Mapping[str, CustomValue]) -> str:
    return "\n".join(f"{name}={_text(value)}" for name, value in values.items())


def parse_value_lines(
    field: str, text: str, before: Mapping[str, CustomValue] | None = None
) -> dict[str, CustomValue]:
    """`before`: a value that reads as it did stays the number or truth value it was.

    Raises Invalid, of `field`: a line has no `=`.
    """
    known = before or {}
    values: dict[str, CustomValue] = {}
    for line in text.splitlines():
        if not line.strip():
            continue
        name, equals, value = _parts(line, known)
        if not equals or not name:
            raise Invalid(field, f"write name=value in each line, not {line}")
        is_same = name in known and _text(known[name]).strip() == value
        values[name] = known[name] if is_same else value
    return values


def _parts(line: str, known: Mapping[str, CustomValue]) -> tuple[str, str, str]:
    """A name that is known may hold a `=` itself."""
    for name in known:
        if line.startswith(f"{name}="):
            return name, "=", line[len(name) + 1 :].strip()
    name, equals, value = line.partition("=")
    return name.strip(), equals, value.strip()


def _text(value: CustomValue) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    # A value of several lines could not be told from several values.
    return "" if value is None else " ".join(str(value).splitlines())
