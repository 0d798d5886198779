"""Users: who may log in, as what, and with which limits.

API keys are in api_keys.py. Whether the asker may do a thing to a user is for the caller to check
(`Principal.is_admin`, or the user's own id); what must never happen to a user is refused here.
"""

import logging
from contextlib import suppress

from msgspec import UNSET, UnsetType

from textko_server.clock import DAY_MS, Clock
from textko_server.config import AccountSettings
from textko_server.errors import (
    AlreadyExists,
    Conflict,
    Forbidden,
    Invalid,
    InvalidCredentials,
    LastAdmin,
    NotFound,
    TextkoError,
    Unauthenticated,
)
from textko_server.gateway import principals
from textko_server.gateway.events import AccountChanged, DeviceChanged, Events
from textko_server.gateway.login_throttle import LoginThrottle
from textko_server.gateway.passwords import Passwords
from textko_server.gateway.profile_fields import checked_email, checked_name
from textko_server.gateway.tokens import LoginTokens, SignedLinks
from textko_server.model import Principal, Role, User
from textko_server.store import ledger, usage, users
from textko_server.store.database import Database, Transaction

log = logging.getLogger(__name__)

FIRST_ADMIN_LINK_LIFETIME_S = DAY_MS // 1000
MAX_LIST_COUNT = 1_000
_FIRST_ADMIN = "first-admin"
_UNLIMITED = -1
# Times and counts the wire can carry: JSON readers with doubles lose integers from 2^53 on.
_MAX_INTEGER = (1 << 53) - 1
# Small enough that a phone's request hardly waits behind one batch.
_DELETE_BATCH_COUNT = 100


