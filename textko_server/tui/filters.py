"""What is typed after `/`: words and fields, each of which may be turned round with `!`.

    state:failed user:ann !text:"good morning" 0171

A bare word is looked for in every column. Refuses to know which fields a list has.
"""

import re
from collections.abc import Mapping

import msgspec

_FIELD = re.compile(r"[A-Za-z][\w-]*:")
_TERM = re.compile(r'(!?)(?:([A-Za-z][\w-]*):)?(?:"([^"]*)"?|(\S+))')


class Term(msgspec.Struct, frozen=True):
    field: str | None
    """None: any column."""
    value: str
    """Lower case."""
    is_inverse: bool = False

    def __str__(self) -> str:
        value = f'"{self.value}"' if " " in self.value else self.value
        return f"{'!' if self.is_inverse else ''}{self.field + ':' if self.field else ''}{value}"


class Filter(msgspec.Struct, frozen=True):
    """All terms must hold."""

    terms: tuple[Term, ...] = ()

    @classmethod
    def parse(cls, text: str) -> "Filter":
        """Never fails: half a term, as it stands while one types, is a term."""
        terms = []
        for match in _TERM.finditer(text):
            inverse, field, quoted, bare = match.groups()
            value = (quoted if quoted is not None else bare).lower()
            is_begun = field is None and quoted is None and _FIELD.fullmatch(bare)
            if value and not is_begun and not (field is None and value in ("!", '"')):
                terms.append(Term(field.lower() if field else None, value, bool(inverse)))
        return cls(tuple(terms))

    def __str__(self) -> str:
        return " ".join(map(str, self.terms))

    def __bool__(self) -> bool:
        return bool(self.terms)

    def value(self, field: str) -> str | None:
        """What that field must be; None: nothing is asked of it."""
        for term in self.terms:
            if term.field == field and not term.is_inverse:
                return term.value
        return None

    def has(self, field: str, value: str) -> bool:
        return Term(field, value) in self.terms

    def with_term(self, field: str, value: str) -> "Filter":
        """That field asks for this value and no other."""
        kept = tuple(term for term in self.terms if term.field != field or term.is_inverse)
        return Filter((*kept, Term(field, value.lower())))

    def toggled(self, field: str, value: str) -> "Filter":
        term = Term(field, value)
        if term in self.terms:
            return Filter(tuple(t for t in self.terms if t != term))
        return Filter((*self.terms, term))

    def unknown_fields(self, known: frozenset[str]) -> list[str]:
        return [term.field for term in self.terms if term.field and term.field not in known]

    def rest(self, answered: frozenset[str]) -> "Filter":
        """Without the terms that the server answers: those of these fields, not turned round."""
        return Filter(tuple(t for t in self.terms if t.is_inverse or t.field not in answered))

    def matches(self, cells: Mapping[str, str]) -> bool:
        """`cells`: the text of each column, in lower case, by the column's name."""
        return all(_holds(term, cells) is not term.is_inverse for term in self.terms)


def _holds(term: Term, cells: Mapping[str, str]) -> bool:
    if term.field is None:
        return any(term.value in cell for cell in cells.values())
    return term.value in cells.get(term.field, "")
