"""The systemd unit, and what `textko service` asks of a machine before it changes anything."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.commands import CommandLine
from textko_server import systemd_unit
from textko_server.cli import program, service

PROGRAM = ["/opt/textko/textko"]
DATA = Path("/var/lib/textko")
# What an intruder in the server should not have; systemd.exec(5).
LOCKS = {
    "NoNewPrivileges": "yes", "ProtectSystem": "strict", "ProtectHome": "yes", "PrivateTmp": "yes",
    "PrivateDevices": "yes", "RestrictNamespaces": "yes", "User": "textko", "UMask": "0077",
    "CapabilityBoundingSet": "CAP_NET_BIND_SERVICE", "ProtectKernelModules": "yes",
}  # fmt: skip


@pytest.fixture
def textko(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> CommandLine:
    """As installed under /opt, which the service may see."""
    monkeypatch.setattr(service, "program_path", lambda: PROGRAM)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    return CommandLine(DATA, capsys, monkeypatch)


class Systemd:
    """Stands in for a machine that systemd runs: a `systemctl` that notes what it was told."""

    def __init__(self, folder: Path) -> None:
        self._said_path = folder / "said"
        for name in ("systemctl", "useradd"):
            path = folder / name
            path.write_text(f'#!/bin/sh\necho "{name} $*" >> {self._said_path}\n{ANSWER}')
            path.chmod(0o755)

    @property
    def said(self) -> list[str]:
        return self._said_path.read_text().splitlines() if self._said_path.exists() else []


ANSWER = """case "$*" in *show*) cat <<END ;; esac
LoadState=loaded
ActiveState=active
SubState=running
UnitFileState=enabled
MainPID=42
StatusText=Listening at http://x
END
"""


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Systemd:
    programs = tmp_path / "programs"
    programs.mkdir()
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    monkeypatch.setattr(service, "_BOOTED_PATH", programs)
    return Systemd(programs)


def read(unit: str) -> dict[str, str]:
    """Its settings; of those that come twice, the last."""
    lines = [line for line in unit.splitlines() if "=" in line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


# --- the unit ---


def test_service_is_watched_and_locked_in() -> None:
    unit = read(systemd_unit.system_unit([*PROGRAM, "serve"], DATA, has_low_ports=True))

    assert unit["Type"] == "notify"
    assert unit["WatchdogSec"] == "30s"
    assert unit["StateDirectory"] == "textko"
    assert {key: unit[key] for key in LOCKS} == LOCKS
    assert {"MemoryMax", "LimitNOFILE", "TasksMax", "SystemCallFilter"} <= set(unit)


def test_data_elsewhere_is_all_the_service_may_write() -> None:
    unit = read(systemd_unit.system_unit(PROGRAM, Path("/srv/my sms"), has_low_ports=False))

    assert unit["ReadWritePaths"] == '"/srv/my sms"'
    assert "StateDirectory" not in unit


def test_command_line_means_to_systemd_what_it_says() -> None:
    """% is a specifier and $ a variable, quotes group."""
    unit = systemd_unit.user_unit(["/opt/100%/my $textko", "--data-dir", 'a"b'])

    assert 'ExecStart="/opt/100%%/my $$textko" --data-dir "a\\"b"\n' in unit


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="one more look where systemd is")
@pytest.mark.parametrize("kind", ["system", "user"])
def test_systemd_itself_finds_nothing_wrong(tmp_path: Path, kind: str) -> None:
    path = tmp_path / systemd_unit.NAME
    command = ["/bin/true", "serve"]
    path.write_text(
        systemd_unit.system_unit(command, DATA, has_low_ports=True)
        if kind == "system"
        else systemd_unit.user_unit(command)
    )

    checked = subprocess.run(
        ["systemd-analyze", "verify", str(path)], capture_output=True, text=True, check=False
    )

    complaints = [line for line in checked.stderr.splitlines() if systemd_unit.NAME in line]
    assert complaints == []


# --- the command ---


async def test_dry_run_prints_the_unit_and_changes_nothing(textko: CommandLine) -> None:
    outcome = await textko("service", "install", "--dry-run")

    assert outcome.code == 0, outcome.err
    assert outcome.out == systemd_unit.system_unit(
        [*PROGRAM, "--config", "/etc/textko/textko.toml", "--data-dir", str(DATA), "serve"], DATA,
        has_low_ports=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "is_allowed"),
    [
        ("", False),
        ('[server]\nlisten = "0.0.0.0:8480"\n', False),
        ('[server]\nlisten = "0.0.0.0:443"\n', True),
        ('[server]\ndomain = ["sms.example.org"]\n', True),
        ('[server]\ndomain = ["sms.example.org"]\nlisten = "0.0.0.0:8443"\n', True),  # port 80
        ('[server]\ndomain = ["a.org"]\nlisten = "[::]:8443"\n[tls]\nhttp_listen = ""\n', False),
        ("[server\n", False),
    ],
)
async def test_ports_below_1024_are_allowed_when_the_settings_name_one(
    textko: CommandLine, tmp_path: Path, text: str, is_allowed: bool
) -> None:
    config = tmp_path / "textko.toml"
    config.write_text(text)

    outcome = await textko("--config", str(config), "service", "install", "--dry-run")

    assert ("\nAmbientCapabilities=CAP_NET_BIND_SERVICE\n" in outcome.out) is is_allowed
    assert ("\nCapabilityBoundingSet=\n" in outcome.out) is not is_allowed


async def test_machine_without_systemd_is_told_so(
    textko: CommandLine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(service, "_BOOTED_PATH", tmp_path / "absent")

    for words in (("install",), ("uninstall",), ("status",), ("install", "--user")):
        outcome = await textko("service", *words)

        assert outcome.code == 1
        assert "systemd does not run this machine" in outcome.err


async def test_only_root_installs_for_the_machine(
    textko: CommandLine, systemd: Systemd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)

    outcome = await textko("service", "install")

    assert outcome.code == 2
    assert "only root may do that: use sudo, or --user" in outcome.err
    assert systemd.said == []


async def test_program_in_a_home_directory_is_refused(
    textko: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "program_path", lambda: ["/home/ana/venv/bin/textko"])

    outcome = await textko("service", "install", "--dry-run")

    assert outcome.code == 1
    assert "the service may not see" in outcome.err


async def test_own_service_is_installed_again_and_removed(
    textko: CommandLine, systemd: Systemd, tmp_path: Path
) -> None:
    path = tmp_path / ".config/systemd/user" / systemd_unit.NAME

    first = await textko("service", "install", "--user")
    written = text_of(path)
    again = await textko("service", "install", "--user", "--json")
    gone = await textko("service", "uninstall", "--user")
    twice = await textko("service", "uninstall", "--user")

    assert [first.code, again.code, gone.code, twice.code] == [0, 0, 0, 0]
    assert "loginctl enable-linger" in first.out
    assert f"--data-dir {DATA} serve" in written
    assert text_of(path) == ""
    assert "your data stayed" in gone.out
    assert systemd.said == [
        "systemctl --user daemon-reload", "systemctl --user enable textko.service",
        "systemctl --user restart textko.service",
        "systemctl --user daemon-reload", "systemctl --user enable textko.service",
        "systemctl --user restart textko.service",
        "systemctl --user disable --now textko.service", "systemctl --user daemon-reload",
    ]  # fmt: skip


async def test_status_is_what_systemd_says(textko: CommandLine, systemd: Systemd) -> None:
    status = await textko.json("service", "status")
    shown = await textko("service", "status")

    assert status == {
        "installed": True, "running": True, "atBoot": True, "state": "running", "pid": 42,
        "says": "Listening at http://x",
    }  # fmt: skip
    assert "active (running)" in shown.out


async def test_what_systemctl_complains_of_is_told(
    textko: CommandLine, systemd: Systemd, tmp_path: Path
) -> None:
    (tmp_path / "programs/systemctl").write_text("#!/bin/sh\necho 'Access denied' >&2\nexit 4\n")

    outcome = await textko("service", "install", "--user")

    assert outcome.code == 1
    assert "failed: Access denied" in outcome.err


def text_of(path: Path) -> str:
    """Empty when there is no file."""
    return path.read_text() if path.exists() else ""


def test_program_is_found_beside_the_python_that_runs_it() -> None:
    path = program.program_path()

    assert Path(path[0]).is_absolute()
    version = subprocess.run([*path, "version"], capture_output=True, text=True, check=False)
    assert version.stdout.startswith("textko ")
