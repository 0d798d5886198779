"""A restore is whole or has not happened, keeps what was there, and confuses no phone."""

import io
import sqlite3
import tarfile
from collections.abc import Callable
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import aiohttp
import msgspec
import pytest

from tests.clocks import START_MS, FrozenClock
from tests.commands import CommandLine
from tests.gateways import ONE_SIM
from tests.gateways import world as open_world
from tests.servers import RunningServer, running_server, settings_for_tests
from tests.test_backups import back_up, put_back, source_in
from textko_server.care import restore as restoring
from textko_server.care.archive import ArchivedFile, BadBackup, Manifest
from textko_server.care.backup import make_backup
from textko_server.care.restore import InUse, finish, restore
from textko_server.errors import Unavailable
from textko_server.server import Server, local_url


class PowerCut(Exception):
    pass


@pytest.fixture
def textko(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> CommandLine:
    return CommandLine(tmp_path / "data", capsys, monkeypatch)


def make_database(folder: Path, mark: str, *, version: int = 1) -> None:
    """As little as a database of ours can be, with a log beside it that belongs to it."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "textko.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("CREATE TABLE secrets (name TEXT PRIMARY KEY, value TEXT)")
        connection.execute("INSERT INTO secrets VALUES ('mark', ?), ('starts', '1')", (mark,))
        connection.execute("CREATE TABLE messages (id INTEGER PRIMARY KEY, created_at INTEGER)")
        connection.execute(
            "CREATE TABLE recipients (id INTEGER PRIMARY KEY, created_at INTEGER, lane TEXT)"
        )
        connection.execute(f"PRAGMA user_version = {version}")
    (folder / "releases").mkdir(exist_ok=True)
    (folder / "releases" / f"{mark}.apk").write_text(mark)
    (folder / "textko.toml").write_text(f"# {mark}\n")


def mark_in(folder: Path) -> tuple[str, list[str], str]:
    """Whose database, app files and settings these are."""
    with closing(sqlite3.connect(folder / "textko.db")) as connection:
        [mark] = connection.execute("SELECT value FROM secrets WHERE name = 'mark'").fetchone()
    apks = sorted(path.stem for path in (folder / "releases").iterdir())
    return mark, apks, (folder / "textko.toml").read_text().strip("# \n")


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """A backup of `new`."""
    make_database(tmp_path / "source", "new")
    back_up(tmp_path / "source", tmp_path / "backup.tar.gz")
    return tmp_path / "backup.tar.gz"


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A data directory with something else."""
    make_database(tmp_path / "data", "old")
    (tmp_path / "data" / "textko.db-wal").write_bytes(b"")
    return tmp_path / "data"


OLD, NEW = ("old", ["old"], "old"), ("new", ["new"], "new")


# --- what happens ---


def test_restore_replaces_everything_and_keeps_what_was_there(archive: Path, old: Path) -> None:
    (old / "backups").mkdir()

    restored = restore(archive, old, START_MS, has_settings=False, on_bytes=lambda _count: None)

    assert mark_in(old) == NEW
    assert restored.aside == str(old / "before-restore-20260115T100000Z")
    assert mark_in(Path(restored.aside)) == OLD
    assert (old / "backups").is_dir()
    assert not (old / "textko.db-wal").exists()
    assert (old / "textko.db").stat().st_mode & 0o777 == 0o600


def test_restore_makes_a_directory_that_is_not_there(archive: Path, tmp_path: Path) -> None:
    put_back(archive, tmp_path / "a" / "b")

    assert mark_in(tmp_path / "a" / "b") == NEW
    assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o700


def test_two_restores_of_the_same_second_keep_both_that_were_there(
    archive: Path, old: Path
) -> None:
    put_back(archive, old)
    put_back(archive, old)

    assert len(list(old.glob("before-restore-*"))) == 2


@pytest.mark.parametrize(
    ("has_settings", "name"), [(False, "textko.toml"), (True, "textko.toml.from-backup")]
)
def test_settings_from_outside_yield_to_those_of_this_machine(
    tmp_path: Path, *, has_settings: bool, name: str
) -> None:
    make_database(tmp_path / "source", "new")
    (tmp_path / "source" / "textko.toml").rename(tmp_path / "textko.toml")
    source = source_in(tmp_path / "source", tmp_path / "textko.toml")
    archive = make_backup(source, tmp_path / "b.tar.gz", 0, lambda _done, _all: None).path

    restored = restore(
        archive, tmp_path / "to", 0, has_settings=has_settings, on_bytes=lambda _count: None
    )

    assert restored.settings_file == str(tmp_path / "to" / name)
    assert (tmp_path / "to" / name).read_text() == "# new\n"


async def test_phone_is_not_granted_what_it_was_offered_after_the_backup(
    tmp_path: Path, clock: FrozenClock
) -> None:
    async with open_world(tmp_path / "a", clock) as world:
        device = await world.pair(*ONE_SIM)
        await world.submit()
        back_up(tmp_path / "a", tmp_path / "b.tar.gz")
        [offer_of_then] = await world.offers(device)
    put_back(tmp_path / "b.tar.gz", tmp_path / "a", clock.now_ms())

    async with open_world(tmp_path / "a", clock) as world:
        [offer] = await world.offers(device)

        assert offer.job_id != offer_of_then.job_id
        assert await world.refusal(device, offer_of_then.job_id) is not None
        assert await world.claim(device, offer.job_id) == [offer.job_id]


async def test_server_serves_what_was_restored(tmp_path: Path, clock: FrozenClock) -> None:
    async with running_server(tmp_path / "a", clock=clock) as server:
        headers = server.regular.key_headers
        body = {"recipients": ["+251911000001"], "message": "kept"}
        sent = await server.request("POST", "/api/v1/gateway/send-sms", body, headers=headers)
        assert sent.status < 300
        back_up(tmp_path / "a", tmp_path / "b.tar.gz")
    put_back(tmp_path / "b.tar.gz", tmp_path / "b")

    async with (
        Server(settings_for_tests(tmp_path / "b"), clock) as restored,
        aiohttp.ClientSession() as http,
        http.get(f"{local_url(restored.port)}/admin/v1/messages", headers=headers) as response,
    ):
        assert [message["text"] for message in (await response.json())["messages"]] == ["kept"]


def test_copy_from_before_an_upgrade_is_restored_without_touching_other_files(old: Path) -> None:
    make_database(old.parent / "before", "new")
    (old.parent / "before" / "textko.db").rename(old / "textko.db.before-0002")

    put_back(old / "textko.db.before-0002", old)

    assert mark_in(old) == ("new", ["old"], "old")
    assert (old / "textko.db.before-0002").exists()


# --- what is refused, with nothing changed ---


async def test_running_server_is_not_pulled_away(server: RunningServer, tmp_path: Path) -> None:
    back_up(tmp_path / "data", tmp_path / "b.tar.gz")

    with pytest.raises(InUse, match=r"a server is running on .*: stop it first"):
        put_back(tmp_path / "b.tar.gz", tmp_path / "data")


def repacked(archive: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    """The archive with its members changed by `change`, by their names."""
    with tarfile.open(archive) as tar:
        members = {m.name: tar.extractfile(m).read() for m in tar}  # type: ignore[union-attr]  # all are files
    change(members)
    target = archive.with_name("changed.tar.gz")
    with tarfile.open(target, "w:gz") as tar:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return target


def manifest_of(members: dict[str, bytes], **changes: object) -> bytes:
    manifest = msgspec.json.decode(members["manifest.json"], type=Manifest)
    return msgspec.json.encode(msgspec.structs.replace(manifest, **changes))


def change_a_file(members: dict[str, bytes]) -> None:
    members["data/textko.toml"] = b"log.level = 'debug'\n"


def drop_a_file(members: dict[str, bytes]) -> None:
    del members["data/releases/new.apk"]


def drop_the_manifest(members: dict[str, bytes]) -> None:
    del members["manifest.json"]


def come_from_the_future(members: dict[str, bytes]) -> None:
    members["manifest.json"] = manifest_of(members, format=2, version="9.0")


def climb_out(members: dict[str, bytes]) -> None:
    manifest = members.pop("manifest.json")
    members["data/../../evil"] = b"x"
    members["manifest.json"] = manifest


def add_a_file(members: dict[str, bytes]) -> None:
    manifest = members.pop("manifest.json")
    members["data/extra"] = b"x"
    members["manifest.json"] = manifest


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (change_a_file, "is damaged: data/textko.toml"),
        (drop_a_file, "is damaged: data/releases/new.apk"),
        (drop_the_manifest, "was cut short"),
        (come_from_the_future, "made by a newer textko"),
        (climb_out, "is not a backup of textko"),
        (add_a_file, "its list lacks data/extra"),
    ],
)
def test_backup_that_was_changed_is_refused(
    archive: Path, old: Path, change: Callable[[dict[str, bytes]], None], sentence: str
) -> None:
    with pytest.raises(BadBackup, match=sentence):
        put_back(repacked(archive, change), old)

    assert mark_in(old) == OLD
    assert not list(old.glob("restore.*"))
    assert not list(old.parent.glob("**/evil"))


