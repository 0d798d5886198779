"""Deliveries: every event owed to a webhook, what was sent and answered, and what comes next."""

from collections.abc import Sequence
from typing import Any, ClassVar, get_args

from textko_server import admin_wire as wire
from textko_server.admin_wire.webhooks import DeliveryState
from textko_server.errors import Invalid
from textko_server.gateway.smsgate_payloads import SmsgateEvent
from textko_server.gateway.textlink_payloads import TextLinkEvent
from textko_server.gateway.webhook_payloads import WebhookEvent
from textko_server.tui.actions import Action
from textko_server.tui.columns import Column
from textko_server.tui.delivery_details import delivery_details
from textko_server.tui.details import Details
from textko_server.tui.dialogs.menu import Choice, Menu
from textko_server.tui.filters import Filter
from textko_server.tui.paged_rows import FetchedPage
from textko_server.tui.states import state_cell
from textko_server.tui.time_columns import moment
from textko_server.tui.times import ago
from textko_server.tui.views.list_view import PAGE_SIZE, ListView
from textko_server.tui.webhook_details import outcome_of

_STATES: tuple[DeliveryState, ...] = get_args(DeliveryState)
_EVENTS = tuple(
    event.value for kind in (WebhookEvent, TextLinkEvent, SmsgateEvent) for event in kind
)
# What the server takes in one request.
_REDELIVERED_AT_ONCE = 200


