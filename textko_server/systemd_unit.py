"""The systemd units of textko: for the whole machine, locked in, or for one person.

systemd.unit(5), systemd.service(5), systemd.exec(5). Refuses to know how a unit is installed.
"""

from collections.abc import Sequence
from pathlib import Path

NAME = "textko.service"
ACCOUNT = "textko"
STATE_DIR = Path("/var/lib/textko")
ENVIRONMENT_PATH = Path("/etc/textko/environment")

_HEAD = """\
# Written by `textko service install`. Your own changes: {edit}
[Unit]
Description=textko SMS gateway
Documentation=https://github.com/textko/textko-server
Wants=network-online.target
After=network-online.target time-sync.target
StartLimitIntervalSec=10min
StartLimitBurst=10
"""
# all: the one-file program is a loader, and its child is who tells.
_RUNNING = """\
Type=notify
NotifyAccess=all
ExecStart={command}
ExecReload=/bin/kill -HUP $MAINPID
Restart=always
RestartSec=2s
# Wrong usage or settings: trying again would not help.
RestartPreventExitStatus=2
WatchdogSec=30s
# A change of a large database at the first start of a new version takes its time.
TimeoutStartSec=30min
TimeoutStopSec=15s
LimitNOFILE=65536
MemoryHigh=768M
MemoryMax=1G
TasksMax=512
UMask=0077
NoNewPrivileges=yes
"""
_LOCKED_IN = """\
User={account}
Group={account}
EnvironmentFile=-{environment}
{folder}
{rights}
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectClock=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectControlGroups=yes
ProtectProc=invisible
ProcSubset=pid
RemoveIPC=yes
LockPersonality=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RestrictNamespaces=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
# It raises its own limit of open files, and asks what it may use.
SystemCallFilter=setrlimit prlimit64 sched_getaffinity sched_setaffinity
SystemCallErrorNumber=EPERM
"""
_LOW_PORTS = """\
# Ports below 1024, and nothing else that is root's.
CapabilityBoundingSet=CAP_NET_BIND_SERVICE
AmbientCapabilities=CAP_NET_BIND_SERVICE"""
_NO_RIGHTS = """\
# Nothing that is root's. For ports below 1024: `textko service install` again, once they are set.
CapabilityBoundingSet="""


def system_unit(command: Sequence[str], data_dir: Path, *, has_low_ports: bool) -> str:
    """`command` without its first steps: absolute paths. Data stays in `data_dir`.

    `has_low_ports`: it may listen on ports below 1024.
    """
    folder = (
        "StateDirectory=textko\nStateDirectoryMode=0700"
        if data_dir == STATE_DIR
        else f"ReadWritePaths={_quoted(str(data_dir))}"
    )
    locked_in = _LOCKED_IN.format(
        account=ACCOUNT,
        environment=ENVIRONMENT_PATH,
        folder=folder,
        rights=_LOW_PORTS if has_low_ports else _NO_RIGHTS,
    )
    return "\n".join(
        [
            _HEAD.format(edit=f"sudo systemctl edit {NAME}"),
            "[Service]",
            _RUNNING.format(command=_command_line(command)) + locked_in,
            "[Install]\nWantedBy=multi-user.target\n",
        ]
    )


def user_unit(command: Sequence[str]) -> str:
    """For `systemctl --user`, which cannot lock anything in without rights of its own."""
    return "\n".join(
        [
            _HEAD.format(edit=f"systemctl --user edit {NAME}"),
            "[Service]",
            _RUNNING.format(command=_command_line(command)),
            "[Install]\nWantedBy=default.target\n",
        ]
    )


def _command_line(words: Sequence[str]) -> str:
    return " ".join(map(_quoted, words))


def _quoted(word: str) -> str:
    """systemd.service(5), COMMAND LINES: % and $ mean something there."""
    plain = word.replace("%", "%%").replace("$", "$$")
    if plain and not any(c in plain for c in " \t\"'\\;"):
        return plain
    escaped = plain.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