@pytest.mark.parametrize("kept", [0, 1, 100, 0.5, 0.9])
def test_backup_that_was_cut_short_is_refused(archive: Path, old: Path, kept: float) -> None:
    content = archive.read_bytes()
    archive.write_bytes(content[: int(kept if kept >= 1 else kept * len(content))])

    with pytest.raises(BadBackup):
        put_back(archive, old)

    assert mark_in(old) == OLD


def test_backup_of_a_newer_schema_is_refused(tmp_path: Path, old: Path) -> None:
    make_database(tmp_path / "newer", "new", version=9_000)
    back_up(tmp_path / "newer", tmp_path / "b.tar.gz")

    with pytest.raises(BadBackup, match=r"made by a newer textko \(schema 9000"):
        put_back(tmp_path / "b.tar.gz", old)

    assert mark_in(old) == OLD


def test_damaged_database_is_refused_though_its_sums_are_right(archive: Path, old: Path) -> None:
    def damage(members: dict[str, bytes]) -> None:
        content = bytearray(members["data/textko.db"])
        content[-4096:] = b"\xff" * 4096
        members["data/textko.db"] = bytes(content)
        files = msgspec.json.decode(members["manifest.json"], type=Manifest).files
        digest = sha256(content).hexdigest()
        new = [
            ArchivedFile(f.path, f.bytes, digest) if f.path == "data/textko.db" else f
            for f in files
        ]
        members["manifest.json"] = manifest_of(members, files=new)

    with pytest.raises((BadBackup, Unavailable), match=r"is damaged|cannot read"):
        put_back(repacked(archive, damage), old)

    assert mark_in(old) == OLD


