"""Asks what a webhook is called, where it is, and which events it is told of."""

from typing import TYPE_CHECKING, Literal

from textko_server import admin_wire as wire
from textko_server.gateway.smsgate_payloads import SmsgateEvent
from textko_server.gateway.textlink_payloads import TextLinkEvent
from textko_server.gateway.webhook_formats import Format
from textko_server.gateway.webhook_payloads import WebhookEvent
from textko_server.tui.account_choice import account_fields, chosen_account
from textko_server.tui.dialogs.form import Field, Form, Values
from textko_server.tui.dialogs.menu import Choice

if TYPE_CHECKING:
    from textko_server.tui.app import TextkoApp

FORMATS = (
    Choice(Format.TEXTKO, "textko: signed JSON, of every state a message goes through", "t"),
    Choice(Format.TEXTLINK, "textlink: as TextLink sends them, with the secret in the body", "l"),
    Choice(
        Format.SMSGATE, "smsgate: as phones with SMSGate's app send them, but by this server", "s"
    ),
)
_EVENTS: dict[str, tuple[str, ...]] = {
    Format.TEXTKO: tuple(event.value for event in WebhookEvent),
    Format.TEXTLINK: tuple(event.value for event in TextLinkEvent),
    Format.SMSGATE: tuple(event.value for event in SmsgateEvent),
}
# As Textko's own page proposes them; of TextLink's, all; of SMSGate's, what there is to tell.
_PROPOSED = frozenset(
    {
        WebhookEvent.MESSAGE_RECEIVED, WebhookEvent.MESSAGE_SENT, WebhookEvent.MESSAGE_DELIVERED,
        WebhookEvent.MESSAGE_FAILED, *TextLinkEvent, SmsgateEvent.RECEIVED, SmsgateEvent.SENT,
        SmsgateEvent.DELIVERED, SmsgateEvent.FAILED,
    }
)  # fmt: skip


_FORMAT_NAMES: dict[str, Literal["textko", "textlink", "smsgate"]] = {
    Format.TEXTKO: "textko",
    Format.TEXTLINK: "textlink",
    Format.SMSGATE: "smsgate",
}


async def new_webhook_form(app: "TextkoApp", payload_format: str) -> Form[wire.WebhookWithSecret]:
    """Raises TextkoError."""

    async def submit(values: Values) -> wire.WebhookWithSecret:
        body = wire.NewWebhook(
            url=values["url"],
            events=values["events"],
            format=_FORMAT_NAMES[payload_format],
            name=values["name"],
            secret=values["secret"] or None,
        )
        return await app.admin.create_webhook(body, chosen_account(app, values))

    chosen = [event for event in _EVENTS[payload_format] if event in _PROPOSED]
    fields = [
        *await account_fields(app),
        *_fields(payload_format, "", "", chosen),
        Field("secret", "Secret", "password", help="To sign with. Empty: one is made."),
    ]
    return Form("New webhook", fields, submit, button="Create")


def webhook_form(app: "TextkoApp", webhook: wire.Webhook) -> Form[wire.Webhook]:
    async def submit(values: Values) -> wire.Webhook:
        changes = wire.WebhookChanges(
            name=values["name"], url=values["url"], events=values["events"]
        )
        return await app.admin.change_webhook(webhook.id, changes)

    fields = _fields(webhook.format, webhook.name, webhook.url, webhook.events)
    return Form(f"Edit {webhook.name or webhook.url}", fields, submit)


def _fields(payload_format: str, name: str, url: str, chosen: list[str]) -> list[Field]:
    return [
        Field("name", "Name", value=name, help="What it is for; may be empty."),
        Field("url", "URL", value=url, is_required=True),
        Field(
            "events", "Events", "several", chosen, is_required=True,
            choices=[(event, event) for event in _EVENTS[payload_format]],
        ),
    ]  # fmt: skip
