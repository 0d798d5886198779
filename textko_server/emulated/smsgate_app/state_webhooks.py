"""What webhooks tell of messages on their way out, and of the app itself.

By reading of the webhooks' `EventsReceiver`: one event for each recipient and each change, so a
text of three segments is `sms:delivered` three times. Refuses to know who wants them.
"""

from typing import Any

from textko_server.emulated.smsgate_app import gson
from textko_server.emulated.smsgate_app.messages import State, StateChanged
from textko_server.emulated.smsgate_app.options import AppOptions
from textko_server.emulated.smsgate_app.phone_time import PhoneTime
from textko_server.emulated.smsgate_app.webhook_queue import WebhookEvent, WebhookQueue

_EVENTS = {
    State.SENT: (WebhookEvent.SMS_SENT, "sentAt"),
    State.DELIVERED: (WebhookEvent.SMS_DELIVERED, "deliveredAt"),
    State.FAILED: (WebhookEvent.SMS_FAILED, "failedAt"),
    State.CANCELLED: (WebhookEvent.SMS_CANCELLED, "cancelledAt"),
}


class StateWebhooks:
    def __init__(self, queue: WebhookQueue, time: PhoneTime, options: AppOptions) -> None:
        self._queue = queue
        self._time = time
        self._offset = options.utc_offset
        self._sims = options.sims

    def on_changed(self, change: StateChanged) -> None:
        if change.state not in _EVENTS:
            return
        event, moment_name = _EVENTS[change.state]
        row = change.message
        for phone_number in change.phone_numbers:
            payload: dict[str, Any] = {
                "messageId": row.id,
                "sender": self._own_number(row.sim_number),
                "recipient": phone_number,
                "simNumber": row.sim_number,
                "phoneNumber": phone_number,
                moment_name: gson.date_text(self._time.now_ms(), self._offset),
            }
            if event is WebhookEvent.SMS_SENT:
                payload["partsCount"] = -1 if row.segments is None else row.segments
            elif event is WebhookEvent.SMS_FAILED:
                payload["reason"] = change.error or "Unknown"
            self._queue.emit(event, payload)

    def app_started(self) -> None:
        cards = [
            {
                "slotIndex": sim.slot_index,
                "simNumber": sim.slot_index + 1,
                "phoneNumber": sim.phone_number,
                "carrierName": sim.carrier_name,
                "iccid": sim.iccid,
            }
            for sim in self._sims
        ]
        self._queue.emit(WebhookEvent.APP_STARTED, {"simCards": cards})

    def ping(self) -> None:
        health = {"status": "pass", "checks": {}}
        self._queue.emit(WebhookEvent.SYSTEM_PING, {"health": health})

    def _own_number(self, sim_number: int | None) -> str | None:
        slots = {sim.slot_index + 1: sim.phone_number for sim in self._sims}
        return None if sim_number is None else slots.get(sim_number)
