"""Versions of the phone app: what Self Hosted SMS promises of them, and how they get there."""

import asyncio
import base64
import io
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests.apks import make_apk
from tests.commands import CommandLine
from tests.gateways import LIMIT_S, until
from tests.servers import Answer, RunningServer, running_server
from textko_server.config import ServerSettings

APK = "application/vnd.android.package-archive"
ACTIVE = "/download/app.apk"
NO_ACTIVE = {"error": "No active version available", "code": "no_active_version"}
NO_VERSION = {"error": "Version not found", "code": "version_not_found"}


@pytest.fixture
def apk(tmp_path: Path) -> Path:
    return make_apk(tmp_path / "app.apk", content=bytes(range(256)) * 100)


def content_of(path: Path) -> bytes:
    return path.read_bytes()


async def upload(server: RunningServer, path: Path, query: str = "") -> Answer:
    async with server.http.post(
        f"{server.url}/admin/v1/releases{query}",
        data=io.BytesIO(content_of(path)),
        headers=server.admin.jwt_headers,
    ) as response:
        return Answer(response.status, dict(response.headers), await response.read())


async def act(server: RunningServer, code: int, verb: str) -> Answer:
    return await server.request(
        "POST", f"/admin/v1/releases/{code}/{verb}", headers=server.admin.jwt_headers
    )


async def publish(server: RunningServer, path: Path, query: str = "") -> Any:
    uploaded = await upload(server, path, query)
    assert uploaded.status == 201, uploaded
    activated = await act(server, uploaded.json["versionCode"], "activate")
    assert activated.status == 200
    return activated.json


