"""The app's message database: what it was given to send, with each recipient's state.

By reading of `MessagesDao`, `MessagesRepository` and the reading half of `MessagesService`: the id
is the key, so an id that is known is never sent again; a failed recipient stays failed; a message's
own state follows its recipients' when it is read; of each state the first time is kept. Refuses to
know how a text is sent and to whom a change is told.
"""

from collections.abc import Callable
from enum import Enum

import msgspec

from textko_server.emulated.smsgate_app.disk import Table
from textko_server.emulated.smsgate_app.faults import IllegalArgument
from textko_server.emulated.smsgate_app.phone_time import PhoneTime

DEFAULT_PRIORITY = 0
EXPEDITED_PRIORITY = 100


class State(Enum):
    PENDING = "Pending"
    CANCELLING = "Cancelling"
    CANCELLED = "Cancelled"
    PROCESSED = "Processed"
    """Handed to Android."""
    SENT = "Sent"
    DELIVERED = "Delivered"
    FAILED = "Failed"


class RecipientRow(msgspec.Struct, frozen=True):
    phone_number: str
    state: State = State.PENDING
    error: str | None = None


class MessageRow(msgspec.Struct, frozen=True):
    id: str
    number: int
    """In order of arrival."""
    recipients: tuple[RecipientRow, ...]
    text: str | None
    """None: a data message."""
    data: str | None
    """Base64."""
    port: int | None
    is_encrypted: bool
    with_delivery_report: bool
    sim_number: int | None
    """From 1."""
    valid_until: int | None
    schedule_at: int | None
    priority: int
    created_at: int
    """As the server says it: the order of sending follows it."""
    states: dict[State, int]
    """When each state was first reached."""
    state: State = State.PENDING
    segments: int | None = None
    processed_at: int | None = None

    @property
    def state_of_recipients(self) -> State:
        found = [recipient.state for recipient in self.recipients]
        for state in (State.PENDING, State.CANCELLING, State.CANCELLED, State.PROCESSED):
            if state in found:
                return state
        for state in (State.FAILED, State.DELIVERED):
            if all(one is state for one in found):
                return state
        return State.SENT


class StateChanged(msgspec.Struct, frozen=True):
    message: MessageRow
    phone_numbers: tuple[str, ...]
    """Whose state changed."""
    state: State
    error: str | None = None


class Messages:
    def __init__(self, table: Table[MessageRow], time: PhoneTime) -> None:
        self._table = table
        self._time = time
        self.listeners: list[Callable[[StateChanged], None]] = []

    @property
    def rows(self) -> list[MessageRow]:
        return list(self._table.rows.values())

    def find(self, message_id: str) -> MessageRow | None:
        """With its own state brought in line with its recipients'."""
        row = self._table.rows.get(message_id)
        return None if row is None else self._in_line(row)

    def next_number(self) -> int:
        return max((row.number for row in self.rows), default=0) + 1

    def add(self, row: MessageRow) -> None:
        self._table.put(row.id, row)

    def note_sending(self, message_id: str, segments: int, sim_number: int | None) -> None:
        """Nobody is told. `sim_number`: None leaves what is there."""
        row = self._table.rows[message_id]
        sim_number = row.sim_number if sim_number is None else sim_number
        changed = msgspec.structs.replace(row, segments=segments, sim_number=sim_number)
        self._table.put(message_id, changed)

    def next_pending(self, *, is_fifo: bool) -> MessageRow | None:
        """The most urgent that is due, and of these the oldest or the newest."""
        now_ms = self._time.now_ms()
        due = [
            row
            for row in map(self._in_line, self.rows)
            if row.state is State.PENDING and (row.schedule_at or 0) <= now_ms
        ]
        sign = 1 if is_fifo else -1
        return min(due, key=lambda row: (-row.priority, sign * row.created_at), default=None)

    def next_scheduled_at(self) -> int | None:
        """0 when something waits for no time; None when nothing waits."""
        waiting = (row for row in self.rows if row.state is State.PENDING)
        return min((row.schedule_at or 0 for row in waiting), default=None)

    def processed_since(self, since_ms: int) -> list[int]:
        """When those were handed over that the limits count."""
        uncounted = (State.PENDING, State.CANCELLING, State.CANCELLED, State.FAILED)
        return [
            row.processed_at
            for row in self.rows
            if row.state not in uncounted and (row.processed_at or 0) >= since_ms
            if row.processed_at is not None
        ]

    def set_state(
        self, message_id: str, phone_number: str | None, state: State, error: str | None = None
    ) -> None:
        """Of one recipient, or of all; then tell.

        Raises: IllegalArgument, the message is not there any more.
        """
        row = self._table.rows.get(message_id)
        if row is None:
            raise IllegalArgument("Required value was null.")
        recipients = tuple(
            RecipientRow(one.phone_number, state, error)
            if phone_number in (None, one.phone_number) and one.state is not State.FAILED
            else one
            for one in row.recipients
        )
        row = self._in_line(msgspec.structs.replace(row, recipients=recipients))
        everybody = tuple(one.phone_number for one in recipients)
        numbers = everybody if phone_number is None else (phone_number,)
        self._tell(StateChanged(row, numbers, state, error))

    def cancel(self, message_id: str) -> bool:
        """False: not known here. What is handed over already stays as it is.

        What was cancelled before is not reported again.
        """
        row = self._table.rows.get(message_id)
        if row is None:
            return False
        if row.state is State.PENDING:
            recipients = tuple(
                one
                if one.state is State.FAILED
                else RecipientRow(one.phone_number, State.CANCELLED)
                for one in row.recipients
            )
            row = self._put(row, recipients, State.CANCELLED)
            numbers = tuple(one.phone_number for one in recipients)
            self._tell(StateChanged(row, numbers, State.CANCELLED))
        return True

    def forget_before(self, before_ms: int) -> None:
        """The log is truncated; what waits is kept."""
        for row in self.rows:
            if row.created_at < before_ms and row.state not in (State.PENDING, State.CANCELLING):
                self._table.drop(row.id)

    def _in_line(self, row: MessageRow) -> MessageRow:
        state = row.state_of_recipients
        if row is self._table.rows.get(row.id) and state is row.state:
            return row
        return self._put(row, row.recipients, state)

    def _put(
        self, row: MessageRow, recipients: tuple[RecipientRow, ...], state: State
    ) -> MessageRow:
        now_ms = self._time.now_ms()
        is_processed = state is State.PROCESSED and row.state is not State.PROCESSED
        changed = msgspec.structs.replace(
            row,
            recipients=recipients,
            # A failed message stays so, unless it is handed over: `_setMessageProcessed`.
            state=row.state if row.state is State.FAILED and not is_processed else state,
            states={state: now_ms} | row.states,
            processed_at=now_ms if is_processed else row.processed_at,
        )
        self._table.put(row.id, changed)
        return changed

    def _tell(self, change: StateChanged) -> None:
        for listener in self.listeners:
            listener(change)
