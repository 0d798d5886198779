"""Messages as SMSGate's API has them: with an id that the application may choose, and lists by
offset.

An id names one message of an account for as long as that is kept: a second submit with it sends
nothing. Refuses to know JSON, and SMSGate's words for states.
"""

import msgspec

from textko_server.errors import AlreadyExists, NotFound
from textko_server.gateway.messages import Messages
from textko_server.gateway.public_ids import Kind, PublicIds
from textko_server.gateway.submissions import Submission, Submitted
from textko_server.model import Dialect, Message, Principal, State
from textko_server.store import analytics as time_store
from textko_server.store import message_pages
from textko_server.store import smsgate_messages as store
from textko_server.store.database import Database, Transaction

# As many recipients of a message as SMSGate's own API takes; other dialects take more.
MAX_SHOWN_RECIPIENTS = 100

Form = store.Form
Told = store.Told


class Shown(msgspec.Struct, frozen=True):
    id: str
    """The application's own, or ours."""
    message: Message
    form: Form
    recipients: list[Told]
    """In lists the first MAX_SHOWN_RECIPIENTS."""


class Wanted(msgspec.Struct, frozen=True):
    user_id: int
    states: list[State] | None = None
    """None: all."""
    device_id: int | None = None
    """A recipient was given to this device, or is to be; of the newest 20,000 messages."""
    since: int | None = None
    """Unix ms; submitted at this time or later."""
    before: int | None = None
    """Unix ms; submitted earlier than this."""
    newest_first: bool = True


class SmsgateMessages:
    def __init__(self, db: Database, public_ids: PublicIds, messages: Messages) -> None:
        self._db = db
        self._public_ids = public_ids
        self._messages = messages

    async def submit(self, principal: Principal, submission: Submission, form: Form) -> Shown:
        """Accept it, once for an id; on disk when this returns.

        Raises:
            AlreadyExists: a message of the account has this id.
            And as `Messages.submit`.
        """
        submitted = await self._submit(principal, submission, form)
        if _is_as_it_was_given(principal, submitted):
            return self._shown_at_once(principal, submission, form, submitted)
        return await self._shown_of(submitted.message_id)

    async def _submit(self, principal: Principal, submission: Submission, form: Form) -> Submitted:
        if form == Form():
            [submitted] = await self._messages.submit(principal, [submission])
            return submitted

        def write(tx: Transaction) -> Submitted:
            client_id = form.client_id
            if client_id is not None and store.find_in(tx, principal.user_id, client_id):
                raise AlreadyExists("duplicate id")  # SMSGate's words
            [submitted] = self._messages.insert(tx, principal, [submission])
            store.insert(tx, submitted.message_id, principal.user_id, form)
            return submitted

        return await self._db.write(write)

    def _shown_at_once(
        self, principal: Principal, s: Submission, form: Form, submitted: Submitted
    ) -> Shown:
        """What reading it would show."""
        state = State.SCHEDULED if s.scheduled_at else State.QUEUED
        at, segmentation = submitted.created_at, submitted.segmentation
        message = Message(
            submitted.message_id, principal.user_id, s.dialect, principal.api_key_id, s.text,
            segmentation.encoding, segmentation.segments, len(s.phone_numbers), state, s.priority,
            s.sender_id, s.custom_id, s.scheduled_at, s.expires_at, at, at,
        )  # fmt: skip
        recipients = [
            Told(message.id, number, state, s.device_id, None, None, None, None, None, None)
            for number in s.phone_numbers
        ]
        return Shown(self.id_of(message), message, form, recipients)

    async def get(self, principal: Principal, message_id: str) -> Shown:
        """By the application's id or ours. Raises NotFound: absent, or another account's."""
        return await self._shown_of(await self._key(principal, message_id))

    async def cancel(self, principal: Principal, message_id: str) -> Shown:
        """As `Messages.cancel`; returns the message as it is then."""
        key = await self._key(principal, message_id)
        await self._messages.cancel(principal, key, actor=principal.actor)
        return await self._shown_of(key)

    async def list_page(
        self, wanted: Wanted, *, offset: int, limit: int
    ) -> tuple[list[Shown], int]:
        """A page, and how many there are, counted up to 20,000."""
        span = await self._span(wanted)
        offset = min(offset, message_pages.MAX_COUNTED)
        if wanted.device_id is not None:
            keys = await store.list_keys_of_device(self._db, span, wanted.device_id)
            ordered = keys[::-1] if wanted.newest_first else keys
            return await self._shown(ordered[offset : offset + limit]), len(keys)
        keys = await store.list_keys(
            self._db, span, newest_first=wanted.newest_first, offset=offset, limit=limit
        )
        return await self._shown(keys), await message_pages.count(self._db, span)

    async def _span(self, wanted: Wanted) -> message_pages.Wanted:
        span = message_pages.Wanted(wanted.user_id, wanted.states)
        if wanted.since is not None:
            first = await time_store.first_message_since(self._db, wanted.since)
            span = msgspec.structs.replace(span, from_id=first)
        if wanted.before is not None:
            end = await time_store.first_message_since(self._db, wanted.before)
            span = msgspec.structs.replace(span, before_id=end)
        return span

    async def _key(self, principal: Principal, message_id: str) -> int:
        key = await store.find(self._db, principal.user_id, message_id)
        if key is None:
            key = self._public_ids.decode(Kind.MESSAGE, message_id)
        messages = {} if key is None else await store.get_messages(self._db, [key])
        message = next(iter(messages.values()), None)
        if message is None or message.user_id != principal.user_id:
            raise NotFound("message")
        return message.id

    async def _shown_of(self, key: int) -> Shown:
        shown = await self._shown([key])
        if not shown:
            raise NotFound("message")  # deleted meanwhile
        return shown[0]

    async def _shown(self, keys: list[int]) -> list[Shown]:
        messages = await store.get_messages(self._db, keys)
        forms = await store.forms(self._db, keys)
        recipients = await store.list_recipients(self._db, keys, MAX_SHOWN_RECIPIENTS)
        shown = []
        for key in keys:
            message = messages.get(key)
            if message is not None:
                form, told = forms.get(key, Form()), recipients.get(key, [])
                shown.append(Shown(self.id_of(message), message, form, told))
        return shown

    def id_of(self, message: Message) -> str:
        """By which SMSGate's API names it."""
        if message.dialect is Dialect.SMSGATE and message.custom_id is not None:
            return message.custom_id
        return self._public_ids.encode(Kind.MESSAGE, message.id, message.created_at)


def _is_as_it_was_given(principal: Principal, submitted: Submitted) -> bool:
    """Nobody it goes to has opted out, and no device was chosen for a limited API key."""
    count = len(submitted.recipient_ids)
    is_to_all = submitted.credits == count * submitted.segmentation.segments
    return is_to_all and principal.device_ids is None
