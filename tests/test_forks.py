"""Programs that come of a fork are processes like others, and the emulated ones start without."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests import forks
from tests.talking_process import talking_process

EMULATED = ("cht_app", "modem", "smsgate_app")


async def test_forked_program_hears_speaks_and_ends_by_itself(tmp_path: Path) -> None:
    program = "textko_server.emulated.modem.__main__"
    async with talking_process(program, [str(tmp_path)]) as modem:
        assert (await modem.hear()).startswith("ready ")
        modem.tell("hold received")
        modem.tell("receive +35799654321 Hi")
        assert await modem.hear() == "at received"
        modem.end_telling()

        assert await modem.ended() == 0


def test_forked_program_is_killed_as_others_are(tmp_path: Path) -> None:
    stdin, told = os.pipe()
    process = forks.start("textko_server.emulated.modem.__main__", [str(tmp_path)], stdin=stdin)
    assert process.poll() is None
    process.kill()

    assert process.wait() == -signal.SIGKILL
    with pytest.raises(ProcessLookupError):
        os.kill(process.pid, 0)
    os.close(stdin)
    os.close(told)


def test_forked_program_has_the_arguments_environment_folder_and_output_it_is_given(
    tmp_path: Path,
) -> None:
    with (tmp_path / "said").open("w+") as said:
        process = forks.start(
            "textko_server.__main__", ["config", "show"], stdout=said.fileno(), cwd=tmp_path,
            environ={"TEXTKO_DATA_DIR": "here"},
        )  # fmt: skip

        assert process.wait() == 0
        said.seek(0)
        assert "here" in said.read()


def test_exit_code_of_a_forked_program_is_its_own(tmp_path: Path) -> None:
    with (tmp_path / "said").open("w+") as said:
        process = forks.start(
            "textko_server.__main__", ["status"], stderr=said.fileno(), cwd=tmp_path
        )

        assert process.wait() == 3  # there is no server


@pytest.mark.parametrize("name", EMULATED)
def test_emulated_program_starts_without_a_fork_too(name: str) -> None:
    subprocess.run(
        [sys.executable, "-m", f"textko_server.emulated.{name}", "--help"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True,
    )  # fmt: skip
