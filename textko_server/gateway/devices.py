"""Devices: who they are by their tokens, reading, switching on and off, removing.

Removing a device settles what it held; nothing waits for a phone that is gone. How they come:
pairing.py. Their SIMs' pace: sims.py.
"""

from hashlib import sha256

import msgspec

from textko_server.clock import Clock
from textko_server.errors import Invalid, NotFound, Unauthenticated
from textko_server.gateway import dispatch
from textko_server.gateway.clean_text import clean_text
from textko_server.gateway.events import AccountChanged, DeviceChanged, Event
from textko_server.gateway.lifecycle import Lifecycle
from textko_server.gateway.phone_alerts import PhoneAlerts
from textko_server.gateway.presence import Presence
from textko_server.model import Device, Principal, Sim, State
from textko_server.store import devices as store
from textko_server.store import messages as message_store
from textko_server.store.database import Database, Transaction

MAX_NAME_CHARACTERS = 64
MAX_SIMS = 8
_SETTLE_BATCH_COUNT = 200
# More than a phone ever holds; what is beyond goes back when its lease lapses.
_MAX_HELD_COUNT = 2_000
MAX_REMEMBERED_COUNT = 10_000
MAX_DELETED_COUNT = 1_000


class NewDevice(msgspec.Struct, frozen=True):
    """A phone as it introduces itself."""

    name: str
    model: str = ""
    app_name: str = ""
    app_version: str = ""
    sims: list[store.NewSim] = []
    tells_delivered: bool = True