def test_file_that_is_not_there_is_told(old: Path) -> None:
    with pytest.raises(Unavailable, match="No such file"):
        put_back(old / "absent", old)


# --- the power goes in between ---


def test_power_cut_at_any_step_leaves_all_of_the_old_or_all_of_the_new(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every rename is a step; whoever holds the directory next does the rest."""
    rename = Path.replace
    outcomes = []
    for steps in range(100):
        left = steps
        data_dir = tmp_path / f"data-{steps}"
        make_database(data_dir, "old")

        def replace(path: Path, target: Path) -> Path:
            nonlocal left
            if not left:
                raise PowerCut
            left -= 1
            return rename(path, target)

        monkeypatch.setattr(Path, "replace", replace)
        is_whole = True
        try:
            put_back(archive, data_dir)
        except PowerCut:
            is_whole = False
        monkeypatch.undo()
        was_decided = finish(data_dir, START_MS)
        outcomes.append(mark_in(data_dir))
        assert not list(data_dir.glob("restore.*"))
        if outcomes[-1] == NEW:
            [aside] = data_dir.glob("before-restore-*")
            assert mark_in(aside) == OLD
        if is_whole:
            assert not was_decided
            break

    assert outcomes[0] == OLD
    assert outcomes[-1] == NEW
    assert outcomes == sorted(outcomes, key=[OLD, NEW].index)
    assert len(outcomes) > 8


async def test_server_finishes_what_was_interrupted(
    tmp_path: Path, clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_world(tmp_path / "a", clock) as world:
        await world.submit()
        back_up(tmp_path / "a", tmp_path / "b.tar.gz")

    def stop(*_: object) -> None:
        raise PowerCut

    monkeypatch.setattr(restoring, "_complete", stop)
    with pytest.raises(PowerCut):
        put_back(tmp_path / "b.tar.gz", tmp_path / "data")
    monkeypatch.undo()

    async with Server(settings_for_tests(tmp_path / "data"), clock) as server:
        assert await server.gateway.db.fetch_all("SELECT count(*) FROM messages") == [(1,)]


# --- the command ---


async def test_command_asks_before_it_puts_a_database_aside(
    archive: Path, old: Path, textko: CommandLine
) -> None:
    refused = await textko("restore", str(archive))
    restored = await textko.json("restore", str(archive), "--force")

    assert refused.code == 2
    assert "Say --force if so." in refused.err
    assert mark_in(old) == NEW
    assert mark_in(Path(restored["aside"])) == OLD


async def test_command_says_what_it_did(archive: Path, old: Path, textko: CommandLine) -> None:
    outcome = await textko("restore", str(archive), "--force")

    assert outcome.code == 0
    assert f"what was there is in {old}/before-restore-" in outcome.out


async def test_command_refuses_while_a_server_runs(
    server: RunningServer, textko: CommandLine, tmp_path: Path
) -> None:
    made = await textko.json("backup")

    outcome = await textko("restore", made["path"], "--force")

    assert outcome.code == 1
    assert "a server is running on" in outcome.err
