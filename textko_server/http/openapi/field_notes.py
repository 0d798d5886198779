"""What stands below a struct's fields in its source, as descriptions for the published document.

A program that was built without its sources publishes no such descriptions, and is otherwise the
same.
"""

import ast
import inspect
import re
import sys
from functools import cache
from typing import Any

import msgspec

_VALUE = re.compile(r"\b(None|True|False)(?=:)")
_JSON = {"None": "null", "True": "true", "False": "false"}


def field_notes(struct: type[msgspec.Struct]) -> dict[str, str]:
    """By name on the wire; those of the structs it extends too."""
    notes: dict[str, str] = {}
    for cls in reversed(struct.__mro__):
        notes |= _notes_of_module(cls.__module__).get(cls.__name__, {})
    names = dict(zip(struct.__struct_fields__, struct.__struct_encode_fields__, strict=True))
    return {names[name]: note for name, note in notes.items() if name in names}


@cache
def _notes_of_module(name: str) -> dict[str, dict[str, str]]:
    """Notes by field, by class."""
    if not name.startswith("textko_server"):
        return {}
    try:
        tree = ast.parse(inspect.getsource(sys.modules[name]))
    except OSError:
        return {}
    return {node.name: _notes(node) for node in tree.body if isinstance(node, ast.ClassDef)}


def _notes(node: ast.ClassDef) -> dict[str, str]:
    return {
        field.target.id: _as_json(" ".join(note.value.value.split()))
        for field, note in zip(node.body, node.body[1:], strict=False)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        if isinstance(note, ast.Expr) and isinstance(note.value, ast.Constant)
        if isinstance(note.value.value, str)
    }


def _as_json(note: str) -> str:
    """`None: all.` is said of a field of Python."""
    return _VALUE.sub(lambda match: _JSON[match[0]], note)


def structs_of(types: list[Any]) -> dict[str, type[msgspec.Struct]]:
    """All structs that these types are made of, by name."""
    found: dict[str, type[msgspec.Struct]] = {}
    seen: set[int] = set()

    def look(info: Any) -> None:
        if isinstance(info, tuple | list):
            for one in info:
                look(one)
        if not isinstance(info, msgspec.inspect.Type | msgspec.inspect.Field) or id(info) in seen:
            return
        seen.add(id(info))
        if isinstance(info, msgspec.inspect.StructType):
            cls = getattr(info.cls, "__origin__", info.cls)
            found[cls.__name__] = cls
        for name in info.__struct_fields__:
            look(getattr(info, name))

    look(msgspec.inspect.multi_type_info(types))
    return found
