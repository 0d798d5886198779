"""`textko service`: run by systemd from boot on, as an account of its own that may do little."""

import argparse
import os
import pwd
import shutil
import subprocess
import sys
from pathlib import Path

from textko_server import systemd_unit
from textko_server.cli.exit_codes import EXIT_FAILED, EXIT_OK, UsageError
from textko_server.cli.output import answer, print_fields, print_json, say
from textko_server.cli.program import NAME, is_one_file, program_path
from textko_server.errors import TextkoError

_EXAMPLES = """examples:
  sudo textko service install
  textko service install --dry-run
  sudo textko service uninstall"""
_SYSTEM_UNIT_PATH = Path("/etc/systemd/system") / systemd_unit.NAME
_CONFIG_PATH = Path("/etc/textko/textko.toml")
_PROGRAM_PATH = Path("/usr/local/bin") / NAME
# There is such a folder where systemd is process 1: sd_booted(3).
_BOOTED_PATH = Path("/run/systemd/system")
# ProtectHome and PrivateTmp hide these from the service.
_HIDDEN = tuple(map(Path, ("/home", "/root", "/run/user", "/tmp", "/var/tmp")))  # noqa: S108 - names
_ASKED = ("LoadState", "ActiveState", "SubState", "UnitFileState", "MainPID", "StatusText")


class CannotInstall(TextkoError):
    """One sentence for the operator."""

    code = "cannot_install"


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    service = subparsers.add_parser(
        "service", help="run by systemd, from boot on", epilog=_EXAMPLES
    )
    commands = service.add_subparsers(dest="service_command", required=True, metavar="COMMAND")

    install = commands.add_parser(
        "install",
        help="start it now and at every boot",
        description="Writes a unit for systemd, and for it an account, /etc/textko/textko.toml and "
        "/var/lib/textko where they are missing. Again after a move or an upgrade does no harm.",
    )
    install.add_argument("--dry-run", action="store_true", help="print the unit, change nothing")
    install.add_argument("--no-start", action="store_true", help="do not start it now")
    _add_user(install)
    install.set_defaults(run=run_install)

    uninstall = commands.add_parser(
        "uninstall",
        help="stop it and start it no more",
        description="Removes the unit. Data, settings, account and program stay.",
    )
    _add_user(uninstall)
    uninstall.set_defaults(run=run_uninstall)

    status = commands.add_parser("status", help="what systemd says of it")
    _add_user(status)
    status.set_defaults(run=run_status)


def _add_user(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--user", action="store_true", help="a service of your own account, without root"
    )


def run_install(options: argparse.Namespace) -> int:
    is_onefile = is_one_file()
    program = [str(_PROGRAM_PATH)] if is_onefile and not options.user else program_path()
    if options.user:
        data_dir = (options.data_dir or Path.home() / ".local/share/textko").absolute()
        unit = systemd_unit.user_unit([*program, "--data-dir", str(data_dir), "serve"])
    else:
        _check_is_seen(Path(program[0]))
        data_dir = (options.data_dir or systemd_unit.STATE_DIR).absolute()
        config = (options.config_path or _CONFIG_PATH).absolute()
        words = ["--config", str(config), "--data-dir", str(data_dir), "serve"]
        unit = systemd_unit.system_unit(
            [*program, *words], data_dir, has_low_ports=_has_low_ports(config, data_dir)
        )
    if options.dry_run:
        sys.stdout.write(unit)
        return EXIT_OK
    _check_may(options)
    if not options.user:
        if is_onefile:
            _copy_program()
        _make_account()
        _make_folders(config, data_dir)
    path = _unit_path(options)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(unit)
    _systemctl(options, "daemon-reload")
    _systemctl(options, "enable", systemd_unit.NAME)
    if not options.no_start:
        # Not `start`: one that runs already is to be the one that is described now.
        _systemctl(options, "restart", systemd_unit.NAME)
    _tell_installed(options, path, data_dir)
    return EXIT_OK


def run_uninstall(options: argparse.Namespace) -> int:
    _check_may(options)
    path = _unit_path(options)
    if not path.exists():
        answer(options, {"removed": False}, "there is no such service: nothing was changed")
        return EXIT_OK
    _systemctl(options, "disable", "--now", systemd_unit.NAME)
    path.unlink()
    _systemctl(options, "daemon-reload")
    kept = "your data" if options.user else "/var/lib/textko, /etc/textko and the account"
    answer(options, {"removed": True}, f"stopped and removed; {kept} stayed as they were")
    return EXIT_OK


def run_status(options: argparse.Namespace) -> int:
    """0: it runs, 1: it does not."""
    _check_has_systemd()
    said = _systemctl(options, "show", systemd_unit.NAME, "--property", ",".join(_ASKED))
    fields = dict(line.split("=", 1) for line in said.splitlines() if "=" in line)
    is_running = fields.get("ActiveState") == "active"
    if options.json:
        print_json(
            {
                "installed": fields.get("LoadState") == "loaded",
                "running": is_running,
                "atBoot": fields.get("UnitFileState") == "enabled",
                "state": fields.get("SubState", ""),
                "pid": int(fields.get("MainPID") or 0) or None,
                "says": fields.get("StatusText", ""),
            }
        )
    elif fields.get("LoadState") != "loaded":
        say("not installed: sudo textko service install")
    else:
        print_fields(
            [
                ("state", f"{fields.get('ActiveState')} ({fields.get('SubState')})"),
                ("at boot", fields.get("UnitFileState")),
                ("process", fields.get("MainPID")),
                ("says", fields.get("StatusText") or None),
            ]
        )
    return EXIT_OK if is_running else EXIT_FAILED


