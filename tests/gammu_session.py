"""libgammu with a modem, in a process of its own: it blocks, and what hangs there must hang alone.

`python -m tests.gammu_session PORT FOLDER` writes what each step came to as a JSON object, and
`send me a text` when it listens for one.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gammu  # type: ignore[import-untyped]  # a C extension without stubs

LISTENS = "send me a text"


def main() -> None:
    port, folder = sys.argv[1], Path(sys.argv[2])
    settings = folder / "gammurc"
    log = folder / "gammu.log"
    settings.write_text(
        f"[gammu]\ndevice = {port}\nconnection = at115200\natgen_setcnmi = 2,1,0,1,0\n"
        f"logfile = {log}\nlogformat = textall\n"
    )
    phone = gammu.StateMachine()
    phone.ReadConfig(Filename=str(settings))
    phone.Init()
    news: list[dict[str, Any]] = []
    phone.SetIncomingCallback(lambda _phone, _kind, said: news.append(said))
    phone.SetIncomingSMS(True)
    came_to = {
        "maker": phone.GetManufacturer(),
        "model": phone.GetModel()[1],
        "imei": phone.GetIMEI(),
        "imsi": phone.GetSIMIMSI(),
        "signal": phone.GetSignalQuality()["SignalPercent"],
        "network": phone.GetNetworkInfo(),
        "service_centre": phone.GetSMSC(1)["Number"],
        "refused": attempt(lambda: send(phone, "+35799000500", "no")),
        "reference": send(phone, "+35799123456", "hello €"),
    }
    listen(phone, news, 1)
    for part in long_text("Καλημέρα, " * 20):
        part |= {"SMSC": {"Location": 1}, "Number": "+35799123456"}
        phone.SendSMS(part)
    sys.stdout.write(f"{LISTENS}\n")
    sys.stdout.flush()
    listen(phone, news, 2)
    came_to["report"] = {"number": news[0]["Number"], "text": news[0]["Text"]}
    stored = phone.GetNextSMS(Start=True, Folder=0)[0]
    came_to["received"] = {"number": stored["Number"], "text": stored["Text"].partition("\0")[0]}
    phone.DeleteSMS(Folder=0, Location=stored["Location"])
    came_to["left"] = attempt(lambda: phone.GetNextSMS(Start=True, Folder=0))
    came_to["log"] = log.read_text("latin-1")
    json.dump(came_to, sys.stdout)


def send(phone: Any, number: str, text: str) -> int:
    reference: int = phone.SendSMS(
        {
            "Text": text,
            "SMSC": {"Location": 1},
            "Number": number,
            "Type": "Status_Report",
            "Coding": "Default_No_Compression",
        }
    )
    return reference


def long_text(text: str) -> list[dict[str, Any]]:
    entry = {"ID": "ConcatenatedTextLong", "Buffer": text}
    parts: list[dict[str, Any]] = gammu.EncodeSMS(
        {"Class": -1, "Unicode": True, "Entries": [entry]}
    )
    return parts


def listen(phone: Any, news: list[dict[str, Any]], count: int) -> None:
    while len(news) < count:
        phone.ReadDevice(True)


def attempt(act: Callable[[], object]) -> object:
    """What came of it; libgammu's word for the error when it failed."""
    try:
        return act()
    except gammu.GSMError as error:
        return type(error).__name__


if __name__ == "__main__":
    main()
