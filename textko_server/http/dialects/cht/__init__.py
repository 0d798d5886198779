"""CHT Gateway, the Android app of github.com/medic/cht-gateway (1.8.2, read at a122e03).

One endpoint: GET says that it is one, POST takes what the phone has to tell and answers with what
it is to send. Specification: its README, and its WebappPoller.java where they differ.

What the app tells of a message, and what it means here:

    UNSENT      it is on the phone's disk: no longer listed (the README does not name it)
    PENDING     handed to Android, and perhaps to the network: no longer listed
    SENT        sent
    DELIVERED   delivered
    FAILED      failed, with its reason in our words (reasons.py); some go back to the queue

What it cannot say or hear: a SIM, a time, a battery, an expiry, a cancel, a request for a delivery
report. It tells a state again until an answer of 2xx comes, and then never: so a state or a text
that cannot be read is left out, and the rest is taken (wire.py).
"""

from textko_server.http.dialects.cht.address import PATH, new_device, url_for
from textko_server.http.dialects.cht.endpoint import routes
from textko_server.http.dialects.cht.login import token_of
from textko_server.http.dialects.cht.shape import error_response

__all__ = ["PATH", "error_response", "new_device", "routes", "token_of", "url_for"]
