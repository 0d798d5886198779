"""Submissions: texts that shall be sent to numbers, checked and sized before anything is stored.

Refuses to know how they are stored; submitting.py does that.
"""

import msgspec

from textko_server.config import MessageSettings
from textko_server.errors import Invalid
from textko_server.gateway import charges
from textko_server.gateway.segments import Segmentation, segment
from textko_server.model import Dialect, Principal, Priority, State

# What is charged for a text that cannot be counted.
_OPAQUE = Segmentation("GSM-7", 1, 0)


class Submission(msgspec.Struct, frozen=True):
    """One text to one or more numbers, decoded and normalised by a dialect."""

    text: str
    phone_numbers: list[str]
    dialect: Dialect
    texts: list[str] | None = None
    """Of each number, where they differ; `text` then is what people read in lists."""
    device_id: int | None = None
    """Pinned to this device."""
    sim_id: int | None = None
    """Pinned to this SIM; its device need not be named."""
    priority: int = Priority.NORMAL
    scheduled_at: int | None = None
    expires_at: int | None = None
    """None: after the settings' time."""
    sender_id: str | None = None
    custom_id: str | None = None
    is_despite_opt_out: bool = False
    """For what answers an opt-out itself."""
    is_opaque: bool = False
    """The text is ciphertext, or data: what will be on the air cannot be counted, nor is blank."""

    @property
    def first_state(self) -> State:
        return State.SCHEDULED if self.scheduled_at else State.QUEUED


class Submitted(msgspec.Struct, frozen=True):
    message_id: int
    created_at: int
    recipient_ids: range
    segmentation: Segmentation
    """Where texts differ, of the longest."""
    credits: int


class Size(msgspec.Struct, frozen=True):
    """How long the texts of a submission are."""

    longest: Segmentation
    segments: list[int] | None = None
    """Of each number, where texts differ."""
    opted_out: frozenset[int] = frozenset()
    """Places of the numbers that get nothing, and cost nothing."""

    def credits(self, recipient_count: int) -> int:
        if self.opted_out:
            each = self.segments or [self.longest.segments] * recipient_count
            return sum(n for place, n in enumerate(each) if place not in self.opted_out)
        if self.segments is not None:
            return sum(self.segments)
        return recipient_count * self.longest.segments


class Submit(msgspec.Struct, frozen=True):
    """One caller's submissions: accepted together or not at all."""

    principal: Principal
    submissions: list[Submission]
    sizes: list[Size]

    @property
    def charge(self) -> charges.Charge:
        messages = segments = 0
        for submission, size in zip(self.submissions, self.sizes, strict=True):
            count = len(submission.phone_numbers)
            messages += count - len(size.opted_out)
            segments += size.credits(count)
        return charges.Charge(self.principal.user_id, messages, segments)


def size_of(submission: Submission, settings: MessageSettings) -> Size:
    """Raises Invalid for a text or number that cannot be sent; names the field."""
    count = len(submission.phone_numbers)
    if count == 0:
        raise Invalid("recipients", "must name at least one phone number")
    if count > settings.max_recipients:
        raise Invalid("recipients", f"at most {settings.max_recipients} at a time")
    if submission.is_opaque:
        return Size(_OPAQUE)
    if submission.texts is None:
        return Size(check_text(submission.text, settings))
    sizes = [check_text(text, settings) for text in submission.texts]
    longest = max(sizes, key=lambda size: (size.segments, size.units))
    return Size(longest, [size.segments for size in sizes])


def check_text(text: str, settings: MessageSettings) -> Segmentation:
    """Raises Invalid for a text that cannot be sent."""
    if not text or text.isspace():
        raise Invalid("message", "must not be blank")
    segmentation = segment(text)
    if segmentation.segments > settings.max_segments:
        raise Invalid(
            "message",
            f"takes {segmentation.segments} segments, at most {settings.max_segments}",
        )
    return segmentation
