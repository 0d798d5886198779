"""Doors that SSH keys open: on every machine a stand-in made of asyncssh, which heeds the options
of authorized_keys that ours have (command, restrict, pty); and OpenSSH's own sshd and ssh where
they are installed (Debian: apt install openssh-server).
"""

import asyncio
import fcntl
import getpass
import os
import shutil
import struct
import sys
import termios
import tty
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import asyncssh
import msgspec

from tests.ports import free_port

_LIMIT_S = 60.0
_SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


class Door(msgspec.Struct, frozen=True):
    port: int
    key_path: Path
    """The private half of the key that is let in."""
    is_stand_in: bool

    def client(
        self, *words: str, with_tty: bool = True, options: tuple[str, ...] = ()
    ) -> list[str]:
        """A program that logs in and asks for `words`, or for a shell. `options`: of ssh(1)."""
        if self.is_stand_in:
            flags = ["-t"] if with_tty else []
            start = [sys.executable, "-m", "tests.ssh_doors", str(self.port), str(self.key_path)]
            return [*start, *flags, *options, "--", *words]
        return [
            "ssh", "-F", "none", "-tt" if with_tty else "-T", "-p", str(self.port),
            "-i", str(self.key_path), "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes",
            "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
            "-o", "LogLevel=ERROR", *options, f"{getpass.getuser()}@127.0.0.1", *words,
        ]  # fmt: skip


def make_key(path: Path) -> str:
    """A key pair at `path`; the answer is the public half."""
    key = asyncssh.generate_private_key("ssh-ed25519", comment="ana@laptop")
    key.write_private_key(path)
    path.chmod(0o600)
    return key.export_public_key().decode()


# --- OpenSSH ---


@asynccontextmanager
async def openssh(folder: Path, authorized_keys: Path, key_path: Path) -> AsyncIterator[Door]:
    assert _SSHD is not None
    make_key(folder / "host_key")
    port = free_port()
    if os.geteuid() == 0:
        # Where it locks the half of itself in that has not let anybody in yet.
        await asyncio.to_thread(Path("/run/sshd").mkdir, mode=0o755, exist_ok=True)
    config = folder / "sshd_config"
    config.write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder / 'host_key'}\n"
        f"AuthorizedKeysFile {authorized_keys}\nPidFile none\nPermitRootLogin yes\n"
        "UsePAM no\nPasswordAuthentication no\nSubsystem sftp internal-sftp\n"
        "StrictModes no\n"  # /tmp is everybody's
    )
    process = await asyncio.create_subprocess_exec(
        _SSHD, "-D", "-e", "-f", str(config), stderr=asyncio.subprocess.PIPE
    )
    assert process.stderr is not None
    async with asyncio.timeout(_LIMIT_S):
        while b"listening on" not in (line := await process.stderr.readline()):
            assert line, "sshd did not start"
    said = asyncio.create_task(process.stderr.read())
    try:
        yield Door(port, key_path, is_stand_in=False)
    finally:
        process.terminate()
        await process.wait()
        said.cancel()


# --- the stand-in: server ---


class _Server(asyncssh.SSHServer):
    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn

    def connection_requested(
        self, dest_host: str, dest_port: int, orig_host: str, orig_port: int
    ) -> bool:
        restrict = self._connection.get_key_option("restrict", False)
        return not restrict or bool(self._connection.get_key_option("port-forwarding", False))


@asynccontextmanager
async def stand_in(folder: Path, authorized_keys: Path, key_path: Path) -> AsyncIterator[Door]:
    make_key(folder / "host_key")
    server = await asyncssh.create_server(
        _Server, "127.0.0.1", 0, server_host_keys=[str(folder / "host_key")],
        authorized_client_keys=str(authorized_keys), process_factory=_run, encoding=None,
        sftp_factory=None, line_editor=False,
    )  # fmt: skip
    try:
        yield Door(server.get_port(), key_path, is_stand_in=True)
    finally:
        server.close()
        await server.wait_closed()