async def get(server: RunningServer, path: str, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await server.request("GET", path, headers=named)


async def downloads(server: RunningServer) -> int:
    [release] = await server.gateway.releases.list_all()
    return release.download_count


async def until_downloads(server: RunningServer, count: int) -> None:
    """A download is counted once it is sent, which its caller may see before."""
    async with asyncio.timeout(LIMIT_S):
        while await downloads(server) < count:
            pass
    assert await downloads(server) == count


def files(server: RunningServer) -> list[str]:
    folder = server.server.settings.server.data_dir / "releases"
    return sorted(path.name for path in folder.iterdir())


# --- what the vendor documents ---


async def test_without_a_version_the_documented_404_and_an_empty_list(
    server: RunningServer,
) -> None:
    for path in ("/api/app-version", ACTIVE):
        answer = await get(server, path)
        assert (answer.status, answer.json) == (404, NO_ACTIVE)
    listed = await get(server, "/api/app-versions")
    assert (listed.status, listed.json) == (200, {"versions": []})


async def test_active_version_is_as_documented(server: RunningServer, apk: Path) -> None:
    await publish(server, apk)
    await server.request(
        "PATCH", "/admin/v1/releases/5", {"notes": "- Bug fixes"}, headers=server.admin.jwt_headers
    )

    answer = await get(server, "/api/app-version")

    assert answer.json == {
        "version": "1.2.0",
        "versionCode": 5,
        "downloadUrl": f"{server.url}/download/app.apk",
        "releaseNotes": "- Bug fixes",
        "fileSize": len(content_of(apk)),
        "publishedAt": "2026-01-15T10:00:00+00:00",
    }


async def test_list_has_the_published_ones_newest_code_first(
    server: RunningServer, tmp_path: Path
) -> None:
    for code in (5, 4, 7):
        await publish(server, make_apk(tmp_path / f"{code}.apk", f"1.{code}", code))
    await act(server, 4, "activate")
    await upload(server, make_apk(tmp_path / "draft.apk", "2.0", 9))
    await act(server, 5, "withdraw")

    versions = (await get(server, "/api/app-versions")).json["versions"]

    assert [(v["versionCode"], v["isActive"]) for v in versions] == [(7, False), (4, True)]
    assert versions[0]["downloadUrl"] == f"{server.url}/api/download/7"
    assert set(versions[0]) == {
        "version", "versionCode", "isActive", "downloadUrl", "releaseNotes", "fileSize",
        "publishedAt",
    }  # fmt: skip


async def test_urls_are_made_of_the_public_url(tmp_path: Path, apk: Path) -> None:
    settings = ServerSettings(
        data_dir=tmp_path / "data", listen="127.0.0.1:0", public_url="https://sms.example.org"
    )
    async with running_server(tmp_path / "data", server=settings) as server:
        await publish(server, apk)
        answer = await get(server, "/api/app-version", Host="evil.example")

    assert answer.json["downloadUrl"] == "https://sms.example.org/download/app.apk"


@pytest.mark.parametrize("path", [ACTIVE, "/api/download/5"])
async def test_download_is_the_file_with_the_documented_headers(
    server: RunningServer, apk: Path, path: str
) -> None:
    await publish(server, apk)

    answer = await get(server, path)

    assert (answer.status, answer.content) == (200, content_of(apk))
    assert answer.headers["Content-Type"] == APK
    assert answer.headers["Content-Disposition"] == 'attachment; filename="app-v1.2.0.apk"'
    digest = base64.b64encode(sha256(answer.content).digest()).decode()
    assert answer.headers["Repr-Digest"] == f"sha-256=:{digest}:"


@pytest.mark.parametrize("code", ["6", "0", "-5", "abc", "5.0", "٥", "9" * 30, "get_messages"])
async def test_other_version_is_the_documented_404(
    server: RunningServer, apk: Path, code: str
) -> None:
    await publish(server, apk)

    answer = await get(server, f"/api/download/{code}")

    assert (answer.status, answer.json) == (404, NO_VERSION)


async def test_draft_and_withdrawn_versions_cannot_be_downloaded(
    server: RunningServer, apk: Path
) -> None:
    await upload(server, apk)
    assert (await get(server, "/api/download/5")).json == NO_VERSION
    await act(server, 5, "activate")
    assert (await get(server, "/api/download/5")).status == 200

    await act(server, 5, "withdraw")

    assert (await get(server, "/api/download/5")).json == NO_VERSION
    assert (await get(server, ACTIVE)).json == NO_ACTIVE
    assert (await act(server, 5, "activate")).json["isActive"] is True
    assert (await get(server, ACTIVE)).status == 200


async def test_name_of_the_file_has_nothing_but_harmless_characters(
    server: RunningServer, tmp_path: Path
) -> None:
    await publish(server, make_apk(tmp_path / "a.apk", '1"; x=/../\n', 5), "?version=1%22/../b")

    answer = await get(server, ACTIVE)

    assert answer.headers["Content-Disposition"] == 'attachment; filename="app-v1_.._b.apk"'


async def test_file_that_is_gone_is_404_and_not_a_crash(server: RunningServer, apk: Path) -> None:
    await publish(server, apk)
    [name] = files(server)
    (server.server.settings.server.data_dir / "releases" / name).unlink()

    assert (await get(server, ACTIVE)).json == NO_VERSION
    assert (await act(server, 5, "activate")).status == 404


# --- how often it was downloaded ---


async def test_download_counts_once_a_get_from_the_first_byte(
    server: RunningServer, apk: Path
) -> None:
    await publish(server, apk)
    etag = (await get(server, ACTIVE)).headers["Etag"]
    await until_downloads(server, 1)

    head = await server.request("HEAD", ACTIVE)
    fresh = await get(server, ACTIVE, If_None_Match=etag)
    resumed = await get(server, ACTIVE, Range="bytes=100-")
    impossible = await get(server, ACTIVE, Range="bytes=99999999-")
    assert [a.status for a in (head, fresh, resumed, impossible)] == [200, 304, 206, 416]
    assert int(head.headers["Content-Length"]) == len(content_of(apk))
    assert resumed.content == content_of(apk)[100:]

    started = await get(server, ACTIVE, Range="bytes=0-99")
    assert (started.status, started.content) == (206, content_of(apk)[:100])
    await get(server, "/api/download/5")
    await until_downloads(server, 3)


async def test_caller_who_leaves_midway_has_downloaded_too(
    server: RunningServer, tmp_path: Path
) -> None:
    await publish(server, make_apk(tmp_path / "big.apk", content=b"x" * 20_000_000))
    reader, writer = await asyncio.open_connection("127.0.0.1", server.server.port)
    writer.write(f"GET {ACTIVE} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    await reader.readexactly(1000)
    writer.transport.abort()

    await until_downloads(server, 1)


# --- how they get there ---


async def test_upload_is_a_draft_with_what_the_manifest_says(
    server: RunningServer, apk: Path
) -> None:
    uploaded = await upload(server, apk)

    assert uploaded.status == 201
    release = uploaded.json
    assert release["sha256"] == sha256(content_of(apk)).hexdigest()
    assert {k: release[k] for k in ("version", "versionCode", "package", "state", "isActive")} == {
        "version": "1.2.0", "versionCode": 5, "package": "org.example.sms", "state": "draft",
        "isActive": False,
    }  # fmt: skip
    assert files(server) == [f"5-{release['sha256'][:16]}.apk"]


async def test_version_may_be_said_where_the_manifest_is_silent(
    server: RunningServer, tmp_path: Path
) -> None:
    silent = make_apk(tmp_path / "a.apk", None, None)

    refused = await upload(server, silent)
    assert (refused.status, refused.json["field"]) == (400, "version")
    assert (await upload(server, silent, "?version=3")).json["field"] == "code"
    assert (await upload(server, silent, "?version=3&code=30")).json["versionCode"] == 30


async def test_file_that_is_no_apk_is_refused_and_not_kept(
    server: RunningServer, tmp_path: Path
) -> None:
    path = tmp_path / "photo.png"
    path.write_bytes(b"\x89PNG" * 1000)

    refused = await upload(server, path)

    assert refused.status == 400
    assert refused.json["detail"] == "file: this is no APK, or not all of one"
    assert files(server) == []


async def test_published_version_code_is_not_replaced_but_a_withdrawn_one_is(
    server: RunningServer, tmp_path: Path, apk: Path
) -> None:
    await publish(server, apk)
    other = make_apk(tmp_path / "other.apk", "1.2.1", 5)

    refused = await upload(server, other)
    assert (refused.status, refused.json["code"]) == (409, "already_exists")
    assert (await get(server, ACTIVE)).content == content_of(apk)

    await act(server, 5, "withdraw")
    assert (await upload(server, other)).status == 201
    assert len(files(server)) == 1
    await act(server, 5, "activate")
    assert (await get(server, ACTIVE)).content == content_of(other)


async def test_file_over_the_limit_is_refused_and_not_kept(tmp_path: Path, apk: Path) -> None:
    settings = ServerSettings(
        data_dir=tmp_path / "data", listen="127.0.0.1:0", max_body_bytes=1024,
        max_release_bytes=1_000_000,
    )  # fmt: skip
    big = make_apk(tmp_path / "big.apk", content=b"x" * 1_000_001)
    async with running_server(tmp_path / "data", server=settings) as server:
        assert (await upload(server, apk)).status == 201  # larger than other bodies may be
        told = await upload(server, big)

        async def pieces() -> Any:
            yield content_of(big)

        async with server.http.post(
            server.url + "/admin/v1/releases", data=pieces(), headers=server.admin.jwt_headers
        ) as untold:
            statuses = (told.status, untold.status)
        assert len(files(server)) == 1

    assert statuses == (413, 413)
    assert "max_release_bytes" in told.json["detail"]


async def test_upload_that_breaks_off_leaves_nothing(server: RunningServer, apk: Path) -> None:
    await upload(server, apk)
    _, writer = await asyncio.open_connection("127.0.0.1", server.server.port)
    writer.write(
        f"POST /admin/v1/releases HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n"
        f"Authorization: Bearer {server.admin.jwt}\r\n\r\nPK".encode()
    )
    await until(lambda: len(files(server)) == 2)
    writer.transport.abort()

    await until(lambda: len(files(server)) == 1)


async def test_only_admins_see_and_change_versions(server: RunningServer, apk: Path) -> None:
    for method, path in (
        ("GET", "/admin/v1/releases"),
        ("POST", "/admin/v1/releases"),
        ("PATCH", "/admin/v1/releases/5"),
        ("POST", "/admin/v1/releases/5/activate"),
        ("POST", "/admin/v1/releases/5/withdraw"),
    ):
        body = {"notes": ""} if method == "PATCH" else None
        answer = await server.request(method, path, body, headers=server.regular.jwt_headers)
        assert answer.status == 403, (method, path)


# --- the command line ---


@pytest.fixture
def textko(
    server: RunningServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> CommandLine:
    return CommandLine(server.server.settings.server.data_dir, capsys, monkeypatch)


async def test_commands_publish_list_activate_and_withdraw(
    server: RunningServer, textko: CommandLine, tmp_path: Path, apk: Path
) -> None:
    published = await textko("release", "publish", str(apk), "--notes", "New\nand better")
    assert published.out == "version 1.2.0 (5) is what phones get now\n"
    draft = make_apk(tmp_path / "b.apk", "2.0", 6)
    assert (await textko.json("release", "publish", str(draft), "--draft"))["state"] == "draft"

    table = (await textko("release", "list")).out
    assert [line.split()[:3] for line in table.splitlines()] == [
        ["CODE", "VERSION", "STATE"], ["6", "2.0", "draft"], ["5", "1.2.0", "active"],
    ]  # fmt: skip
    assert "New⏎and better" in table

    assert (await textko.json("release", "activate", "6"))["isActive"] is True
    assert (await textko("release", "withdraw", "5")).out.endswith("is offered no longer\n")
    assert (await get(server, "/api/app-version")).json["versionCode"] == 6


async def test_command_changes_the_notes(textko: CommandLine, apk: Path) -> None:
    await textko.json("release", "publish", str(apk), "--notes", "Old")
    changed = await textko.json("release", "notes", "5", "Bug fixes")
    absent = await textko("release", "notes", "6", "Bug fixes")

    assert changed["notes"] == "Bug fixes"
    assert absent.code == 1


async def test_command_says_why_a_file_is_refused(textko: CommandLine, tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("Hello")

    refused = await textko("release", "publish", str(text))
    absent = await textko("release", "publish", str(tmp_path / "absent.apk"))

    assert (refused.code, refused.err) == (1, "textko: file: this is no APK, or not all of one\n")
    assert absent.code == 2
    assert "cannot read" in absent.err
