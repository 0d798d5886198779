"""`textko config check` names everything that is wrong at once, each with its file and line."""

from pathlib import Path

import pytest

from tests.commands import CommandLine
from textko_server.config_lines import line_of

WRONG = """\
# A comment: server.listen = 1
[server]
listen = "nowhere"
tls_crt = "x.pem"   # a slip
cors_origins = [
    "https://a.example",
    "b",
]

[servr]
data_dir = "x"

[log]
level = "loud"
"""


@pytest.fixture
def textko(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> CommandLine:
    monkeypatch.chdir(tmp_path)
    return CommandLine(tmp_path / "data", capsys, monkeypatch)


async def test_every_fault_is_told_with_file_and_line(
    textko: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "my.toml"
    path.write_text(WRONG)
    monkeypatch.setenv("TEXTKO_BACKUP_KEEP", "0")

    outcome = await textko("config", "check", str(path))

    assert outcome.code == 2
    assert [line.partition(" must")[0] for line in outcome.err.splitlines()] == [
        "environment TEXTKO_BACKUP_KEEP: backup.keep",
        f"{path}:3: server.listen",
        f"{path}:4: unknown setting server.tls_crt; the nearest known one is server.tls_cert",
        f"{path}:5: server.cors_origins",
        f"{path}:10: unknown section [servr]; the nearest known one is [server]",
        f"{path}:14: log.level",
    ]


async def test_faults_are_told_to_programs_too(textko: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "textko.toml").write_text("[backup]\n\nkeep = 0\n")

    outcome = await textko("config", "check", "--json")

    assert outcome.code == 2
    [fault] = outcome.json["faults"]
    assert (fault["source"], fault["line"], fault["setting"]) == (
        str(tmp_path / "textko.toml"), 3, "backup.keep",
    )  # fmt: skip


async def test_file_that_is_no_toml_is_told_with_its_line(
    textko: CommandLine, tmp_path: Path
) -> None:
    (tmp_path / "textko.toml").write_text("[server]\nlisten = \n")

    outcome = await textko("config", "check")

    assert outcome.err.startswith(f"{tmp_path}/textko.toml:2: this is not TOML")


async def test_file_that_is_not_there_is_told(textko: CommandLine, tmp_path: Path) -> None:
    outcome = await textko("config", "check", "absent.toml")

    assert (outcome.code, outcome.err.strip()) == (
        2, f"cannot read {tmp_path}/absent.toml: No such file or directory",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[server]\nlisten = 'x'", 2),
        ("[server]\n\n  listen='x'", 3),
        ("server.listen = 'x'", 1),
        ("\n'server' . \"listen\" = 'x'", 2),
        ("\nserver = { listen = 'x' }", 2),
        ("[log]\nlisten = 'x'\n[server]\nlisten = 'x'", 4),
        ("[a]\nb = '''\n[server]\nlisten = 1\n'''\n[server]\nlisten = 'x'", 7),
        ("[server.listen]\na = 1", 1),
        ("[log]", None),
    ],
)
def test_line_of_a_setting_is_found(text: str, line: int | None) -> None:
    assert line_of("server.listen", text) == line
