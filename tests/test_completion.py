"""What shells complete, and the manual page: made of the parser, tried where the programs are."""

import shutil
import subprocess
import sys

import pytest

from textko_server.cli import build_parser
from textko_server.cli.completion import branches, children, options_of
from textko_server.cli.man import page


def made(*words: str) -> str:
    return subprocess.run(
        [sys.executable, "-m", "textko_server", *words], capture_output=True, text=True, check=True
    ).stdout


# What each shell hands to a completion, and how it takes the answer.
ASK = {
    "bash": "{script}\nCOMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _textko\n"
    'printf "%s\\n" "${{COMPREPLY[@]}}"',
    "zsh": "compadd() {{ shift; for word; do\n"
    "[[ $word = ${{words[CURRENT]}}* ]] && print -r -- $word; done; true }}\n"
    "ask() {{\n{script}\n}}\nwords=({words}); CURRENT=${{#words}}; ask",
}
# zsh where it is installed: the lines that matter are the same.
SHELLS = ["bash", *(["zsh"] if shutil.which("zsh") else [])]


@pytest.fixture(scope="module", params=SHELLS)
def asked(request: pytest.FixtureRequest) -> tuple[str, str]:
    """A shell, and what to ask it."""
    shell: str = request.param
    script = made("completion", shell)
    return shutil.which(shell) or f"/bin/{shell}", ASK[shell].format(
        script="@script@", words="@words@"
    ).replace("@script@", script)


@pytest.mark.parametrize(
    ("typed", "offered", "not_offered"),
    [
        (["textko", ""], {"serve", "user", "--data-dir"}, {"create"}),
        (["textko", "us"], {"user"}, {"serve"}),
        (["textko", "user", ""], {"create", "list", "password"}, {"serve"}),
        (["textko", "user", "create", "--"], {"--role", "--ignore-exists", "--json"}, {"--wait"}),
        (["textko", "user", "create", "--role", ""], {"ADMIN", "REGULAR"}, {"--json"}),
        (["textko", "--data-dir", "user", "de"], {"device", "demo"}, {"delete"}),
        (["textko", "--json", "user", "--debug", "de"], {"delete"}, {"device"}),
        (["textko", "completion", ""], {"zsh", "--json"}, {"serve"}),
        (["textko", "--url", ""], set(), {"serve"}),
    ],
)
def test_shell_completes(
    asked: tuple[str, str], typed: list[str], offered: set[str], not_offered: set[str]
) -> None:
    shell, script = asked
    words = " ".join(f"'{word}'" for word in typed)

    done = subprocess.run(
        [shell, "-c", script.replace("@words@", words)], capture_output=True, text=True,
        check=False,
    )  # fmt: skip

    found = set(done.stdout.split())
    assert done.stderr == ""
    assert offered <= found
    assert not found & not_offered


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_script_has_every_command_and_option(shell: str) -> None:
    script = made("completion", shell)

    for path, parser in branches(build_parser()):
        assert all(name in script for name in path)
        for option in options_of(parser):
            assert all(flag.lstrip("-") in script for flag in option.option_strings)


@pytest.mark.parametrize(
    ("shell", "check"), [("bash", "bash -n"), ("zsh", "zsh -n"), ("fish", "fish --no-execute")]
)
def test_shell_finds_no_mistake_in_its_script(shell: str, check: str) -> None:
    """Those that are not installed are looked at by the test above alone."""
    script = made("completion", shell)
    if shutil.which(shell) is not None:
        done = subprocess.run(
            [*check.split(), "/dev/stdin"], input=script, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, "")


def test_manual_page_has_every_command_with_its_options() -> None:
    text = page(build_parser()).replace("\\-", "-")

    assert text.startswith(".TH TEXTKO 1 ")
    for path, parser in branches(build_parser()):
        if path and not children(parser):
            assert f".SS textko {' '.join(path)}\n" in text
            for option in options_of(parser):
                assert f"\\fB{option.option_strings[-1]}\\fR" in text


def test_no_line_of_the_manual_page_is_taken_for_a_request() -> None:
    requests = {".TH", ".SH", ".SS", ".TP", ".B"}

    for line in page(build_parser()).splitlines():
        assert not line.startswith("'")
        assert not line.startswith(".") or line.split()[0] in requests, line


@pytest.mark.skipif(not shutil.which("groff"), reason="one more look where groff is")
def test_groff_warns_of_nothing() -> None:
    done = subprocess.run(
        ["groff", "-man", "-Tutf8", "-ww", "-z"], input=made("man"), capture_output=True,
        text=True, check=False,
    )  # fmt: skip

    assert (done.returncode, done.stderr) == (0, "")
