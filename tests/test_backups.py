"""A backup is one whole file, also while much is written; the server makes and keeps them."""

import asyncio
import os
import tarfile
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from tests.apks import make_apk
from tests.clocks import FrozenClock
from tests.commands import CommandLine
from tests.gateways import World, check_invariants, until
from tests.gateways import world as open_world
from tests.servers import PASSWORD, RunningServer, running_server
from textko_server.care.archive import Manifest
from textko_server.care.backup import Made, Source, make_backup
from textko_server.care.backup_dir import keep_newest
from textko_server.care.restore import restore
from textko_server.clock import HOUR_MS
from textko_server.config import BackupSettings
from textko_server.errors import NotFound, Unavailable
from textko_server.gateway.backups import START_DELAY_MS


def back_up(data_dir: Path, target: Path) -> Made:
    return make_backup(source_in(data_dir), target, 1_768_471_200_000, lambda _done, _all: None)


def source_in(data_dir: Path, settings_file: Path | None = None) -> Source:
    return Source(data_dir=data_dir, backup_dir=data_dir / "backups", settings_file=settings_file)


def put_back(archive: Path, data_dir: Path, now_ms: int = 1_768_471_200_000) -> None:
    restore(archive, data_dir, now_ms, has_settings=False, on_bytes=lambda _count: None)


def names_in(archive: Path) -> list[str]:
    with tarfile.open(archive) as tar:
        return tar.getnames()


def files_in(folder: Path, pattern: str = "*") -> list[str]:
    return sorted(path.name for path in folder.glob(pattern))


def content_of(path: Path) -> bytes:
    return path.read_bytes()