class DeliveriesView(ListView[wire.Delivery]):
    """What webhooks are and were told, newest first. Fields of a filter: state, event, webhook
    (its name or URL, or the beginning of it), user. f: only those that were given up.
    """

    NOUN = ("delivery", "deliveries")
    EMPTY = "no deliveries: a webhook (5) gets one with each event that it asked for, or by T"
    EVENTS = frozenset({"webhook_attempted", "recipient_changed", "incoming_received"})
    SERVER_FIELDS = frozenset({"state", "webhook", "user", "is"})
    FIELDS_HELP = "state:failed event: webhook: user: answer:"
    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action("redeliver", "a", "Send again", confirm="Send again"),
        Action("state", "n", "Only one state", needs="nothing", changes=False),
        Action("only_webhook", "N", "Only this webhook", needs="one", changes=False),
        Action("webhook", "l", "Its webhook", needs="one", changes=False),
    )

    def __init__(self, page: Any) -> None:
        super().__init__(page)
        self._webhook: tuple[str, str] | None = None
        """Id and name of the only one that is shown."""

    def columns(self) -> Sequence[Column[wire.Delivery]]:
        now = self.app.clock.now_ms
        return (
            moment("Time", lambda d: d.created_at, self.app, 3),
            Column("Webhook", lambda d: d.webhook_name or d.webhook_url, 12, 2, is_flexible=True),
            Column("Event", lambda d: d.event, 17),
            Column("State", lambda d: state_cell(d.state), 11),
            Column("Tries", lambda d: str(d.attempt_count), 5, 4, is_right=True),
            Column("Answer", lambda d: outcome_of(d.last_attempt), 6, is_flexible=True),
            Column("Ms", _duration, 6, 8, is_right=True),
            Column("Next", lambda d: _next(d, now()), 9, 5, is_right=True),
            Column("User", lambda d: d.user, 18, 7),
        )

    def key_of(self, row: wire.Delivery) -> str:
        return row.id

    def name_of(self, row: wire.Delivery) -> str:
        return f"{row.event} to {row.webhook_name or row.webhook_url}"

    def is_fault(self, row: wire.Delivery) -> bool:
        return row.state == "failed"

    def path_of(self, row: wire.Delivery) -> str:
        return f"/webhook-deliveries/{row.id}"

    @property
    def trail(self) -> str:
        return "" if self._webhook is None else self._webhook[1]

    async def fetch(self, wanted: Filter, cursor: str | None) -> FetchedPage[wire.Delivery]:
        state = _state(wanted.value("state"))
        if state is None and wanted.has("is", "fault"):
            state = "failed"
        query = wire.AllDeliveriesQuery(
            user=wanted.value("user") or self.app.scope,
            webhook=await self._webhook_id(wanted.value("webhook")),
            state=state,
            event=_event(wanted.value("event")),
            before=cursor,
            limit=PAGE_SIZE,
        )
        page = await self.admin.list_all_deliveries(query)
        return FetchedPage(page.deliveries, page.next)

    async def _webhook_id(self, value: str | None) -> str | None:
        """By its id, its name or URL, or the beginning of that."""
        if value is None:
            self._webhook = None
        elif self._webhook is None or value != self._webhook[0]:
            self._webhook = await self._find_webhook(value)
        return None if self._webhook is None else self._webhook[0]

    async def _find_webhook(self, value: str) -> tuple[str, str]:
        webhooks = await self._all_webhooks()
        found = [w for w in webhooks if value in (w.id, w.name.lower(), w.url.lower())]
        found = found or [
            w for w in webhooks
            if w.name.lower().startswith(value) or w.url.lower().startswith(value)
        ]  # fmt: skip
        if len(found) != 1:
            raise Invalid("webhook", f"{len(found) or 'no'} webhooks have a name or URL like it")
        return found[0].id, found[0].name or found[0].url

    async def _all_webhooks(self) -> list[wire.Webhook]:
        webhooks: list[wire.Webhook] = []
        before = None
        while True:
            page = await self.admin.list_webhooks(user=self.app.scope, before=before)
            webhooks += page.webhooks
            before = page.next
            if before is None:
                return webhooks

    async def details(self, row: wire.Delivery) -> Details:
        delivery = await self.admin.get_delivery(row.id)
        return delivery_details(delivery, self.app.times, self.app.clock.now_ms())

    async def consequences(self, action: Action, rows: Sequence[wire.Delivery]) -> str:
        delivered = sum(row.state == "delivered" for row in rows)
        again = f"\n{delivered} were taken already: they are told a second time." * bool(delivered)
        return f"Now, with the same id and body, by which a receiver knows it.{again}"

    # --- actions ---

    async def do_redeliver(self, rows: list[wire.Delivery]) -> None:
        count = 0
        refused: list[wire.NotRedelivered] = []
        for start in range(0, len(rows), _REDELIVERED_AT_ONCE):
            if start:
                self.app.progress(f"{start} of {len(rows)}")
            ids = [row.id for row in rows[start : start + _REDELIVERED_AT_ONCE]]
            answer = await self.admin.redeliver_each(ids)
            count += answer.count
            refused += answer.refused
        self.finish_bulk()
        sent = f"{count} {self.NOUN[count != 1]} sent again"
        if refused:
            self.app.tell(f"{sent}, {len(refused)} not: {refused[0].reason}", "error")
        else:
            self.app.tell(f"{sent}.")

    async def do_state(self) -> None:
        chosen = await self.app.ask(
            Menu("Only deliveries that are", [Choice(state, state, state[0]) for state in _STATES])
        )
        if chosen is not None:
            await self.show_filter(str(self.filter.with_term("state", chosen)))

    async def do_only_webhook(self, row: wire.Delivery) -> None:
        await self.show_filter(str(self.filter.with_term("webhook", row.webhook_id)))

    async def do_webhook(self, row: wire.Delivery) -> None:
        self.app.open_page("webhooks", "", select=row.webhook_id)


def _duration(delivery: wire.Delivery) -> str | None:
    return None if delivery.last_attempt is None else f"{delivery.last_attempt.duration_ms:,}"


def _next(delivery: wire.Delivery, now_ms: int) -> str | None:
    at_ms = delivery.next_attempt_at
    if delivery.state != "pending" or at_ms is None:
        return None
    return "due" if at_ms <= now_ms else ago(at_ms, now_ms)


def _state(value: str | None) -> DeliveryState | None:
    """The beginning of it will do: `del`."""
    if value is None:
        return None
    for state in _STATES:
        if state.startswith(value):
            return state
    raise Invalid("state", f"is one of {', '.join(_STATES)}, not {value}")


def _event(value: str | None) -> str | None:
    """The only one that can be meant, for the server to look for: the list compares part of it."""
    found = [event for event in _EVENTS if value is not None and value in event.lower()]
    return found[0] if len(found) == 1 else None
