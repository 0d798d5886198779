"""The demonstration, as a newcomer runs it."""

import re
import subprocess
import sys


def test_demo_shows_every_change_and_ends_when_all_has_arrived() -> None:
    command = [sys.executable, "-m", "textko_server", "demo", "--plain"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 0, done.stderr
    for number in range(1, 7):
        lines = re.findall(rf"#{number} (\w+)(?: |$)", done.stdout, re.MULTILINE)
        for state in ("queued", "offered", "claimed", "sent", "delivered"):
            assert state in lines, (number, state, done.stdout)
        for event in ("MESSAGE_SENT", "MESSAGE_DELIVERED"):
            assert f"#{number} webhook {event}: signature verified" in done.stdout
    assert "webhook MESSAGE_RECEIVED from" in done.stdout
    assert "WRONG" not in done.stdout
