"""The page of app versions, every action of it by its key, against a real server."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from textual.drivers.headless_driver import HeadlessDriver
from textual.widgets import Checkbox

from tests.apks import make_apk
from tests.screens import SMALL, WIDE, screens
from tests.servers import RunningServer
from textko_server import admin_wire as wire
from textko_server.admin_client import AdminClient


@pytest.fixture
def apk(tmp_path: Path) -> Path:
    return make_apk(tmp_path / "app.apk", content=bytes(range(256)) * 100)


async def upload(admin: AdminClient, folder: Path, code: int = 5) -> wire.Release:
    """As a draft."""
    content = make_apk(folder / f"{code}.apk", f"1.{code}.0", code).read_bytes()

    async def chunks() -> AsyncIterator[bytes]:
        yield content

    return await admin.upload_release(chunks(), len(content))


async def test_version_is_published_from_a_file(
    server: RunningServer, admin: AdminClient, apk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with screens(server, "releases") as seen:
        await seen.see("no versions: c publishes an APK")
        told: list[str] = []
        show = seen.app.progress

        def listen(text: str) -> None:
            told.append(text)
            show(text)

        monkeypatch.setattr(seen.app, "progress", listen)
        await seen.press("c")
        await seen.see("Publish a version")
        await seen.fill("file", str(apk))
        await seen.fill("notes", "Faster\nSmaller")
        await seen.press("f2")
        await seen.see("is what phones are offered.", "✓ active", "1 version", "Smaller")
        assert any(text.startswith("uploading 100% of") for text in told)
        assert seen.app.progress_text == ""

    [release] = (await admin.list_releases()).releases
    assert (release.version, release.version_code, release.is_active) == ("1.2.0", 5, True)
    assert release.notes == "Faster\nSmaller"


async def test_refused_file_leaves_what_was_typed(
    server: RunningServer, admin: AdminClient, apk: Path, tmp_path: Path
) -> None:
    nonsense = tmp_path / "app.txt"
    nonsense.write_text("no APK")

    async with screens(server, "releases") as seen:
        await seen.press("c")
        await seen.see("Publish a version")
        await seen.fill("file", str(tmp_path / "absent"))
        await seen.press("f2")
        await seen.see("No such file or directory")
        await seen.fill("file", str(tmp_path))
        await seen.press("f2")
        await seen.see("it is not a file")
        await seen.fill("file", str(nonsense))
        await seen.fill("code", "x")
        await seen.press("f2")
        await seen.see("is a whole number, not x")
        await seen.fill("code", "77")
        await seen.fill("version", "7.7")
        await seen.fill("notes", "Faster")
        await seen.press("f2")
        await seen.see("Publish a version", "Faster", "Version code  77", "file: ")
        await seen.fill("file", str(apk))
        seen.app.screen.query_one("#field-isActivated", Checkbox).value = False
        await seen.press("f2")
        await seen.see("version 7.7 (77) is a draft", "Faster")

    [release] = (await admin.list_releases()).releases
    assert (release.version, release.version_code, release.state) == ("7.7", 77, "draft")


async def test_in_a_browser_it_says_where_files_can_be_read(
    server: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(HeadlessDriver, "is_web", True, raising=False)

    async with screens(server, "releases") as seen:
        await seen.see("no versions")
        await seen.press("c")
        await seen.see("A browser cannot read")


async def test_versions_are_activated_and_withdrawn(
    server: RunningServer, admin: AdminClient, tmp_path: Path
) -> None:
    await upload(admin, tmp_path, 5)
    await upload(admin, tmp_path, 6)

    async with screens(server, "releases") as seen:
        await seen.see("2 versions", "draft")
        await seen.press("u")
        await seen.see("Offer to phones version 1.6.0 (6)?", "It is published")
        await seen.press("y")
        await seen.see("is what phones are offered.", "✓ active")
        await seen.press("asterisk", "U")
        await seen.see("Withdraw 2 versions?", "One of them is active")
        await seen.press("n")
        await seen.press("asterisk", "U")
        await seen.see("Withdraw version 1.6.0 (6)?")
        await seen.press("y")
        await seen.see("version 1.6.0 (6) withdrawn.")
        await seen.press("f")
        await seen.see("1 version", "withdrawn")

    by_code = {r.version_code: r for r in (await admin.list_releases()).releases}
    assert (by_code[5].state, by_code[6].state) == ("draft", "withdrawn")
    assert not by_code[6].is_active


async def test_notes_are_edited_in_a_form(
    server: RunningServer, admin: AdminClient, tmp_path: Path
) -> None:
    await upload(admin, tmp_path)

    async with screens(server, "releases") as seen:
        await seen.see("1.5.0")
        await seen.press("E")
        await seen.see("Notes of 1.5.0 (5)")
        await seen.fill("notes", "[bold]Faster[/]\nSmaller")
        await seen.press("f2")
        await seen.see("Changed the notes of version 1.5.0 (5).", "[bold]Faster[/]")

    [release] = (await admin.list_releases()).releases
    assert release.notes == "[bold]Faster[/]\nSmaller"


async def test_notes_are_edited_by_the_editor_of_the_person(
    server: RunningServer, admin: AdminClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await upload(admin, tmp_path)
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\nprintf "From the editor\\n" > "$1"\n')
    editor.chmod(0o755)
    monkeypatch.setenv("VISUAL", str(editor))
    monkeypatch.setattr(HeadlessDriver, "can_suspend", True)

    async with screens(server, "releases") as seen:
        await seen.see("1.5.0")
        await seen.press("N")
        await seen.see("Changed the notes of version 1.5.0 (5).", "From the editor")

    [release] = (await admin.list_releases()).releases
    assert release.notes == "From the editor"


@pytest.mark.parametrize("size", [WIDE, SMALL])
async def test_link_is_shown_as_text_and_as_a_whole_qr_code(
    server: RunningServer,
    admin: AdminClient,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    size: tuple[int, int],
) -> None:
    release = await upload(admin, tmp_path)

    # The terminal is asked to (OSC 52); what it was asked stands in the program's own clipboard.
    monkeypatch.setenv("SSH_CONNECTION", "x")

    async with screens(server, "releases", size=size) as seen:
        await seen.see("draft")
        await seen.press("l")
        await seen.see("It is not published")
        seen.app.clear_notifications()  # it stands before what is to be read
        await admin.activate_release(release.version_code)
        await seen.press("r")
        await seen.see("✓ active")
        await seen.press("l")
        await seen.see(f"{server.url}/download/app.apk", "▀", "esc closes")
        blocks = [line for line in seen.lines if "▀" in line or "█" in line]
        assert len(blocks) >= 12
        assert len({line.rindex("│") for line in blocks}) == 1
        await seen.press("y")
        await seen.until(lambda: seen.app.clipboard.endswith("/download/app.apk"))
        await seen.press("escape")
        await seen.see_no_more("esc closes")


async def test_downloads_are_counted(
    server: RunningServer, admin: AdminClient, tmp_path: Path
) -> None:
    release = await upload(admin, tmp_path)
    await admin.activate_release(release.version_code)
    for _ in range(3):
        assert (await server.request("GET", "/download/app.apk")).status == 200

    async with screens(server, "releases") as seen:
        await seen.see("Downloads 3", release.sha256[:20], "org.example.sms")


async def test_page_is_for_admins(server: RunningServer) -> None:
    async with screens(server, "releases", token=server.regular.jwt) as seen:
        await seen.until(lambda: seen.app.view.page.name == "overview")


async def test_read_only_offers_nothing_that_changes(
    server: RunningServer, admin: AdminClient, tmp_path: Path
) -> None:
    await upload(admin, tmp_path)

    async with screens(server, "releases", is_read_only=True) as seen:
        await seen.see("1.5.0", "read-only")
        assert [action.name for action in seen.app.view.actions_now()] == ["link"]


async def test_small_screen_has_what_matters_and_hostile_notes_stay_text(
    server: RunningServer, admin: AdminClient, tmp_path: Path
) -> None:
    release = await upload(admin, tmp_path)
    await admin.set_release_notes(release.version_code, "[b]x[/] שלום 🙂\nsecond line")

    async with screens(server, "releases", size=SMALL) as seen:
        await seen.see("1.5.0", "draft", "Downloads", "[b]x[/] ")
        await seen.press("enter")
        await seen.see("[b]x[/] ", "second line")
