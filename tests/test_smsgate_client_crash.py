"""kill -9 of the server amid requests of SMSGate's API: an id of the application's sends once."""

import json
import threading
import urllib.error
import urllib.request
from base64 import b64encode
from collections import Counter
from pathlib import Path

from tests.server_process import ServerProcess, serving
from tests.smsgate_clients import BASE

EMAIL, PASSWORD = "shop@example.org", "a long password"
COUNT = 50
# From here on the server dies any moment.
KILLED_FROM = 20


def ask(server: ServerProcess, method: str, path: str, body: object = None) -> int:
    """The status; 0: no answer."""
    pair = b64encode(f"{EMAIL}:{PASSWORD}".encode()).decode()
    request = urllib.request.Request(  # noqa: S310 - our own server
        server.url + BASE + path,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Basic {pair}"},
        method=method,
    )
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310 - as above
            answer.read()
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code
    except OSError:
        return 0


def submit(server: ServerProcess, number: int) -> int:
    message = {"id": f"order-{number}", "message": "Hello", "phoneNumbers": ["+251912345678"]}
    return ask(server, "POST", "/messages", message)


def make_account(server: ServerProcess) -> None:
    made = server.textko(
        "user", "create", EMAIL, "--role", "ADMIN", "--password-stdin", stdin=PASSWORD + "\n"
    )
    assert made.returncode == 0, made.stderr
    code = json.loads(server.textko("device", "pair", "--user", EMAIL, "--json").stdout)["code"]
    body = json.dumps({"code": code, "name": "phone"}).encode()
    with urllib.request.urlopen(  # noqa: S310 - our own server
        urllib.request.Request(server.url + "/device/v1/pair", data=body)  # noqa: S310 - as above
    ) as answer:
        assert answer.status == 201


def test_request_that_got_no_answer_is_safe_to_repeat(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    answered: dict[int, int] = {}
    with serving(data_dir) as first:
        make_account(first)
        killer = threading.Timer(0.01, first.process.kill)
        for number in range(COUNT):
            if number == KILLED_FROM:
                killer.start()
            answered[number] = submit(first, number)
        killer.join()

    with serving(data_dir) as second:
        again = {number: submit(second, number) for number in range(COUNT)}
        once_more = {number: submit(second, number) for number in range(COUNT)}
        shown = [ask(second, "GET", f"/messages/order-{number}") for number in range(COUNT)]

    accepted = [number for number, status in answered.items() if status == 202]
    assert KILLED_FROM <= len(accepted) < COUNT, Counter(answered.values())
    # What was accepted is there; what was not is made now, unless it was on disk all the same.
    assert {again[number] for number in accepted} == {409}
    assert set(again.values()) == {202, 409}
    assert set(once_more.values()) == {409}
    assert set(shown) == {200}
