"""Texts with variables: what is a variable, and what is put in its place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from textko_server.errors import Invalid
from textko_server.gateway.templates import checked_text, checked_values, render, variables_of

NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_.]{0,10}", fullmatch=True)
TEXTS = st.text(alphabet="{} ab_.1\n", max_size=60)


def test_variables_are_named_once_in_order_of_appearance() -> None:
    assert variables_of("{{b}} {{ a }} {{b}} {{a.b_1}}") == ["b", "a", "a.b_1"]


@pytest.mark.parametrize("text", ["{{}}", "{{ }}", "{a}", "{{1a}}", "{{a b}}", "{{a}", "{{ä}}"])
def test_other_braces_are_text(text: str) -> None:
    assert variables_of(text) == []
    assert render(text, {"a": "x"}).text == text


def test_braces_in_a_value_mean_nothing() -> None:
    assert render("{{a}}{{b}}", {"a": "{{b}}", "b": "\\1"}).text == "{{b}}\\1"


@given(TEXTS)
def test_without_values_a_text_stays_and_all_is_missing(text: str) -> None:
    rendering = render(text, {})

    assert rendering.text == text
    assert rendering.missing == variables_of(text)


@given(TEXTS, st.dictionaries(NAMES, TEXTS))
def test_what_is_missing_is_what_has_no_value(text: str, values: dict[str, str]) -> None:
    rendering = render(text, values)

    assert rendering.missing == [name for name in variables_of(text) if name not in values]


@given(NAMES, st.text(max_size=50))
def test_value_stands_where_its_variable_stood(name: str, value: str) -> None:
    assert render(f"<{{{{ {name} }}}}>", {name: value}).text == f"<{value}>"


def test_plain_values_are_written_as_json_writes_them() -> None:
    values = checked_values({"a": 1, "b": 1.5, "c": True, "d": False, "e": "x", "f": None})

    assert values == {"a": "1", "b": "1.5", "c": "true", "d": "false", "e": "x"}


@pytest.mark.parametrize(
    "variables",
    [{"a": []}, {"a": {}}, {"a": "x" * 2_001}, dict.fromkeys(map(str, range(201)), "x")],
)
def test_other_values_are_refused(variables: dict[str, object]) -> None:
    with pytest.raises(Invalid):
        checked_values(variables)


@pytest.mark.parametrize("text", ["", " \n", "x" * 10_001, "{{a}}" * 201])
def test_text_that_would_take_too_long_or_says_nothing_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        checked_text(text)
