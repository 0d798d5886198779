"""SMSGate's Android app (capcom6/android-sms-gateway), played as its source of 1.66 to 1.68 has it.

`async with SmsgateApp(AppOptions(url, private_token), data_dir) as app` is one phone end to end;
`python -m textko_server.emulated.smsgate_app` is the same as a program, to be killed. Everything
here is by reading the app's source; nothing of it was compared with a real phone. Refuses to know
the server's inside: it speaks with SMSGate's own server as well.
"""

from textko_server.emulated.smsgate_app.app import SmsgateApp
from textko_server.emulated.smsgate_app.options import AppOptions, Mischief, Sim
from textko_server.emulated.smsgate_app.radio import AirRecord, Fate

__all__ = ["AirRecord", "AppOptions", "Fate", "Mischief", "Sim", "SmsgateApp"]