async def _run(process: "asyncssh.SSHServerProcess[bytes]") -> None:
    """The key's command, whatever was asked for, on a terminal if one was asked for."""
    connection = process.channel.get_connection()
    assert isinstance(connection, asyncssh.SSHServerConnection)
    forced = connection.get_key_option("command", process.command)
    command = str(forced or "exec ${SHELL:-/bin/sh} -l")
    may_have_tty = not connection.get_key_option("restrict", False) or connection.get_key_option(
        "pty", False
    )
    environment = os.environ | {"SSH_CONNECTION": "127.0.0.1 1 127.0.0.1 2"}
    if process.command:
        environment["SSH_ORIGINAL_COMMAND"] = process.command
    if process.term_type is None or not may_have_tty:
        child = await asyncio.create_subprocess_shell(
            command, env=environment, stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        said, _ = await child.communicate()
        process.stdout.write(said)
        process.exit(child.returncode or 0)
        return
    await _run_on_terminal(process, command, environment | {"TERM": process.term_type})


async def _run_on_terminal(
    process: "asyncssh.SSHServerProcess[bytes]", command: str, environment: dict[str, str]
) -> None:
    main_fd, child_fd = os.openpty()
    _set_size(main_fd, process.term_size[0], process.term_size[1])
    take = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", take + "os.execvp('sh', ['sh', '-c', sys.argv[1]])", command,
        stdin=child_fd, stdout=child_fd, stderr=child_fd, env=environment, start_new_session=True,
    )  # fmt: skip
    os.close(child_fd)
    loop = asyncio.get_running_loop()

    def pass_on() -> None:
        try:
            said = os.read(main_fd, 65_536)
        except OSError:
            said = b""
        if said:
            process.stdout.write(said)
        else:
            loop.remove_reader(main_fd)

    loop.add_reader(main_fd, pass_on)
    typing = asyncio.create_task(_pass_typing(process, main_fd))
    ended = asyncio.create_task(child.wait())
    try:
        await asyncio.wait([typing, ended], return_when=asyncio.FIRST_COMPLETED)
    finally:  # with the connection this is cancelled
        typing.cancel()
        loop.remove_reader(main_fd)
        # The terminal is gone: who still has it gets SIGHUP.
        os.close(main_fd)
    await ended
    process.exit(child.returncode or 0)


async def _pass_typing(process: "asyncssh.SSHServerProcess[bytes]", main_fd: int) -> None:
    """Until the client goes."""
    while True:
        try:
            typed = await process.stdin.read(4096)
        except asyncssh.TerminalSizeChanged as changed:
            _set_size(main_fd, changed.width, changed.height)
            continue
        except (asyncssh.BreakReceived, asyncssh.SignalReceived):
            continue
        except OSError:
            return
        if not typed:
            return
        os.write(main_fd, typed)


def _set_size(fd: int, width: int, height: int) -> None:
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))


# --- the stand-in: client ---


async def ask_stand_in(door: Door, words: str, *, is_subsystem: bool = False) -> tuple[str, int]:
    """What is said to somebody without a terminal, and the exit code."""
    async with _connect(door.port, door.key_path) as connection:
        done = await connection.run(words, subsystem=words if is_subsystem else None)
    code = done.exit_status if done.exit_status is not None else 255
    return str(done.stdout or "") + str(done.stderr or ""), code


def _connect(
    port: int, key_path: Path
) -> "AbstractAsyncContextManager[asyncssh.SSHClientConnection]":
    return asyncssh.connect(
        "127.0.0.1", port, known_hosts=None, client_keys=[key_path], config=None,
        username=getpass.getuser(), agent_path=None,
    )  # fmt: skip


async def _log_in(argv: list[str]) -> int:
    """`PORT KEY -t -- [WORDS]` or `PORT KEY -N -L PORT:HOST:PORT --`, as ssh(1) takes them."""
    port, key, *flags = argv[: argv.index("--")]
    words = " ".join(argv[argv.index("--") + 1 :]) or None
    async with _connect(int(port), Path(key)) as connection:
        if "-L" in flags:
            local, host, remote = flags[flags.index("-L") + 1].split(":")
            await connection.forward_local_port("127.0.0.1", int(local), host, int(remote))
        if "-N" in flags:
            await connection.wait_closed()
            return 0
        return await _stay(connection, words)


async def _stay(connection: asyncssh.SSHClientConnection, words: str | None) -> int:
    """On this terminal, until the other side ends it."""
    import signal

    loop = asyncio.get_running_loop()
    size = os.get_terminal_size()
    process = await connection.create_process(
        words, term_type=os.environ.get("TERM", "xterm"), encoding=None, stdin=asyncssh.PIPE,
        term_size=(size.columns, size.lines), stderr=asyncssh.STDOUT,
    )  # fmt: skip
    before = termios.tcgetattr(0)
    tty.setraw(0)
    loop.add_reader(0, lambda: process.stdin.write(os.read(0, 4096)))
    loop.add_signal_handler(
        signal.SIGWINCH, lambda: process.change_terminal_size(*os.get_terminal_size())
    )
    try:
        while said := await process.stdout.read(65_536):
            os.write(1, said)
    finally:
        loop.remove_reader(0)
        termios.tcsetattr(0, termios.TCSAFLUSH, before)
    await process.wait_closed()
    return process.exit_status if process.exit_status is not None else 255


Open = Callable[[Path, Path, Path], AbstractAsyncContextManager[Door]]
DOORS: list[Open] = [stand_in, *([openssh] if _SSHD and shutil.which("ssh") else [])]

if __name__ == "__main__":
    sys.exit(asyncio.run(_log_in(sys.argv[1:])))