class Accounts:
    """The users of this installation. `events` must be fed by the database's commits."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        settings: AccountSettings,
        tokens: LoginTokens,
        links: SignedLinks,
        events: Events,
    ) -> None:
        self._db = db
        self._clock = clock
        self._settings = settings
        self._tokens = tokens
        self._links = links
        self._passwords = Passwords(settings.bcrypt_rounds)
        self._throttle = LoginThrottle(clock, settings.failed_logins_per_quarter_hour)
        self._cache = principals.PrincipalCache(clock, events)

    # --- becoming a user ---

    async def create_user(
        self, email: str, password: str, role: Role = Role.REGULAR, name: str = ""
    ) -> User:
        """Make a user with the limits from the settings. For admins; see `register` for others.

        Raises:
            Invalid: e-mail, password (8 characters to 72 bytes) or name.
            AlreadyExists: the e-mail is taken, whatever its case.
        """
        return await self._create(email, password, role, name, is_first=False)

    async def register(
        self, email: str, password: str, name: str, address: str | None
    ) -> tuple[User, str]:
        """Let somebody make their own REGULAR user; returns it and a JWT.

        `address` is the client's, as in `login`: a taken e-mail counts as a failed login, since the
        answer tells that it is in use.

        Raises:
            Forbidden: registration is closed, as it is unless the settings say otherwise.
            TooManyRequests, and as `create_user`.
        """
        if self._settings.registration != "open":
            raise Forbidden("registration is closed; ask the operator for an account")
        self._throttle.begin(email, address)
        user = await self._create(email, password, Role.REGULAR, name, is_first=False)
        self._throttle.succeeded(email, address)
        return user, self._tokens.issue(user)

    async def has_admin(self) -> bool:
        """False until the first admin was made: then a link for it should be shown."""
        return await users.has_admin(self._db)

    def make_first_admin_link_token(self) -> str:
        """What a link to `create_first_admin` carries; good for a day, while no admin exists."""
        return self._links.make(_FIRST_ADMIN, "")

    async def create_first_admin(
        self, token: str, email: str, password: str, name: str = ""
    ) -> tuple[User, str]:
        """Make the first admin; returns it and a JWT. Works once in an installation's life.

        Raises:
            Invalid: the token is wrong or a day old; and as `create_user`.
            Conflict: there is an admin.
        """
        self._links.read(_FIRST_ADMIN, token, FIRST_ADMIN_LINK_LIFETIME_S)
        user = await self._create(email, password, Role.ADMIN, name, is_first=True)
        return user, self._tokens.issue(user)

    async def _create(
        self, email: str, password: str, role: Role, name: str, *, is_first: bool
    ) -> User:
        email, name = checked_email(email), checked_name(name)
        if is_first and await self.has_admin():
            raise _admin_exists()  # before the hash: the link is known, the work is not free
        password_hash = await self._passwords.hash(password)
        credits_count = _limit_or_none(self._settings.credits)
        monthly_limit = _limit_or_none(self._settings.monthly_limit)
        now_ms = self._clock.now_ms()

        def insert(tx: Transaction) -> User:
            if is_first and users.is_other_admin(tx, 0):
                raise _admin_exists()
            _check_email_is_free(tx, email, 0)
            user = users.insert(
                tx, email, name, password_hash, role, credits_count, monthly_limit, now_ms
            )
            if credits_count is not None:
                ledger.insert_limits(tx, user.id, credits_count, credits_count, now_ms)
            tx.after_commit(AccountChanged(user.id, "created", now_ms))
            return user

        return await self._db.write(insert)

    # --- logging in ---

    async def login(self, email: str, password: str, address: str | None) -> tuple[User, str]:
        """The user of this e-mail and password, and a JWT. As `verify`."""
        user = await self.verify(email, password, address)
        return user, self._tokens.issue(user)

    async def verify(self, email: str, password: str, address: str | None) -> User:
        """The user of this e-mail and password.

        `address` is the client's IP address, None over the unix socket. An unknown e-mail takes the
        time of a wrong password and gets the same answer.

        Raises:
            InvalidCredentials: one of the two is wrong.
            TooManyRequests: too many failures of this account or address, or too many at once.
        """
        self._throttle.begin(email, address)
        found = await users.find_login(self._db, email.strip())
        password_hash = found[1] if found else None
        is_right = await self._passwords.verify(password, password_hash)
        if found is None or not is_right:
            log.info("login_failed", extra={"address": address})
            raise InvalidCredentials("wrong e-mail or password")
        self._throttle.succeeded(email, address)
        user, old_hash = found
        if self._passwords.is_outdated(old_hash):
            # The login is good whether or not there is time, or room on the disk, for this.
            with suppress(TextkoError):
                await self._rehash(user.id, password, old_hash)
        return user

    async def _rehash(self, user_id: int, password: str, old_hash: str) -> None:
        # With all hashes of one cost, the time to log in tells nobody which e-mails are known.
        new_hash = await self._passwords.hash(password)
        await self._db.write(
            lambda tx: users.replace_password_hash(tx, user_id, old_hash, new_hash)
        )

    async def authenticate_jwt(self, token: str) -> Principal:
        """Who a JWT belongs to, with the role of now and not of the login.

        Raises:
            Unauthenticated: not ours, expired, or the user was deleted, got another role or another
                password since.
        """
        claims = self._tokens.read(token)
        proof = (claims.user_id, claims.token_version)
        known = self._cache.find(proof)
        if known is not None:
            return known

        async def read() -> tuple[Principal, None]:
            user = await users.find_committed(self._db, claims.user_id)
            if user is None or user.token_version != claims.token_version:
                raise Unauthenticated("the token is no longer valid, log in again")
            return principals.of_user(user), None

        return await self._cache.load(proof, read)

    # --- looking ---

    async def get_user(self, user_id: int) -> User:
        """Raises NotFound."""
        user = await users.find_committed(self._db, user_id)
        if user is None:
            raise NotFound("user")
        return user

    async def find_user_by_email(self, email: str) -> User | None:
        """Whatever the case of the e-mail."""
        return await users.find_committed_by_email(self._db, email.strip())

    async def list_users(
        self,
        after_id: int = 0,
        limit: int = MAX_LIST_COUNT,
        role: Role | None = None,
        beginning: str | None = None,
    ) -> list[User]:
        """A page of users, oldest first: those after the key `after_id`, at most 1,000.

        `beginning`: of their e-mail or name, whatever the case of its ASCII letters.
        """
        limit = min(limit, MAX_LIST_COUNT)
        return await users.list_after(self._db, after_id, limit, role, beginning)

    async def count_holdings(self, user_id: int) -> users.Holdings:
        """What would go with a user who is deleted."""
        return await users.count_holdings(self._db, user_id)

    async def usage_of_month(self, user_id: int, month: str) -> tuple[int, int]:
        """(recipients, segments) sent in a calendar month, UTC: `2026-01`."""
        return await usage.of_month(self._db, user_id, month)

    # --- changing ---

    async def set_role(self, user_id: int, role: Role) -> User:
        """Make a user an admin, or no longer one. Their JWTs end; a role they have changes nothing.

        Raises:
            NotFound, LastAdmin.
        """
        now_ms = self._clock.now_ms()

        def change(tx: Transaction) -> User:
            user = _get(tx, user_id)
            if user.role is role:
                return user
            _check_admin_remains(tx, user)
            users.set_role(tx, user_id, role, now_ms)
            tx.after_commit(AccountChanged(user_id, "role", now_ms))
            return _get(tx, user_id)

        return await self._db.write(change)

    async def set_password(self, user_id: int, password: str) -> User:
        """Give a user another password without asking for the old one. Their JWTs end.

        Raises:
            NotFound; Invalid: the password.
        """
        password_hash = await self._passwords.hash(password)
        now_ms = self._clock.now_ms()
        return await self._db.write(lambda tx: _set_password(tx, user_id, password_hash, now_ms))

    async def change_password(self, user_id: int, old: str, new: str) -> tuple[User, str]:
        """Let a user change their password. All their JWTs end; returns a new one for the asker.

        Raises:
            InvalidCredentials: the old one is wrong.
            TooManyRequests: too often wrong, logins counted too.
            Invalid: the new one.
            NotFound; Conflict: the password or role was changed by somebody else meanwhile.
        """
        found = await users.find_login_of(self._db, user_id)
        if found is None:
            raise NotFound("user")
        user, old_hash = found
        self._throttle.begin(user.email, None)
        if not await self._passwords.verify(old, old_hash):
            raise InvalidCredentials("the old password is wrong")
        self._throttle.succeeded(user.email, None)
        new_hash = await self._passwords.hash(new)
        now_ms = self._clock.now_ms()

        def change(tx: Transaction) -> User:
            if _get(tx, user_id).token_version != user.token_version:
                raise Conflict("the account was changed by somebody else meanwhile, log in again")
            return _set_password(tx, user_id, new_hash, now_ms)

        changed = await self._db.write(change)
        return changed, self._tokens.issue(changed)

    async def update_profile(
        self, user_id: int, name: str | UnsetType = UNSET, email: str | UnsetType = UNSET
    ) -> User:
        """Change what is given. JWTs stay valid.

        Raises:
            NotFound; Invalid; AlreadyExists: the e-mail is somebody else's.
        """
        new_name = UNSET if name is UNSET else checked_name(name)
        new_email = UNSET if email is UNSET else checked_email(email)
        now_ms = self._clock.now_ms()

        def change(tx: Transaction) -> User:
            user = _get(tx, user_id)
            email = user.email if new_email is UNSET else new_email
            _check_email_is_free(tx, email, user_id)
            users.set_profile(
                tx, user_id, email, user.name if new_name is UNSET else new_name, now_ms
            )
            tx.after_commit(AccountChanged(user_id, "profile", now_ms))
            return _get(tx, user_id)

        return await self._db.write(change)

    async def set_limits(
        self,
        user_id: int,
        credits: int | UnsetType | None = UNSET,
        monthly_limit: int | UnsetType | None = UNSET,
        subscription_ends_at: int | UnsetType | None = UNSET,
    ) -> User:
        """Change what is given; None is unlimited, and for the subscription: never ends.

        Another number of credits is a line of the account's ledger.

        Raises:
            NotFound; Invalid: below zero, or from 2^53 on.
        """
        _check_limit("credits", credits)
        _check_limit("monthly_limit", monthly_limit)
        _check_limit("subscription_ends_at", subscription_ends_at)
        now_ms = self._clock.now_ms()

        def change(tx: Transaction) -> User:
            user = _get(tx, user_id)
            users.set_limits(
                tx,
                user_id,
                user.credits if credits is UNSET else credits,
                user.monthly_limit if monthly_limit is UNSET else monthly_limit,
                user.subscription_ends_at
                if subscription_ends_at is UNSET
                else subscription_ends_at,
                now_ms,
            )
            if credits is not UNSET and credits != user.credits:
                amount = (credits or 0) - (user.credits or 0)
                ledger.insert_limits(tx, user_id, amount, credits, now_ms)
            tx.after_commit(AccountChanged(user_id, "limits", now_ms))
            return _get(tx, user_id)

        return await self._db.write(change)

    async def delete_user(self, user_id: int) -> None:
        """Delete a user and everything that is theirs.

        First, in one transaction, logins, API keys and devices end; then the records go in small
        batches, so that nobody waits behind a long history. After a crash in between the account is
        closed, and deleting it again finishes.

        Raises:
            NotFound, LastAdmin.
        """
        now_ms = self._clock.now_ms()
        await self._db.write(lambda tx: _close(tx, user_id, now_ms))
        while await self._db.write(
            lambda tx: users.delete_some_records(tx, user_id, _DELETE_BATCH_COUNT), durable=False
        ):
            pass

        def delete(tx: Transaction) -> None:
            users.delete(tx, user_id)
            tx.after_commit(AccountChanged(user_id, "deleted", now_ms))

        await self._db.write(delete)


def _get(tx: Transaction, user_id: int) -> User:
    user = users.find(tx, user_id)
    if user is None:
        raise NotFound("user")
    return user


def _set_password(tx: Transaction, user_id: int, password_hash: str, now_ms: int) -> User:
    _get(tx, user_id)
    users.set_password_hash(tx, user_id, password_hash, now_ms)
    tx.after_commit(AccountChanged(user_id, "password", now_ms))
    return _get(tx, user_id)


def _close(tx: Transaction, user_id: int, now_ms: int) -> None:
    _check_admin_remains(tx, _get(tx, user_id))
    for device_id in users.close_account(tx, user_id, now_ms):
        tx.after_commit(DeviceChanged(user_id, device_id, "deleted", now_ms))
    tx.after_commit(AccountChanged(user_id, "role", now_ms))


def _check_admin_remains(tx: Transaction, user: User) -> None:
    if user.role is Role.ADMIN and not users.is_other_admin(tx, user.id):
        raise LastAdmin("the last admin cannot be demoted or deleted; make another one first")


def _check_email_is_free(tx: Transaction, email: str, own_id: int) -> None:
    holder = users.find_by_email(tx, email)
    if holder is not None and holder.id != own_id:
        raise AlreadyExists("this e-mail is in use")


def _admin_exists() -> Conflict:
    return Conflict("there is an admin already; ask for an account")


def _check_limit(field: str, limit: int | UnsetType | None) -> None:
    if isinstance(limit, int) and not 0 <= limit <= _MAX_INTEGER:
        raise Invalid(field, f"must be from 0 to {_MAX_INTEGER}, or null for unlimited")


def _limit_or_none(setting: int) -> int | None:
    return None if setting == _UNLIMITED else setting
