"""Conversations: what an account and each number that wrote to it wrote to each other."""

from collections.abc import Sequence
from typing import Any, ClassVar
from urllib.parse import quote

from textko_server import admin_wire as wire
from textko_server.tui.actions import Action
from textko_server.tui.columns import Column, Shown
from textko_server.tui.conversation_details import conversation_details, who_of
from textko_server.tui.details import Details
from textko_server.tui.dialogs.contact_form import new_contact_form
from textko_server.tui.dialogs.reply_form import reply_form
from textko_server.tui.filters import Filter
from textko_server.tui.paged_rows import FetchedPage
from textko_server.tui.time_columns import age, moment
from textko_server.tui.views.list_view import PAGE_SIZE, ListView

_TEXTS_AT_ONCE = 100


class ConversationsView(ListView[wire.Conversation]):
    """One line for each number that wrote, who wrote last first; the details are the conversation.
    with:+251… in a filter finds a whole number at once, number: a part of one. f: only those with
    something unread. A reply goes through the SIM that was written to last.
    """

    NOUN = ("conversation", "conversations")
    EMPTY = "nobody wrote yet: what a paired phone (4) receives comes here"
    EVENTS = frozenset({"incoming_received", "message_submitted", "recipient_changed"})
    SERVER_FIELDS = frozenset({"user", "with"})
    FIELDS_HELP = "with: number: name: text: device: user:"
    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action("reply", "m", "Reply", needs="one"),
        Action("read", "n", "Mark read"),
        Action("older", "l", "Older texts", needs="one", changes=False, is_shown=False),
        Action("contact", "c", "Contact", needs="one"),
        Action("opt_out", "b", "Opt out", confirm="Write no more to", is_destructive=True),
    )

    def __init__(self, page: Any) -> None:
        super().__init__(page)
        self._older: tuple[str, int] = ("", 1)
        """Of which conversation more is wanted, and how many pages."""

    def columns(self) -> Sequence[Column[wire.Conversation]]:
        return (
            Column("New", _unread, 4, 2, is_right=True),
            Column("Number", lambda c: c.phone_number, 16),
            Column("Name", lambda c: c.contact_name, 14, 3),
            Column("Text", lambda c: c.last_text, 24, is_flexible=True),
            moment("Last", lambda c: c.last_at, self.app, 5),
            Column("In", lambda c: f"{c.incoming_count:,}", 5, 7, is_right=True),
            Column("Device", lambda c: c.device, 14, 8),
            Column("User", lambda c: c.user, 18, 6),
            age("Age", lambda c: c.last_at, self.app, 4),
        )

    def key_of(self, row: wire.Conversation) -> str:
        # Not by its last text: the cursor stays when there is another.
        return f"{row.user_id} {row.phone_number}"

    def name_of(self, row: wire.Conversation) -> str:
        return who_of(row)

    def is_fault(self, row: wire.Conversation) -> bool:
        return row.unread_count > 0

    def path_of(self, row: wire.Conversation) -> str:
        return f"/conversations/{quote(row.phone_number)}/messages?user={row.user_id}"

    async def fetch(self, wanted: Filter, cursor: str | None) -> FetchedPage[wire.Conversation]:
        user = wanted.value("user") or self.app.scope
        query = wire.ConversationsQuery(
            user=user, number=wanted.value("with"), before=cursor, limit=PAGE_SIZE
        )
        page = await self.admin.list_conversations(query)
        return FetchedPage(page.conversations, page.next)

    async def details(self, row: wire.Conversation) -> Details:
        key, page_count = self._older
        messages: list[wire.ConversationMessage] = []
        cursor: str | None = None
        for _ in range(page_count if key == self.key_of(row) else 1):
            query = wire.ConversationQuery(user=row.user_id, before=cursor, limit=_TEXTS_AT_ONCE)
            page = await self.admin.list_conversation_messages(row.phone_number, query)
            messages += page.messages
            cursor = page.next
            if cursor is None:
                break
        before = ""
        if cursor is not None:
            before = f"There are older texts: {self.app.key_of('conversations.older', 'l')}."
        elif page.searched_to is not None:
            sent_since = self.app.times.full(page.searched_to)
            before = f"What was sent before {sent_since} is on the page of messages."
        return conversation_details(row, messages, self.app.times, before=before)

    # --- actions ---

    async def do_reply(self, row: wire.Conversation) -> None:
        form = reply_form(
            self.app,
            row.last_incoming_id,
            who=who_of(row),
            text=row.last_text,
            device=_device(row),
        )
        sent = await self.app.ask(form)
        if sent is not None:
            self.app.tell(f"Submitted to {who_of(row)}: {sent.state}.")

    async def do_older(self, row: wire.Conversation) -> None:
        """One page more of this one."""
        key, page_count = self._older
        same = key == self.key_of(row)
        self._older = (self.key_of(row), page_count + 1 if same else 2)

    async def do_read(self, rows: list[wire.Conversation]) -> None:
        await self.for_each(
            rows,
            lambda row: self.admin.mark_conversation_read(row.phone_number, row.user_id),
            "marked as read",
        )

    async def do_contact(self, row: wire.Conversation) -> None:
        if row.contact_id is not None:
            self.app.open_page("contacts", f'number:"{row.phone_number}"', select=row.contact_id)
            return
        form = await new_contact_form(self.app, number=row.phone_number, user=row.user_id)
        contact = await self.app.ask(form)
        if contact is not None:
            self.app.tell(f"Saved {contact.full_name or contact.phone_number}.")

    async def do_opt_out(self, rows: list[wire.Conversation]) -> None:
        await self.for_each(
            rows, lambda row: self.admin.add_opt_out(row.phone_number, row.user_id), "opted out"
        )

    async def consequences(self, action: Action, rows: Sequence[wire.Conversation]) -> str:
        return "What the account submits for them fails, and costs nothing."


def _unread(conversation: wire.Conversation) -> Shown | None:
    count = conversation.unread_count
    return Shown(f"{count:,}", "warning") if count else None


def _device(conversation: wire.Conversation) -> str | None:
    if conversation.device is None:
        return None
    slot = "" if conversation.sim_slot is None else f", SIM {conversation.sim_slot}"
    return f"{conversation.device}{slot}"
