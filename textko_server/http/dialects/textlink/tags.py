"""`POST /api/update-contect-tag`, as the vendor spells it, and the same spelled right."""

import msgspec

from textko_server.http.dialects.textlink.endpoint import Body, Call, Endpoint, Text, given
from textko_server.model import Scope


class UpdateContactTag(Body, frozen=True, kw_only=True):
    tag: Text = None
    """Absent: the contact's tag is taken away."""


class TagUpdated(msgspec.Struct, frozen=True, kw_only=True):
    ok: bool = True


async def update_contact_tag(call: Call, body: UpdateContactTag) -> TagUpdated:
    """Set the tag of a contact; one that is not known is made."""
    phone_number = call.phone_number(body)
    tag = given(body.tag).strip() or None
    await call.gateway.contact_tags.set_tag(call.principal, phone_number, tag)
    return TagUpdated()


ENDPOINTS = tuple(
    Endpoint(f"/api/{name}", update_contact_tag, Scope.MANAGE_CONTACTS)
    for name in ("update-contect-tag", "update-contact-tag")
)