# --- what must be so ---


def _check_may(options: argparse.Namespace) -> None:
    """Raises CannotInstall, UsageError."""
    _check_has_systemd()
    if not options.user and os.geteuid() != 0:
        raise UsageError("only root may do that: use sudo, or --user for a service of your own")


def _check_has_systemd() -> None:
    if shutil.which("systemctl") is None or not _BOOTED_PATH.is_dir():
        raise CannotInstall(
            "systemd does not run this machine; have what does start `textko serve` "
            "(--dry-run prints the unit)"
        )


def _check_is_seen(program: Path) -> None:
    """Raises CannotInstall: the service would not find its own program."""
    for folder in _HIDDEN:
        if program.is_relative_to(folder):
            raise CannotInstall(
                f"{program} is under {folder}, which the service may not see: install textko "
                "under /opt or /usr/local, or use --user"
            )


# --- its parts ---


def _has_low_ports(config: Path, data_dir: Path) -> bool:
    """Whether the settings name a port that needs a right; those that cannot be read name none."""
    from textko_server.care.address_checks import FIRST_FREE_PORT
    from textko_server.config_loader import ConfigError, load

    try:
        flags = {"server.data_dir": str(data_dir)}
        settings = load(config_path=config, flags=flags, environ={}).settings
    except ConfigError:
        return False
    listens = [settings.server.listen, settings.metrics.listen]
    if settings.server.domain:
        listens.append(settings.tls.http_listen)
    ports = [int(listen.rpartition(":")[2]) for listen in listens if listen]
    return any(0 < port < FIRST_FREE_PORT for port in ports)


def _unit_path(options: argparse.Namespace) -> Path:
    if not options.user:
        return _SYSTEM_UNIT_PATH
    folder = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(folder) / "systemd/user" / systemd_unit.NAME


def _copy_program() -> None:
    """The one file to where every account may start it; whole, also while the old one runs."""
    here = Path(sys.executable).resolve()
    if here == _PROGRAM_PATH:
        return
    fresh = _PROGRAM_PATH.with_suffix(".new")
    try:
        shutil.copyfile(here, fresh)
        fresh.chmod(0o755)
        fresh.replace(_PROGRAM_PATH)
    except OSError as error:
        raise CannotInstall(f"cannot copy textko to {_PROGRAM_PATH}: {error.strerror}") from error


def _make_account() -> None:
    try:
        pwd.getpwnam(systemd_unit.ACCOUNT)
    except KeyError:
        _run(
            "useradd", "--system", "--user-group", "--home-dir", str(systemd_unit.STATE_DIR),
            "--no-create-home", "--shell", "/usr/sbin/nologin", systemd_unit.ACCOUNT,
        )  # fmt: skip


def _make_folders(config: Path, data_dir: Path) -> None:
    account = pwd.getpwnam(systemd_unit.ACCOUNT)
    try:
        if not data_dir.exists():
            data_dir.mkdir(mode=0o700, parents=True)
            os.chown(data_dir, account.pw_uid, account.pw_gid)
        if not config.exists():
            config.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            config.write_text(f'# `textko config show` lists them all.\n[server]\n'
                              f'data_dir = "{data_dir}"\n')  # fmt: skip
            # It may hold nothing secret, and the commands of others read it.
            config.chmod(0o644)
    except OSError as error:
        raise CannotInstall(f"cannot make {error.filename}: {error.strerror}") from error


def _tell_installed(options: argparse.Namespace, path: Path, data_dir: Path) -> None:
    if options.json:
        print_json({"unit": str(path), "dataDir": str(data_dir), "started": not options.no_start})
        return
    say(f"installed {path}; data in {data_dir}")
    if options.user:
        say("to let it run while you are logged out: loginctl enable-linger")
        say(f"its log: journalctl --user -u {NAME} -f")
        return
    sudo = f"sudo {NAME}"
    say(f"its log:      journalctl -u {NAME} -f")
    say(f"first admin:  {sudo} user create you@example.org --role ADMIN")
    say(f"first phone:  {sudo} device pair --user you@example.org")


def _systemctl(options: argparse.Namespace, *words: str) -> str:
    return _run("systemctl", *(["--user"] if options.user else []), *words)


def _run(*words: str) -> str:
    """What it printed. Raises CannotInstall."""
    program = shutil.which(words[0], path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if program is None:
        raise CannotInstall(f"there is no {words[0]} on this machine")
    # The one-file program's own libraries are not for others.
    environ = {k: v for k, v in os.environ.items() if k != "LD_LIBRARY_PATH"}
    if original := os.environ.get("LD_LIBRARY_PATH_ORIG"):
        environ["LD_LIBRARY_PATH"] = original
    done = subprocess.run(  # noqa: S603 - words of ours
        [program, *words[1:]], capture_output=True, text=True, check=False, env=environ
    )
    if done.returncode:
        reason = (done.stderr.strip() or f"exit code {done.returncode}").splitlines()[-1]
        raise CannotInstall(f"{' '.join(words)} failed: {reason}")
    return done.stdout
