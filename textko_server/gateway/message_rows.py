"""The rows that a submission becomes: of its message, and of each recipient with its first lane.

Columns stand in the order of the store's inserts. Refuses to know what it costs and who may send.
"""

from textko_server.config import DispatchSettings, MessageSettings
from textko_server.gateway import dispatch
from textko_server.gateway.presence import Presence
from textko_server.gateway.submissions import Size, Submission
from textko_server.model import Principal, Priority, State
from textko_server.store import usage as usage_store
from textko_server.store.database import Transaction


class MessageRows:
    def __init__(
        self, settings: MessageSettings, dispatch_settings: DispatchSettings, presence: Presence
    ) -> None:
        self._settings = settings
        self._dispatch_settings = dispatch_settings
        self._presence = presence

    def message(
        self, principal: Principal, s: Submission, size: Size, now_ms: int
    ) -> tuple[object, ...]:
        count = len(s.phone_numbers)
        is_plain = size.segments is None and not size.opted_out
        own_credits = None if is_plain else size.credits(count)
        return (
            principal.user_id, s.dialect, principal.api_key_id, s.text, size.longest.encoding,
            size.longest.segments, count, s.first_state, s.priority, s.sender_id,
            s.custom_id, s.scheduled_at, self._expires_at(s, now_ms), now_ms, now_ms, own_credits,
        )  # fmt: skip

    def recipients(
        self,
        tx: Transaction,
        user_id: int,
        message_id: int,
        s: Submission,
        size: Size,
        now_ms: int,
        filled: dict[tuple[int, str, bool], int],
    ) -> list[tuple[object, ...]]:
        """Counts in `filled` how many jobs wait in each lane of the account now, otp by itself."""
        state = s.first_state
        home = _home_lane(user_id, s)
        expires_at = self._expires_at(s, now_ms)
        rows: list[tuple[object, ...]] = []
        for index, phone_number in enumerate(s.phone_numbers):
            lane: str | None = None
            due_at = s.scheduled_at
            if index in size.opted_out:
                due_at = None
            elif state is State.QUEUED:
                lane, open_at = self._first_lane(tx, user_id, phone_number, home, now_ms)
                group = (user_id, lane, s.priority <= Priority.OTP)
                filled[group] = filled.get(group, 0) + 1
                due_at = expires_at if open_at is None else min(open_at, expires_at or open_at)
            rows.append(
                (
                    message_id, user_id, phone_number, state, lane, home, s.priority, s.device_id,
                    s.sim_id, due_at, expires_at,
                    size.longest.segments if size.segments is None else size.segments[index],
                    now_ms, None if s.texts is None else s.texts[index],
                )
            )  # fmt: skip
        return rows

    def _expires_at(self, submission: Submission, now_ms: int) -> int | None:
        if submission.expires_at is not None or not self._settings.expire_after_s:
            return submission.expires_at
        return max(submission.scheduled_at or 0, now_ms) + self._settings.expire_after_s * 1000

    def _first_lane(
        self, tx: Transaction, user_id: int, phone_number: str, home: str, now_ms: int
    ) -> tuple[str, int | None]:
        """An open job first waits a short time for the SIM that last wrote to this number.

        Only for a SIM whose phone is online: waiting for another helps nobody.
        """
        prefer_s = self._dispatch_settings.prefer_last_sim_s
        is_open = home == dispatch.account_lane(user_id)
        if prefer_s and is_open and self._presence.any_online:
            last = usage_store.last_sim(tx, user_id, phone_number)
            if last is not None and self._presence.is_online(last[1]):
                return dispatch.sim_lane(last[0]), now_ms + prefer_s * 1000
        return home, None


def _home_lane(user_id: int, submission: Submission) -> str:
    if submission.sim_id is not None:
        return dispatch.sim_lane(submission.sim_id)
    if submission.device_id is not None:
        return dispatch.device_lane(submission.device_id)
    return dispatch.account_lane(user_id)
