"""A window of the dashboard: the screens come, keys go, and no program outlives its window."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
import pytest

from tests.dashboard_windows import WAIT_S, opened_window, wait_for_programs
from tests.servers import Person, RunningServer, running_server
from textko_server.config import DashboardSettings
from textko_server.http.dashboard.program import DRIVER
from textko_server.model import Role
from textko_server.tui.whole_file import CannotWrite, typed_path

# In the line of pages, which stands above each of them.
READY = "2 Messages"
F2 = "\x1bOQ"
Change = Callable[[RunningServer, Person], Awaitable[object]]


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "data"


async def submit(server: RunningServer, person: Person) -> None:
    body = {"to": ["+251911000001"], "text": text_of(person)}
    answer = await server.request("POST", "/admin/v1/messages", body, headers=person.jwt_headers)
    assert answer.status == 201, answer


def text_of(person: Person) -> str:
    return f"Hello from {person.user.name}"


# --- what it shows ---


async def test_screens_come_and_keys_go(server: RunningServer) -> None:
    await submit(server, server.regular)
    async with opened_window(server, server.regular) as window:
        await window.wait_for(READY)
        await window.type("2")

        await window.wait_for(text_of(server.regular))


@pytest.mark.parametrize("role", ["regular", "admin"])
async def test_dashboard_shows_ones_own_things_to_an_admin_too(
    server: RunningServer, role: str
) -> None:
    person: Person = getattr(server, role)
    other = server.regular if person is server.admin else server.admin
    await submit(server, other)
    await submit(server, person)
    async with opened_window(server, person, size=(160, 50)) as window:
        await window.wait_for(READY)
        await window.type("2")
        await window.wait_for(text_of(person))
        await window.send("ping", "1")
        await window.wait_for_word("pong")

        assert text_of(other) not in window.everything


async def test_admins_dashboard_shows_everybodys_things(server: RunningServer) -> None:
    await submit(server, server.regular)
    await submit(server, server.admin)
    async with opened_window(server, server.admin, shows_all=True, size=(160, 50)) as window:
        await window.wait_for(READY)
        await window.type("2")
        await window.wait_for(text_of(server.admin))

        await window.wait_for(text_of(server.regular))


async def test_page_is_answered_and_size_is_kept_within_reason(server: RunningServer) -> None:
    async with opened_window(server, server.regular, size=(999_999, 0)) as window:
        await window.wait_for(READY)
        await window.send("resize", {"width": 1_000_000, "height": -5})
        await window.send("focus")
        await window.send("blur")
        await window.send("ping", "1768471200000")

        assert await window.wait_for_word("pong") == "1768471200000"


@pytest.mark.parametrize("text", ["[", "{}", '["stdin", 7]', '["no"]'])
async def test_window_closes_when_something_else_speaks(server: RunningServer, text: str) -> None:
    async with opened_window(server, server.regular) as window:
        await window.send_text(text)

        assert await window.wait_closed() == aiohttp.WSCloseCode.GOING_AWAY


async def test_login_is_on_no_command_line(server: RunningServer, data_dir: Path) -> None:
    async with opened_window(server, server.regular):
        [program] = await wait_for_programs(data_dir, 1)
        arguments = await asyncio.to_thread(Path(f"/proc/{program}/cmdline").read_text)

    assert server.regular.jwt.rpartition(".")[2] not in arguments
    assert "--own" in arguments


async def test_export_arrives_as_a_download_of_the_same_user_only(server: RunningServer) -> None:
    await submit(server, server.regular)
    async with opened_window(server, server.regular) as window:
        await window.wait_for(READY)
        await window.type("2")
        await window.wait_for(text_of(server.regular))
        await window.type("e")
        await window.wait_for("Export messages")
        await window.type(F2)
        key = await window.wait_for_word("deliver_file_start")
        others, own, again = [
            await server.request(
                "GET",
                f"/dashboard/download/{key}",
                headers={"Cookie": f"textko_login={person.jwt}"},
            )
            for person in (server.admin, server.regular, server.regular)
        ]

    assert (others.status, own.status, again.status) == (404, 200, 404)
    assert own.headers["Content-Disposition"].startswith('attachment; filename="messages-')
    assert text_of(server.regular) in own.content.decode()


def test_no_path_of_the_servers_can_be_typed_in_a_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEXTUAL_DRIVER", DRIVER)

    with pytest.raises(CannotWrite):
        typed_path("/etc/passwd")


# --- when it ends ---


async def test_program_ends_with_its_window(server: RunningServer, data_dir: Path) -> None:
    async with opened_window(server, server.regular) as window:
        await window.wait_for(READY)
        await wait_for_programs(data_dir, 1)

    await wait_for_programs(data_dir, 0)


async def test_hung_program_is_killed_with_its_window(
    server: RunningServer, data_dir: Path
) -> None:
    async with opened_window(server, server.regular) as window:
        await window.wait_for(READY)
        [program] = await wait_for_programs(data_dir, 1)
        os.kill(program, signal.SIGSTOP)

    await wait_for_programs(data_dir, 0)


async def test_window_closes_when_the_program_ends(server: RunningServer, data_dir: Path) -> None:
    async with opened_window(server, server.regular) as window:
        await window.wait_for(READY)
        [program] = await wait_for_programs(data_dir, 1)
        os.kill(program, signal.SIGKILL)

        await window.wait_closed()


async def test_stopping_server_ends_windows_and_programs(data_dir: Path) -> None:
    async with aiohttp.ClientSession() as outside:
        async with running_server(data_dir) as server:
            socket = await outside.ws_connect(
                f"{server.url}/dashboard/ws",
                headers={
                    "Origin": server.url,
                    "Cookie": f"textko_login={server.regular.jwt}",
                },
            )
            [program] = await wait_for_programs(data_dir, 1)
            os.kill(program, signal.SIGSTOP)

        await wait_for_programs(data_dir, 0)
        await socket.close()


async def _change_password(server: RunningServer, person: Person) -> None:
    await server.gateway.accounts.set_password(person.user.id, "another horse")


async def _demote(server: RunningServer, person: Person) -> None:
    await server.gateway.accounts.set_role(person.user.id, Role.REGULAR)


async def _delete(server: RunningServer, person: Person) -> None:
    await server.gateway.accounts.delete_user(person.user.id)


async def _log_out(server: RunningServer, person: Person) -> None:
    headers = {"Cookie": f"textko_login={person.jwt}"}
    answer = await server.request("POST", "/dashboard/logout", b"", headers=headers)
    assert answer.status == 303


@pytest.mark.parametrize("change", [_change_password, _demote, _delete, _log_out])
async def test_window_closes_when_its_login_ends(server: RunningServer, change: Change) -> None:
    await server.gateway.accounts.create_user("second@example.org", "correct horse", Role.ADMIN, "")
    async with (
        opened_window(server, server.admin, shows_all=True) as window,
        opened_window(server, server.regular) as other,
    ):
        await change(server, server.admin)
        await window.wait_closed()
        await other.send("ping", "1")

        assert await other.wait_for_word("pong") == "1"


async def test_program_ends_when_its_server_was_killed(
    server: RunningServer, data_dir: Path
) -> None:
    """Then nobody holds the other end of its pipes any more."""
    program = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "textko_server", "tui", "--socket", str(data_dir / "web.sock"),
        stdin=PIPE, stdout=PIPE,
        env=os.environ | {"TEXTUAL_DRIVER": DRIVER, "TEXTKO_API_KEY": server.regular.jwt},
    )  # fmt: skip
    async with asyncio.timeout(WAIT_S):
        assert program.stdout is not None
        assert await program.stdout.readline() == b"__GANGLION__\n"
        assert program.stdin is not None
        program.stdin.close()
        await program.stdout.read()

        assert await program.wait() == 0


# --- how many there may be ---


async def test_own_oldest_window_makes_way_and_others_are_told_to_wait(data_dir: Path) -> None:
    few = DashboardSettings(max_sessions=2, max_sessions_per_user=2)
    async with (
        running_server(data_dir, dashboard=few) as server,
        opened_window(server, server.regular) as oldest,
        opened_window(server, server.regular) as second,
    ):
        cookie = {"Cookie": f"textko_login={server.admin.jwt}"}
        page = await server.request("GET", "/dashboard", headers=cookie)
        with pytest.raises(aiohttp.WSServerHandshakeError) as refusal:
            await opened_window(server, server.admin).__aenter__()
        async with opened_window(server, server.regular) as third:
            await oldest.wait_closed()
            for window in (second, third):
                await window.send("ping", "1")
                assert await window.wait_for_word("pong") == "1"

    assert (page.status, refusal.value.status) == (503, 503)
    assert b"max_sessions" in page.content