class Devices:
    def __init__(
        self,
        db: Database,
        clock: Clock,
        lifecycle: Lifecycle,
        presence: Presence,
        phone_alerts: PhoneAlerts,
    ) -> None:
        self._db = db
        self._clock = clock
        self._lifecycle = lifecycle
        self._presence = presence
        self._phone_alerts = phone_alerts
        self._by_token: dict[bytes, int] = {}
        """Every token there is: neither a phone's first request nor a guess costs a read."""
        self._deleted: dict[bytes, Device] = {}
        """By token: a phone that does not know yet is told apart from a stranger."""
        self._remembered: dict[int, Device] = {}
        self._change_count = 0

    def start(self, tokens: dict[bytes, int]) -> None:
        """`tokens`: the devices there are, by the SHA-256 of their tokens."""
        self._by_token = tokens

    @property
    def paired_count(self) -> int:
        return len(self._by_token)

    def remember_token(self, token: str, device_id: int) -> None:
        """A device was paired: its requests are known from now on."""
        self._by_token[hash_token(token)] = device_id

    # --- registering ---

    async def register(self, user_id: int, new: NewDevice, *, is_enabled: bool = True) -> Device:
        """A device that an application registers itself, without a token of our protocol.

        Raises:
            Invalid: a name or SIM that breaks the rules.
        """
        check_sims(new.sims)
        name = check_name(new.name)
        now_ms = self._clock.now_ms()

        def write(tx: Transaction) -> Device:
            device_id = store.insert(
                tx, user_id=user_id, name=name, model=clean_text(new.model)[:MAX_NAME_CHARACTERS],
                app_name=clean_text(new.app_name)[:MAX_NAME_CHARACTERS],
                app_version=clean_text(new.app_version)[:MAX_NAME_CHARACTERS],
                token_hash=None, now_ms=now_ms,
            )  # fmt: skip
            store.replace_sims(tx, device_id, new.sims)
            device = store.find_in(tx, device_id)
            assert device is not None  # noqa: S101 - inserted above
            if not is_enabled:
                device = msgspec.structs.replace(device, is_enabled=False)
                store.update(tx, device, now_ms)
            tx.after_commit(DeviceChanged(user_id, device_id, "paired", now_ms))
            return device

        return await self._db.write(write)

    def authenticate(self, token: str) -> int:
        """The device a token belongs to.

        Raises:
            Unauthenticated: no such token, or its device was deleted.
        """
        device_id = self._by_token.get(hash_token(token))
        if device_id is None:
            raise Unauthenticated("unknown device token: pair this device again")
        return device_id

    def find_deleted(self, token: str) -> Device | None:
        """The device a token belonged to; only of those deleted since the start."""
        return self._deleted.get(hash_token(token))

    # --- reading ---

    async def get(self, principal: Principal, device_id: int | None) -> Device:
        """Free for a device in use: nothing is read.

        Raises:
            NotFound: absent, somebody else's, or outside what the API key may use.
        """
        device = await self._find(device_id) if device_id is not None else None
        if device is None or not _may_use(principal, device):
            raise NotFound("device")
        return device

    async def _find(self, device_id: int) -> Device | None:
        remembered = self._remembered.get(device_id)
        if remembered is not None:
            return remembered
        change_count = self._change_count
        device = await store.find(self._db, device_id)
        # Not kept when a device changed while it was read: it may be from before the change.
        if device is not None and change_count == self._change_count:
            if len(self._remembered) >= MAX_REMEMBERED_COUNT:
                del self._remembered[next(iter(self._remembered))]
            self._remembered[device_id] = device
        return device

    def on_event(self, event: Event) -> None:
        """Drop what is remembered of a device that changed, and of one that was deleted all.

        Must hear of every commit: that is what lets `get` answer without looking.
        """
        self._change_count += 1
        if isinstance(event, DeviceChanged):
            self._remembered.pop(event.device_id, None)
            if event.what == "deleted":
                self.forget(event.device_id)
            elif event.what in ("settings", "enabled", "disabled"):
                self._forget_account(event.user_id)  # another one may have been the default
        elif isinstance(event, AccountChanged) and event.what == "deleted":
            self._forget_account(event.user_id)

    def _forget_account(self, user_id: int) -> None:
        gone = [key for key, device in self._remembered.items() if device.user_id == user_id]
        for key in gone:
            del self._remembered[key]

    async def list_devices(self, principal: Principal, user_id: int | None = None) -> list[Device]:
        """Oldest first. Only an admin sees other accounts', or (None) everybody's."""
        owner = user_id if principal.is_admin else principal.user_id
        return [d for d in await store.list_devices(self._db, owner) if _may_use(principal, d)]

    def last_seen_at(self, device: Device) -> int | None:
        """When it was last heard of; what is stored is up to a minute behind."""
        return self._presence.last_seen_at(device.id) or device.last_seen_at

    def is_online(self, device: Device) -> bool:
        return self._presence.is_online(device.id)

    async def list_sims(self, device_id: int) -> list[Sim]:
        """By slot. The caller has checked that the device may be seen."""
        return await store.list_sims(self._db, device_id)

    async def list_sims_of_account(self, user_id: int) -> dict[int, list[Sim]]:
        """By device, in one read."""
        return await store.list_sims_of_user(self._db, user_id)

    # --- changing ---

    async def update(
        self,
        principal: Principal,
        device_id: int | None,
        *,
        name: str | None = None,
        is_enabled: bool | None = None,
        is_default: bool = False,
    ) -> Device:
        """Rename, switch on or off, make the account's default. None: unchanged.

        A device switched off keeps what it has claimed; what it was only offered goes back.
        """
        device = await self.get(principal, device_id)
        if name is not None:
            name = check_name(name)
        now_ms = self._clock.now_ms()

        def write(tx: Transaction) -> Device:
            current = store.find_in(tx, device.id)
            if current is None:
                raise NotFound("device")
            changed = msgspec.structs.replace(
                current,
                name=current.name if name is None else name,
                is_enabled=current.is_enabled if is_enabled is None else is_enabled,
                updated_at=now_ms,
            )
            store.update(tx, changed, now_ms)
            if is_default:
                store.set_default(tx, changed, now_ms)
                changed = msgspec.structs.replace(changed, is_default=True)
            if not changed.is_enabled:
                self._take_back_offers(tx, device.id, now_ms)
            if changed.is_enabled != current.is_enabled:
                what = "enabled" if changed.is_enabled else "disabled"
                tx.after_commit(DeviceChanged(device.user_id, device.id, what, now_ms))
            elif changed != current:
                tx.after_commit(DeviceChanged(device.user_id, device.id, "settings", now_ms))
            return changed

        return await self._db.write(write)

    async def note_app(self, device: Device, *, app_version: str, model: str) -> Device:
        """What a device's program says of itself; free while it says the same."""
        app_version = clean_text(app_version)[:MAX_NAME_CHARACTERS]
        model = clean_text(model)[:MAX_NAME_CHARACTERS]
        if (device.app_version, device.model) == (app_version, model):
            return device
        now_ms = self._clock.now_ms()

        def write(tx: Transaction) -> Device:
            current = store.find_in(tx, device.id)
            if current is None:
                return device
            changed = msgspec.structs.replace(current, app_version=app_version, model=model)
            store.update(tx, changed, now_ms)
            tx.after_commit(DeviceChanged(device.user_id, device.id, "settings", now_ms))
            return changed

        return await self._db.write(write)

    async def record_status(
        self,
        principal: Principal,
        device_id: int | None,
        *,
        battery_percent: int | None = None,
        is_charging: bool | None = None,
        network: str | None = None,
    ) -> Device:
        """What an application tells of a device; None: unchanged. Counts as heard of it.

        Raises:
            NotFound: as `get`.
        """
        device = await self.get(principal, device_id)
        now_ms = self._clock.now_ms()

        def write(tx: Transaction) -> Device:
            before = store.find_in(tx, device.id)
            if before is None:
                raise NotFound("device")
            store.update_status(
                tx, device.id, now_ms, battery_percent=battery_percent, is_charging=is_charging,
                network=network, signal_percent=None,
            )  # fmt: skip
            self._phone_alerts.record_status(
                tx, before, battery_percent=battery_percent, is_charging=is_charging,
                now_ms=now_ms,
            )  # fmt: skip
            changed = store.find_in(tx, device.id)
            assert changed is not None  # noqa: S101 - it was there in this write
            tx.after_commit(DeviceChanged(device.user_id, device.id, "status", now_ms))
            return changed

        return await self._db.write(write)

    def _take_back_offers(self, tx: Transaction, device_id: int, now_ms: int) -> None:
        for key in message_store.held_by_device(tx, device_id, _MAX_HELD_COUNT):
            job = message_store.find_job(tx, key)
            if job is not None and job.recipient.state is State.OFFERED:
                self._lifecycle.move(
                    tx, job, State.QUEUED, now_ms=now_ms, actor="operator",
                    lane=job.recipient.home_lane, due_at=job.recipient.expires_at,
                    detail="the device it was offered to was switched off",
                )  # fmt: skip

    async def delete(self, principal: Principal, device_id: int | None) -> None:
        """Remove a device: its token stops, what it was offered goes to others, what it claimed and
        what can only go to it fails as `device_deleted`."""
        device = await self.get(principal, device_id)
        now_ms = self._clock.now_ms()

        def settle(tx: Transaction) -> int:
            return self._settle(tx, device, now_ms)

        def remove(tx: Transaction) -> None:
            while self._settle(tx, device, now_ms):
                pass
            store.delete(tx, device.id)
            tx.after_commit(DeviceChanged(device.user_id, device.id, "deleted", now_ms))

        for token_hash in [t for t, d in self._by_token.items() if d == device.id]:
            if len(self._deleted) >= MAX_DELETED_COUNT:
                del self._deleted[next(iter(self._deleted))]
            self._deleted[token_hash] = device
        # In batches, so that other writes get in between; the last one closes the gap.
        while await self._db.write(settle):
            pass
        await self._db.write(remove)
        self.forget(device.id)

    def forget(self, device_id: int) -> None:
        """Drop what is remembered of a deleted device; its next request is refused."""
        self._by_token = {t: d for t, d in self._by_token.items() if d != device_id}
        self._presence.forget(device_id)

    def _settle(self, tx: Transaction, device: Device, now_ms: int) -> int:
        sims = store.sims_in(tx, device.id)
        lanes = [dispatch.device_lane(device.id), *(dispatch.sim_lane(s.id) for s in sims)]
        keys = message_store.held_by_device(tx, device.id, _SETTLE_BATCH_COUNT)
        for lane in lanes:
            keys += message_store.at_home_in(tx, lane, _SETTLE_BATCH_COUNT)
        count = 0
        for key in dict.fromkeys(keys):
            job = message_store.find_job(tx, key)
            if job is None:
                continue
            count += 1
            r = job.recipient
            if r.state is State.OFFERED and r.home_lane not in lanes:
                self._lifecycle.move(
                    tx, job, State.QUEUED, now_ms=now_ms, actor="operator", device_id=None,
                    sim_id=None, lane=r.home_lane, due_at=r.expires_at,
                    detail="the device it was offered to was removed",
                )  # fmt: skip
            else:
                self._lifecycle.move(
                    tx, job, State.FAILED, now_ms=now_ms, actor="operator",
                    error_code="device_deleted", error="its device was removed",
                    detail="its device was removed",
                )  # fmt: skip
        tx.flush()  # the next round must not find them again
        return count


def check_name(name: str) -> str:
    """1 to 64 characters, on one line.

    Raises:
        Invalid: says which.
    """
    name = " ".join(clean_text(name).split())
    if not name:
        raise Invalid("name", "must not be empty")
    if len(name) > MAX_NAME_CHARACTERS:
        raise Invalid("name", f"at most {MAX_NAME_CHARACTERS} characters")
    return name


def check_sims(sims: list[store.NewSim]) -> None:
    """Raises Invalid for slots out of 1-8 or named twice."""
    slots = [s.slot for s in sims]
    for index, slot in enumerate(slots):
        if not 1 <= slot <= MAX_SIMS:
            raise Invalid(f"sims[{index}].slot", f"must be 1 to {MAX_SIMS}")
    if len(set(slots)) != len(slots):
        raise Invalid("sims", "names a slot twice")


def _may_use(principal: Principal, device: Device) -> bool:
    if principal.device_ids is not None and device.id not in principal.device_ids:
        return False
    return principal.is_admin or device.user_id == principal.user_id


def hash_token(token: str) -> bytes:
    return sha256(token.encode("utf-8", "surrogatepass")).digest()
