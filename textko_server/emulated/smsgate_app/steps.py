"""The points on a phone's way at which its program may be killed, and at which it says where it is.

Refuses to know who listens.
"""

from collections.abc import Callable
from enum import Enum


class Step(Enum):
    REGISTERING = "registering"
    REGISTERED = "registered"
    """A new device, stored."""
    UPDATED = "updated"
    """Known to the server from before."""
    STREAM_OPEN = "stream-open"
    EVENT = "event"
    PULLED = "pulled"
    """The list is here, and nothing of it is stored yet."""
    STORED = "stored"
    """A message is in the app's database, and not sent yet."""
    SENDING = "sending"
    """Just before Android is handed a text."""
    ON_AIR = "on-air"
    """The network has it, and the app has not noted that."""
    CHANGED = "changed"
    """A new state is noted, and no report of it is owed yet."""
    HEARD = "heard"
    """The network said something, and nothing is noted yet."""
    REPORTING = "reporting"
    """Just before a state is told to the server."""
    REPORTED = "reported"
    """The server took it, and the app has not noted that."""
    RECEIVED = "received"
    """A text came in and is in the app's list, and no webhook is owed yet."""
    QUEUED = "queued"
    """A webhook is owed."""
    POSTING = "posting"
    POSTED = "posted"
    """The target took it, and the app has not noted that."""
    FAULT = "fault"
    """Something the app tries again."""
    CRASH = "crash"
    """Something that takes the app down on a phone; here it is told, and the app goes on."""


Steps = Callable[[Step, str], None]
"""Called with what the step is about: an id, an event, a sentence."""
