"""The requests that are measured, with running numbers in place of phone numbers."""

import msgspec

from benchmarks.seeding import SeededPhone, Seeds
from benchmarks.wire import NUMBER_MARK, request_bytes

_NUMBER = NUMBER_MARK.decode()
TEXT = "Your table for two is booked for tonight at eight. Reply C to cancel."
ARRAY_COUNT = 100


def submit_to_phone(seeds: Seeds, phone: SeededPhone) -> bytes:
    """Textko's send-sms, one recipient, through a named phone."""
    path = f"/api/v1/gateway/devices/{phone.public_id}/send-sms"
    return request_bytes("POST", path, seeds.api_key, _one_recipient())


def submit_to_any(seeds: Seeds) -> bytes:
    """Textko's send-sms, one recipient, through whichever phone asks first."""
    return request_bytes("POST", "/api/v1/gateway/send-sms", seeds.api_key, _one_recipient())


def submit_array(seeds: Seeds, count: int = ARRAY_COUNT) -> bytes:
    """Self Hosted SMS's queue."""
    items = [{"phone": f"+25{_NUMBER}", "message": TEXT}] * count
    return request_bytes("POST", f"/api/{seeds.api_key}/queue", "", msgspec.json.encode(items))


def _one_recipient() -> bytes:
    return msgspec.json.encode({"recipients": [f"+25{_NUMBER}"], "message": TEXT})