@pytest.fixture
def textko(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> CommandLine:
    return CommandLine(tmp_path / "data", capsys, monkeypatch)


# --- what is in it ---


async def test_backup_while_writing_opens_elsewhere_and_lacks_nothing_from_before_its_start(
    tmp_path: Path, clock: FrozenClock
) -> None:
    folder = tmp_path / "busy"
    async with open_world(folder, clock) as world:
        stop = asyncio.Event()
        accepted: list[int] = []

        async def write() -> None:
            while not stop.is_set():
                accepted.append((await world.submit()).message_id)

        writers = [asyncio.create_task(write()) for _ in range(8)]
        await until(lambda: len(accepted) > 100)
        before = set(accepted)
        await asyncio.to_thread(back_up, folder, tmp_path / "backup.tar.gz")
        count_at_end = len(accepted)
        await until(lambda: len(accepted) > count_at_end)
        stop.set()
        await asyncio.gather(*writers)

    put_back(tmp_path / "backup.tar.gz", tmp_path / "elsewhere")

    assert count_at_end > len(before), "nothing was written meanwhile"
    async with open_world(tmp_path / "elsewhere", clock) as restored:
        db = restored.gateway.db
        assert await db.fetch_all("PRAGMA integrity_check") == [("ok",)]
        kept = {key for (key,) in await db.fetch_all("SELECT id FROM messages")}
        assert before <= kept
        await check_invariants(db)


async def test_backup_holds_app_files_keys_and_settings_and_nothing_of_the_moment(
    tmp_path: Path, clock: FrozenClock
) -> None:
    data_dir = tmp_path / "data"
    settings = tmp_path / "textko.toml"
    settings.write_text("log.level = 'debug'\n")
    async with running_server(data_dir, clock=clock) as server:
        apk = make_apk(tmp_path / "app.apk")
        async with server.http.post(
            f"{server.url}/admin/v1/releases",
            data=apk.read_bytes(),
            headers=server.admin.jwt_headers,
        ) as response:
            assert response.status == 201
        for name in ("tls/key.pem", "backups/textko-20260101T000000Z.tar.gz", "textko.log"):
            (data_dir / name).parent.mkdir(exist_ok=True)
            (data_dir / name).write_text(name)
        target = tmp_path / "backup.tar.gz"
        make_backup(source_in(data_dir, settings), target, clock.now_ms(), lambda _done, _all: None)

    [release] = (data_dir / "releases").iterdir()
    assert names_in(target) == [
        "data/textko.db", f"data/releases/{release.name}", "data/tls/key.pem",
        "settings/textko.toml", "manifest.json",
    ]  # fmt: skip
    assert target.stat().st_mode & 0o777 == 0o600
    with tarfile.open(target) as tar:
        content = tar.extractfile("manifest.json")
        assert content is not None
        manifest = msgspec.json.decode(content.read(), type=Manifest)
    assert (manifest.settings_file, manifest.created_at) == (str(settings), clock.now_ms())


async def test_app_file_that_is_replaced_meanwhile_is_in_the_backup(
    world: World, tmp_path: Path
) -> None:
    (tmp_path / "releases").mkdir()
    draft = tmp_path / "releases" / "5-aa.apk"
    draft.write_text("old")

    def replace(_done: int, _all: int) -> None:
        draft.unlink(missing_ok=True)
        (tmp_path / "releases" / "5-bb.apk").write_text("new")

    target = tmp_path / "elsewhere" / "b.tar.gz"
    target.parent.mkdir()
    make_backup(source_in(tmp_path), target, 0, replace)

    assert {"data/releases/5-aa.apk", "data/releases/5-bb.apk"} <= set(names_in(target))


async def test_backup_that_cannot_be_written_leaves_the_last_one_and_nothing_else(
    world: World, tmp_path: Path
) -> None:
    target = tmp_path / "backup.tar.gz"
    back_up(tmp_path, target)
    before = target.read_bytes()

    def fail(_done: int, _all: int) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(Unavailable, match="No space left"):
        make_backup(source_in(tmp_path), target, 0, fail)

    assert target.read_bytes() == before
    assert files_in(tmp_path, "*.part*") == []


def test_damaged_database_is_told_and_not_backed_up(tmp_path: Path) -> None:
    (tmp_path / "textko.db").write_bytes(b"SQLite format 3\0" + os.urandom(8192))

    with pytest.raises(Unavailable, match=r"cannot copy|is damaged"):
        back_up(tmp_path, tmp_path / "b.tar.gz")

    assert not (tmp_path / "b.tar.gz").exists()


def test_folder_without_a_database_has_nothing_to_back_up(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        back_up(tmp_path, tmp_path / "b.tar.gz")


# --- the server makes them ---


@pytest.fixture
async def keeping(tmp_path: Path, clock: FrozenClock) -> AsyncIterator[RunningServer]:
    """Makes one every day, and keeps two."""
    settings = BackupSettings(every_h=24, keep=2)
    async with running_server(tmp_path / "data", clock=clock, backup=settings) as running:
        yield running


def names_kept(server: RunningServer) -> list[str]:
    return sorted(path.name for path in server.gateway.backups.folder.glob("*.gz"))


def advance(server: RunningServer, ms: int) -> None:
    assert isinstance(server.clock, FrozenClock)
    server.clock.advance(ms)


async def test_backups_are_made_by_the_clock_and_the_oldest_go(keeping: RunningServer) -> None:
    advance(keeping, START_DELAY_MS)
    await until(lambda: names_kept(keeping) == ["textko-20260115T100100Z.tar.gz"])
    theirs = keeping.gateway.backups.folder / "textko-mine.tar.gz"
    theirs.write_text("not ours")
    advance(keeping, 24 * HOUR_MS)
    await until(lambda: len(names_kept(keeping)) == 3)
    advance(keeping, 24 * HOUR_MS)
    await until(lambda: "textko-20260117T100100Z.tar.gz" in names_kept(keeping))
    await until(lambda: len(names_kept(keeping)) == 3)

    assert names_kept(keeping)[0] == "textko-20260116T100100Z.tar.gz"
    assert theirs.exists()


def test_backups_that_a_wrong_clock_dated_later_do_not_push_out_the_one_just_made(
    tmp_path: Path,
) -> None:
    names = [f"textko-20{year}0101T000000Z.tar.gz" for year in (25, 26, 70, 71)]
    for name in names:
        (tmp_path / name).write_text("")

    keep_newest(tmp_path, 2, tmp_path / names[1])

    assert files_in(tmp_path) == [names[1], names[3]]


async def test_failed_backup_is_told_until_one_succeeds(keeping: RunningServer) -> None:
    folder = keeping.gateway.backups.folder
    folder.write_text("in the way")
    advance(keeping, START_DELAY_MS)
    await until(lambda: keeping.gateway.backups.last_failure)

    async def told() -> tuple[list[str], object]:
        headers = keeping.admin.jwt_headers
        attention = await keeping.request("GET", "/admin/v1/attention", headers=headers)
        status = await keeping.request("GET", "/admin/v1/status", headers=headers)
        codes = [concern["code"] for concern in attention.json["concerns"]]
        return codes, status.json["backupFailure"]

    codes, failure = await told()
    assert "backup_failed" in codes
    assert f"cannot make the folder {folder}" in str(failure)

    folder.unlink()
    await keeping.gateway.backups.make()

    codes, failure = await told()
    assert "backup_failed" not in codes
    assert failure is None


async def test_server_that_stops_gives_up_its_backup(tmp_path: Path, clock: FrozenClock) -> None:
    async with running_server(tmp_path / "data", clock=clock) as server:
        backups = server.gateway.backups
        # As late as can be: the next piece of work would be the first.
        backups._is_stopping.set()
        with pytest.raises(Unavailable, match="the server is stopping"):
            await backups.make()

    assert files_in(tmp_path / "data" / "backups") == []


async def test_only_an_admin_makes_lists_and_downloads_them(server: RunningServer) -> None:
    headers = server.admin.jwt_headers
    made = await server.request("POST", "/admin/v1/backups", headers=headers)
    path = f"/admin/v1/backups/{made.json['name']}"
    for method, target in (
        ("POST", "/admin/v1/backups"),
        ("GET", "/admin/v1/backups"),
        ("GET", path),
    ):
        for wrong in (server.regular.jwt_headers, server.regular.key_headers):
            answer = await server.request(method, target, headers=wrong)
            assert answer.status == 403, (method, target)

    listed = await server.request("GET", "/admin/v1/backups", headers=headers)
    downloaded = await server.request("GET", path, headers=headers)

    assert made.status == 201
    assert [backup["name"] for backup in listed.json["backups"]] == [made.json["name"]]
    assert downloaded.content == content_of(Path(made.json["path"]))
    assert downloaded.headers["Content-Type"] == "application/gzip"


@pytest.mark.parametrize("name", ["textko-20990101T000000Z.tar.gz", "..%2Ftextko.db", "textko.db"])
async def test_nothing_but_backups_is_downloaded(server: RunningServer, name: str) -> None:
    headers = server.admin.jwt_headers

    answer = await server.request("GET", f"/admin/v1/backups/{name}", headers=headers)

    assert answer.status == 404


# --- the command ---


async def test_command_backs_up_with_the_server_running_or_not(
    server: RunningServer, textko: CommandLine, tmp_path: Path
) -> None:
    running = await textko.json("backup", str(tmp_path / "a.tar.gz"))
    kept = await textko.json("backup")
    await server.server._stop()
    stopped = await textko.json("backup", str(tmp_path / "b.tar.gz"))

    assert running["filesCount"] == stopped["filesCount"] == 1
    assert Path(kept["path"]).parent == tmp_path / "data" / "backups"
    assert [b["name"] for b in (await textko.json("backup", "--list"))["backups"]] == [kept["name"]]


async def test_command_fetches_a_backup_from_elsewhere(
    server: RunningServer, textko: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEXTKO_PASSWORD", PASSWORD)
    place = ("--url", server.url, "--login", server.admin.user.email)
    folder = tmp_path / "mine"
    folder.mkdir()

    fetched = await textko.json(*place, "backup", str(folder), "--keep", "1")
    kept = await textko.json(*place, "backup")
    listed = await textko.json(*place, "backup", "--list")

    assert Path(fetched["path"]).parent == folder
    put_back(Path(fetched["path"]), tmp_path / "elsewhere")
    assert kept["name"] in [backup["name"] for backup in listed["backups"]]


async def test_file_that_is_no_backup_is_not_replaced(
    server: RunningServer, textko: CommandLine, tmp_path: Path
) -> None:
    (tmp_path / "precious").write_text("x")

    outcome = await textko("backup", str(tmp_path / "precious"))

    assert outcome.code == 2
    assert "is there already, and is no backup" in outcome.err
