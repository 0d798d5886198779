"""Sending a message again as a new one: same text, same way, and charged as any other.

To send again without a charge what failed is Messages.requeue.
"""

import msgspec

from textko_server.errors import WrongState
from textko_server.gateway import states
from textko_server.gateway.devices import Devices
from textko_server.gateway.messages import MessageDetail, Messages
from textko_server.gateway.submissions import Submission, Submitted
from textko_server.model import Dialect, Principal, Recipient, State


async def resend(
    messages: Messages,
    devices: Devices,
    principal: Principal,
    message_id: int | None,
    *,
    is_failed_only: bool,
) -> Submitted:
    """Submit it anew for its account, now, to those it failed for or to all; on disk when this
    returns.

    A device or SIM it was pinned to is kept while it is there.

    Raises:
        NotFound: no such message, or somebody else's.
        WrongState: nothing of it has failed; or only SMSGate's app can read it.
        LimitExceeded, InsufficientCredits, SubscriptionRequired: of the account.
    """
    detail = await messages.get(principal, message_id)
    if await messages.needs_smsgate_app(detail.message):
        raise WrongState("it is ciphertext or data: queue it again, or have it submitted anew")
    recipients = detail.recipients
    if is_failed_only:
        recipients = [r for r in recipients if r.state in states.ENDED - {State.DELIVERED}]
        if not recipients:
            raise WrongState("nothing of this message has failed")
    owner = msgspec.structs.replace(principal, user_id=detail.message.user_id)
    device_id, sim_id = await _pin(devices, principal, recipients[0])
    submission = _submission(detail, recipients, device_id, sim_id)
    [submitted] = await messages.submit(owner, [submission])
    return submitted


def _submission(
    detail: MessageDetail, recipients: list[Recipient], device_id: int | None, sim_id: int | None
) -> Submission:
    message = detail.message
    texts = None
    if any(r.text is not None for r in recipients):
        texts = [message.text if r.text is None else r.text for r in recipients]
    return Submission(
        text=message.text,
        phone_numbers=[r.phone_number for r in recipients],
        dialect=Dialect.ADMIN,
        texts=texts,
        device_id=device_id,
        sim_id=sim_id,
        priority=message.priority,
        sender_id=message.sender_id,
        custom_id=message.custom_id,
    )


async def _pin(
    devices: Devices, principal: Principal, recipient: Recipient
) -> tuple[int | None, int | None]:
    """(device, SIM) its home lane names, as far as they are still the account's."""
    user_id = recipient.user_id
    kind, key = recipient.home_lane[0], int(recipient.home_lane[1:])
    if kind == "a":
        return None, None
    if kind == "d":
        own = await devices.list_devices(principal, user_id)
        return (key, None) if any(device.id == key for device in own) else (None, None)
    for device_id, sims in (await devices.list_sims_of_account(user_id)).items():
        if any(sim.id == key for sim in sims):
            return device_id, key
    return None, None
