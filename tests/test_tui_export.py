"""Rows that are exported: what stands in the files, and that there is none unless it is whole."""

import asyncio
import csv
import json
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from textual.app import App

from textko_server.tui.export import Format, export_rows, export_to_browser
from textko_server.tui.whole_file import AlreadyThere, CannotWrite


class Row(msgspec.Struct, frozen=True, rename="camel"):
    phone_number: str
    text: str = ""
    created_at: int | None = 1_767_225_600_123
    balance: int = 0
    is_read: bool = False
    tags: list[str] = []


async def each(rows: Iterable[Row]) -> AsyncIterator[Row]:
    for row in rows:
        yield row


def content_of(path: Path) -> str:
    return path.read_bytes().decode()


def names_in(folder: Path) -> list[str]:
    return [file.name for file in folder.iterdir()]


async def exported(path: Path, rows: Iterable[Row], format: Format) -> str:
    await export_rows(path, each(rows), format, lambda count: None)
    return content_of(path)


async def cells_of(path: Path, *rows: Row) -> list[dict[str, str]]:
    await export_rows(path, each(rows), "csv", lambda count: None)
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


async def test_csv_has_a_heading_and_a_line_a_row(tmp_path: Path) -> None:
    text = await exported(tmp_path / "a.csv", [Row("+251911", 'say "hi", ok')], "csv")

    assert text == (
        "phoneNumber,text,createdAt,balance,isRead,tags\r\n"
        '+251911,"say ""hi"", ok",2026-01-01T00:00:00.123Z,0,false,[]\r\n'
    )


async def test_nothing_is_an_empty_cell(tmp_path: Path) -> None:
    [cells] = await cells_of(tmp_path / "a.csv", Row("", created_at=None))

    assert cells["createdAt"] == ""


@pytest.mark.parametrize(
    "text", ["=1+1", "+cmd|' /C calc'!A0", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "＝1", "+1+1"]
)
async def test_a_text_that_looks_like_a_formula_is_made_a_text(tmp_path: Path, text: str) -> None:
    [cells] = await cells_of(tmp_path / "a.csv", Row("", text))

    assert cells["text"] == f"'{text}"


@pytest.mark.parametrize("text", ["+251911000001", "112", "a=b", "good - or not"])
async def test_phone_numbers_and_plain_texts_stay_as_they_are(tmp_path: Path, text: str) -> None:
    [cells] = await cells_of(tmp_path / "a.csv", Row(text, text))

    assert cells["phoneNumber"] == cells["text"] == text


async def test_a_number_below_zero_stays_a_number(tmp_path: Path) -> None:
    [cells] = await cells_of(tmp_path / "a.csv", Row("", balance=-5))

    assert cells["balance"] == "-5"


async def test_line_breaks_and_other_alphabets_come_back_from_csv(tmp_path: Path) -> None:
    [cells] = await cells_of(tmp_path / "a.csv", Row("", "ሰላም\r\n🎉\x00 end"))

    assert cells["text"] == "ሰላም\r\n🎉\x00 end"


@pytest.mark.parametrize("count", [0, 1, 500, 501, 1_234])
async def test_json_is_one_array_of_all_rows(tmp_path: Path, count: int) -> None:
    rows = [Row(str(number), tags=["a"]) for number in range(count)]

    text = await exported(tmp_path / "a.json", rows, "json")

    assert json.loads(text) == msgspec.to_builtins(rows)


@pytest.mark.parametrize("count", [0, 1, 500, 1_234])
async def test_jsonl_is_a_row_a_line(tmp_path: Path, count: int) -> None:
    rows = [Row(str(number), "a\nb") for number in range(count)]

    text = await exported(tmp_path / "a.jsonl", rows, "jsonl")

    assert [json.loads(line) for line in text.splitlines()] == msgspec.to_builtins(rows)


async def test_progress_is_told_and_the_number_of_rows_answered(tmp_path: Path) -> None:
    told: list[int] = []

    count = await export_rows(
        tmp_path / "a.csv", each([Row(str(n)) for n in range(1_001)]), "csv", told.append
    )

    assert count == 1_001
    assert told == [500, 1_000, 1_001]


async def test_only_its_owner_may_read_the_file(tmp_path: Path) -> None:
    await exported(tmp_path / "a.csv", [Row("1")], "csv")

    assert (tmp_path / "a.csv").stat().st_mode & 0o777 == 0o600


async def test_a_cancelled_export_leaves_nothing(tmp_path: Path) -> None:
    arrived = asyncio.Event()

    async def endless() -> AsyncIterator[Row]:
        for number in range(2_000):
            yield Row(str(number))
        arrived.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(
        export_rows(tmp_path / "a.csv", endless(), "csv", lambda count: None)
    )
    await asyncio.wait_for(arrived.wait(), 30)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert names_in(tmp_path) == []


async def test_an_export_whose_rows_fail_keeps_the_file_of_before(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("before")

    async def failing() -> AsyncIterator[Row]:
        yield Row("1")
        raise ConnectionResetError("gone")

    with pytest.raises(ConnectionResetError):
        await export_rows(path, failing(), "csv", lambda count: None, may_replace=True)

    assert names_in(tmp_path) == ["a.csv"]
    assert path.read_text() == "before"


async def test_a_file_is_replaced_only_when_told(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("before")

    with pytest.raises(AlreadyThere, match="exists already"):
        await exported(path, [Row("1")], "jsonl")
    assert path.read_text() == "before"

    await export_rows(path, each([]), "jsonl", lambda count: None, may_replace=True)
    assert path.read_text() == ""


async def test_a_file_that_came_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"

    async def slow() -> AsyncIterator[Row]:
        yield Row("1")
        path.write_text("somebody else's")

    with pytest.raises(AlreadyThere):
        await export_rows(path, slow(), "jsonl", lambda count: None)

    assert path.read_text() == "somebody else's"
    assert names_in(tmp_path) == ["a.jsonl"]


@pytest.mark.parametrize("name", ["missing/a.csv", "."])
async def test_where_no_file_can_be_is_told_in_a_sentence(tmp_path: Path, name: str) -> None:
    with pytest.raises(CannotWrite, match=r"cannot write|is a folder"):
        await exported(tmp_path / name, [Row("1")], "csv")


async def test_in_a_browser_it_is_a_download(monkeypatch: pytest.MonkeyPatch) -> None:
    app: App[None] = App()
    delivered: list[Any] = []

    def deliver(file: Any, **how: Any) -> None:
        file.seek(0)
        delivered.append((file.read(), how))
        file.close()

    monkeypatch.setattr(app, "deliver_binary", deliver)
    count = await export_to_browser(app, "a.jsonl", each([Row("1")]), "jsonl", lambda count: None)

    assert count == 1
    [(content, how)] = delivered
    assert json.loads(content)["phoneNumber"] == "1"
    assert how == {"save_filename": "a.jsonl", "mime_type": "application/jsonl"}
