"""CHT Gateway (github.com/medic/cht-gateway, 1.8.2, read at a122e03): the Android app, played.

As its source has it: one request a minute that brings incoming texts and states and takes messages,
a database that knows every message it was ever given, and no word of what it did not read. The
radio, with the network and Android's broadcasts behind it, is in radio.py and outlives the app.

Not played: parts of long incoming texts (the app puts them together), CDMA, its screens, "Clear old
data" and "Retry", which a person presses.
"""

from textko_server.emulated.cht_app.app import ChtApp, Step, UrlRefused
from textko_server.emulated.cht_app.radio import OnAir, Outcome

__all__ = ["ChtApp", "OnAir", "Outcome", "Step", "UrlRefused"]
