"""What the pages stand on: filters, columns, rows by pages, times."""

import unicodedata
from datetime import UTC, timedelta, timezone

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from textko_server.tui.columns import GAP, Column, Shown, fit, padded
from textko_server.tui.details import Details
from textko_server.tui.filters import Filter, Term
from textko_server.tui.matching import Matching
from textko_server.tui.paged_rows import KEPT_PAGES, FetchedPage, PagedRows
from textko_server.tui.pages import PAGES, find_page
from textko_server.tui.times import Times, ago, span
from textko_server.typed_times import parse_time

# --- filters ---


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("", []),
        ("hello", [Term(None, "hello")]),
        ("state:Failed user:ann", [Term("state", "failed"), Term("user", "ann")]),
        ('!text:"good morning"', [Term("text", "good morning", True)]),
        ("!word", [Term(None, "word", True)]),
        ('"two words" x', [Term(None, "two words"), Term(None, "x")]),
        ("state:", []),
        ('text:"half', [Term("text", "half")]),
        ("+251:9", [Term(None, "+251:9")]),
        ("!", []),
    ],
)
def test_a_filter_is_words_and_fields(text: str, terms: list[Term]) -> None:
    assert list(Filter.parse(text).terms) == terms


@given(st.text(max_size=60))
def test_no_filter_is_too_odd_to_be_read(text: str) -> None:
    parsed = Filter.parse(text)

    assert all(term.value == term.value.lower() for term in parsed.terms)


_words = st.text(st.characters(categories=["L", "N"], max_codepoint=0x24F), min_size=1, max_size=8)


@given(
    st.lists(
        st.builds(
            Term,
            st.none() | st.sampled_from(["state", "user", "send-at"]),
            st.lists(_words, min_size=1, max_size=2).map(lambda words: " ".join(words).lower()),
            st.booleans(),
        ),
        max_size=4,
    )
)
def test_a_filter_reads_as_it_is_written(terms: list[Term]) -> None:
    written = Filter(tuple(terms))

    assert Filter.parse(str(written)) == written


def test_all_terms_must_hold_and_an_inverse_one_must_not() -> None:
    cells = {"state": "failed", "to": "+251911000001", "text": "good morning"}

    assert Filter.parse("state:fail morning").matches(cells)
    assert Filter.parse("!state:sent 0001").matches(cells)
    assert not Filter.parse("morning !0001").matches(cells)
    assert not Filter.parse("other:x").matches(cells)


def test_a_term_of_a_filter_can_be_put_and_taken_away() -> None:
    written = Filter.parse("state:failed hello")

    assert str(written.with_term("state", "sent")) == "hello state:sent"
    assert str(written.toggled("is", "fault").toggled("is", "fault")) == "state:failed hello"
    assert str(written.rest(frozenset({"state"}))) == "hello"
    assert written.unknown_fields(frozenset({"user"})) == ["state"]


# --- columns ---


class Row(msgspec.Struct):
    number: int


def _column(name: str, width: int, priority: int, *, is_flexible: bool = False) -> Column[Row]:
    return Column(name, lambda row: str(row.number), width, priority, is_flexible=is_flexible)


@given(
    st.lists(st.tuples(st.integers(1, 30), st.integers(1, 9), st.booleans()), min_size=1),
    st.integers(1, 300),
)
def test_the_columns_that_fit_never_run_over(
    shapes: list[tuple[int, int, bool]], width: int
) -> None:
    columns = [
        _column(str(i), cells, priority, is_flexible=is_flexible)
        for i, (cells, priority, is_flexible) in enumerate(shapes)
    ]

    fitted = fit(columns, width)

    assert sum(cells for _, cells in fitted) + GAP * (len(fitted) - 1) <= width
    assert [column for column, _ in fitted] == [c for c in columns if c in dict(fitted)]


def test_what_matters_least_is_dropped_first() -> None:
    columns = [_column("a", 10, 1), _column("b", 10, 9), _column("c", 10, 5)]

    assert [column.name for column, _ in fit(columns, 34)] == ["a", "b", "c"]
    assert [column.name for column, _ in fit(columns, 30)] == ["a", "c"]
    assert [column.name for column, _ in fit(columns, 12)] == ["a"]


@given(st.text(max_size=30), st.integers(1, 40))
def test_a_cell_has_its_width_whatever_is_written_in_it(text: str, width: int) -> None:
    cell = padded(text, width)

    assert cell_len(cell) == width
    assert not any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in cell)


def test_a_family_of_joined_emoji_does_not_move_the_columns_after_it() -> None:
    assert padded("👩‍👧 x", 8) == "👩👧 x  "
    assert padded("a\nb", 4) == "a⏎b "


def test_what_users_wrote_is_never_markup_in_details() -> None:
    details = Details().heading("[bold]x").field("Name", "[red]y[/]").text("a\x1b[31m\nb")

    assert details.content.plain == details.plain
    assert "[red]y[/]" in details.plain
    assert "\x1b" not in details.plain
    assert details.plain.endswith("\nb")


def test_an_empty_cell_is_a_dash() -> None:
    column: Column[Row] = Column("x", lambda _: None, 3)

    assert column.shown(Row(1)) == Shown("-", "muted")


# --- rows by pages ---


class Table:
    """Any number of rows, newest first, by a cursor as the server gives them."""

    def __init__(self, count: int, page_size: int = 100) -> None:
        self.newest = count
        self.page_size = page_size
        self.fetch_count = 0

    async def fetch(self, cursor: str | None) -> FetchedPage[Row]:
        self.fetch_count += 1
        before = self.newest + 1 if cursor is None else int(cursor)
        rows = [Row(n) for n in range(before - 1, max(before - 1 - self.page_size, 0), -1)]
        is_last = not rows or rows[-1].number == 1
        return FetchedPage(rows, None if is_last else str(rows[-1].number))

    def rows(self) -> PagedRows[Row]:
        return PagedRows(self.fetch, lambda row: str(row.number))


