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


def test_demo_with_phones_of_other_makers_sends_and_receives_by_each() -> None:
    command = [sys.executable, "-m", "textko_server", "demo", "--plain"]
    command += ["--phones", "termux,modem,smsgate,cht"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)

    assert done.returncode == 0, done.stderr
    for name in ("Termux", "Modem", "SMSGate", "CHT Gateway"):
        assert f"{name} handed 2 texts to the network, each once" in done.stdout
        assert f"webhook MESSAGE_RECEIVED from +12025550190: 'Good morning, {name}'" in done.stdout
    for number in range(1, 9):
        is_inferred = number < 3  # Termux cannot tell what arrives
        assert f"#{number} webhook MESSAGE_SENT: signature verified" in done.stdout
        if not is_inferred:
            assert f"#{number} webhook MESSAGE_DELIVERED: signature verified" in done.stdout
    assert "WRONG" not in done.stdout


def test_demo_names_the_kinds_of_phones_it_knows() -> None:
    command = [sys.executable, "-m", "textko_server", "demo", "--phones", "pigeon"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)

    assert done.returncode == 2
    assert "termux, modem, smsgate, cht, not 'pigeon'" in done.stderr