async def test_the_first_page_of_two_million_rows_is_one_fetch() -> None:
    table = Table(2_000_000)
    rows = table.rows()

    await rows.refresh(0, 50)

    assert table.fetch_count == 1
    assert rows.get(0) == Row(2_000_000)
    assert not rows.is_complete


async def test_scrolling_far_keeps_few_rows_and_finds_the_dropped_ones_again() -> None:
    table = Table(20_000)
    rows = table.rows()

    await rows.load(15_000)

    assert len(rows.loaded()) <= KEPT_PAGES * table.page_size
    assert rows.get(15_000) == Row(5_000)
    assert rows.get(10) is None
    await rows.load(10)
    assert rows.get(10) == Row(19_990)
    assert len(rows.loaded()) <= KEPT_PAGES * table.page_size


async def test_new_rows_come_in_at_the_top_and_nothing_is_lost_between() -> None:
    table = Table(1_000)
    rows = table.rows()
    await rows.load(250)

    table.newest += 30
    await rows.refresh(200, 260)

    assert rows.get(0) == Row(1_030)
    assert rows.find("1000") == 30
    numbers = [row.number for row in rows.loaded()]
    assert numbers == list(range(1_030, 1_030 - len(numbers), -1))
    assert rows.count > 260


async def test_far_down_only_what_is_in_view_is_read_again() -> None:
    table = Table(10_000)
    rows = table.rows()
    await rows.load(2_000)
    before = table.fetch_count

    await rows.refresh(1_950, 1_999)

    assert table.fetch_count - before == 1


async def test_empty_pages_are_passed_over_until_there_is_a_row() -> None:
    async def fetch(cursor: str | None) -> FetchedPage[Row]:
        at = int(cursor or 0)
        return FetchedPage([Row(at)] if at == 5 else [], None if at == 5 else str(at + 1))

    rows = PagedRows(fetch, lambda row: str(row.number))
    await rows.load(0)

    assert rows.get(0) == Row(5)
    assert rows.is_complete


# --- what a filter leaves, and its order ---


async def test_what_the_server_has_compared_is_not_compared_again() -> None:
    table = Table(300)
    columns = [_column("number", 5, 1)]
    all_wanted = Filter.parse("is:fault number:7")

    def matching(server_fields: frozenset[str]) -> Matching[Row]:
        return Matching(
            lambda _, cursor: table.fetch(cursor), columns, lambda row: row.number > 200,
            server_fields, all_wanted,
        )  # fmt: skip

    here = await matching(frozenset()).page(None)
    there = await matching(frozenset({"is", "number"})).page(None)

    assert all("7" in str(row.number) and row.number > 200 for row in here.rows)
    assert [row.number for row in there.rows] == list(range(300, 200, -1))


async def test_times_sort_by_themselves_and_numbers_by_size() -> None:
    table = Table(30, page_size=7)
    by_time: Column[Row] = Column(
        "age", lambda row: f"{row.number} s" if row.number % 2 else None, 5,
        sort_by=lambda row: row.number if row.number % 2 else None,
    )  # fmt: skip
    by_text = _column("number", 5, 1)

    async def sorted_by(column: Column[Row]) -> list[int]:
        matching = Matching(
            lambda _, cursor: table.fetch(cursor), [column], lambda _: False, frozenset(),
            Filter(), column,
        )  # fmt: skip
        return [row.number for row in (await matching.page(None)).rows]

    assert await sorted_by(by_text) == list(range(1, 31))
    assert (await sorted_by(by_time))[:15] == list(range(1, 30, 2))


# --- times and pages ---


def test_times_are_told_by_how_near_they_are() -> None:
    times, now_ms = Times(UTC), 1_768_471_200_000  # 2026-01-15 10:00:00

    assert times.full(now_ms) == "2026-01-15 10:00:00"
    assert times.brief(now_ms - 3_600_000, now_ms) == "09:00:00"
    assert times.brief(now_ms - 86_400_000, now_ms) == "14 Jan 10:00"
    assert times.brief(now_ms - 40 * 86_400_000, now_ms) == "2025-12-06"
    assert Times(timezone(timedelta(hours=3))).clock(now_ms) == "13:00:00"


def test_ages_and_spans_are_short() -> None:
    assert [span(ms) for ms in (0, 59_999, 60_000, 7_200_000, 86_400_000 * 3)] == [
        "0 s", "59 s", "1 min", "2 h", "3 d",
    ]  # fmt: skip
    assert ago(1_000, 61_000) == "1 min"
    assert ago(61_000, 1_000) == "in 1 min"
    assert ago(None, 5) is None


def test_a_typed_time_is_a_span_or_a_date() -> None:
    now_ms = 1_768_471_200_000

    assert parse_time("2h", now_ms) == now_ms + 7_200_000
    assert parse_time("2h", now_ms, is_past=True) == now_ms - 7_200_000
    assert parse_time("2026-01-15T13:00", now_ms, zone=UTC) == now_ms + 3 * 3_600_000
    assert parse_time("2026-01-15T13:00+03:00", now_ms) == now_ms
    assert parse_time("soon", now_ms) is None


def test_a_page_is_known_by_name_alias_title_and_beginning() -> None:
    for word in ("messages", "msg", "Messages", "mess"):
        found = find_page(word)
        assert found is not None
        assert found.name == "messages"
    assert find_page("nonsense") is None
    assert find_page("") is None
    names = [word for page in PAGES for word in (page.name, *page.aliases)]
    assert len(names) == len(set(names))
