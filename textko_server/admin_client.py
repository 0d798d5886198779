"""The admin API for programs of ours: the command line and the screens, and nothing else they use.

Over the unix socket in the data directory (whoever may open it is the operator) or by URL with an
API key or a login. Refuses to know how anything is shown.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar
from urllib.parse import quote

import aiohttp
import msgspec

from textko_server import admin_wire as wire
from textko_server.errors import TextkoError
from textko_server.model import Role, State

SOCKET_NAME = "textko.sock"
_PREFIX = "/admin/v1"
_APK = "application/vnd.android.package-archive"
_CONNECT_S = 10.0
# Deleting an account with a long history takes its time.
_ANSWER_S = 600.0
# Four heartbeats of an event stream.
_STREAM_SILENCE_S = 60.0

T = TypeVar("T")


class AdminError(TextkoError):
    """The server refused; `problem` is its answer."""

    def __init__(self, problem: wire.Problem) -> None:
        text = problem.detail or problem.title or f"the server answered {problem.status}"
        super().__init__(text)
        self.problem = problem
        self.code = problem.code or "error"


class ServerNotReachable(TextkoError):
    """Nobody answers there, or not as a textko server does; the sentence says where."""

    code = "server_not_reachable"


class AdminClient:
    """Use as `async with AdminClient.over_socket(path) as admin:`.

    Every method raises AdminError and ServerNotReachable. `user` is an e-mail or an id.
    """

    def __init__(self, base_url: str, socket_path: Path | None, token: str | None) -> None:
        self._base_url = base_url.rstrip("/")
        self._socket_path = socket_path
        self._headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        self._session: aiohttp.ClientSession

    @classmethod
    def over_socket(cls, socket_path: Path) -> "AdminClient":
        """As the operator of the server that owns this socket."""
        return cls("http://textko", socket_path, None)

    @classmethod
    def at_url(cls, url: str, token: str | None = None) -> "AdminClient":
        """`token`: an API key or a JWT; None: only `log_in` and `create_first_admin` work."""
        return cls(url, None, token)

    @property
    def place(self) -> str:
        """Where the server is, for people."""
        return self._base_url if self._socket_path is None else str(self._socket_path)

    async def __aenter__(self) -> "AdminClient":
        connector: aiohttp.BaseConnector = (
            aiohttp.TCPConnector()
            if self._socket_path is None
            else aiohttp.UnixConnector(str(self._socket_path))
        )
        timeout = aiohttp.ClientTimeout(total=_ANSWER_S, connect=_CONNECT_S)
        self._session = aiohttp.ClientSession(
            connector=connector, timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()
        )
        return self

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        await self._session.close()

    # --- logging in ---

    async def log_in(self, email: str, password: str) -> wire.LoggedIn:
        """Exchange a password for a token, and use that from now on."""
        body = wire.Login(email=email, password=password)
        logged_in = await self._call("POST", "/login", wire.LoggedIn, body)
        self._headers = {"Authorization": f"Bearer {logged_in.token}"}
        return logged_in

    async def create_first_admin(self, body: wire.FirstAdmin) -> wire.LoggedIn:
        return await self._call("POST", "/first-admin", wire.LoggedIn, body)

    async def me(self) -> wire.WhoAmI:
        return await self._call("GET", "/me", wire.WhoAmI)

    # --- users ---

    async def list_users(self, query: wire.UserPageQuery | None = None) -> wire.UserPage:
        return await self._call("GET", "/users", wire.UserPage, query=query)

    async def create_user(self, body: wire.NewUser) -> wire.User:
        return await self._call("POST", "/users", wire.User, body)

    async def get_user(self, user: str) -> wire.User:
        return await self._call("GET", _path("users", user), wire.User)

    async def change_user(self, user: str, body: wire.UserChanges) -> wire.User:
        return await self._call("PATCH", _path("users", user), wire.User, body)

    async def set_role(self, user: str, role: Role) -> wire.User:
        return await self._call(
            "PUT", _path("users", user, "role"), wire.User, wire.NewRole(role=role)
        )

    async def set_password(self, user: str, password: str) -> wire.User:
        body = wire.NewPassword(password=password)
        return await self._call("PUT", _path("users", user, "password"), wire.User, body)

    async def set_limits(self, user: str, body: wire.LimitChanges) -> wire.User:
        return await self._call("PATCH", _path("users", user, "limits"), wire.User, body)

    async def delete_user(self, user: str) -> None:
        await self._request("DELETE", _path("users", user))

    async def get_holdings(self, user: str) -> wire.Holdings:
        return await self._call("GET", _path("users", user, "holdings"), wire.Holdings)

    async def get_usage(self, user: str, query: wire.UsageQuery | None = None) -> wire.Usage:
        return await self._call("GET", _path("users", user, "usage"), wire.Usage, query=query)

    async def list_ledger(
        self, user: str, query: wire.LedgerQuery | None = None
    ) -> wire.LedgerPage:
        return await self._call("GET", _path("users", user, "ledger"), wire.LedgerPage, query=query)

    # --- API keys ---

    async def list_api_keys(self, query: wire.ApiKeyQuery | None = None) -> wire.ApiKeyPage:
        return await self._call("GET", "/api-keys", wire.ApiKeyPage, query=query)

    async def create_api_key(
        self, body: wire.NewApiKey, user: str | None = None
    ) -> wire.CreatedApiKey:
        return await self._call("POST", "/api-keys", wire.CreatedApiKey, body, _of(user))

    async def import_api_key(
        self, body: wire.ImportedApiKey, user: str | None = None
    ) -> wire.ApiKey:
        return await self._call("POST", "/api-keys/import", wire.ApiKey, body, _of(user))

    async def rename_api_key(self, key_id: str, name: str) -> wire.ApiKey:
        body = wire.NewName(name=name)
        return await self._call("PATCH", _path("api-keys", key_id), wire.ApiKey, body)

    async def revoke_api_key(self, key_id: str) -> wire.ApiKey:
        return await self._call("POST", _path("api-keys", key_id, "revoke"), wire.ApiKey)

    async def delete_api_key(self, key_id: str) -> None:
        await self._request("DELETE", _path("api-keys", key_id))

    # --- devices ---

    async def create_pairing_code(self, body: wire.NewPairingCode) -> wire.PairingCode:
        return await self._call("POST", "/pairing-codes", wire.PairingCode, body)

    async def list_devices(self, user: str | None = None) -> wire.DeviceList:
        return await self._call("GET", "/devices", wire.DeviceList, query=_of(user))

    async def get_device(self, device_id: str) -> wire.DeviceDetail:
        return await self._call("GET", _path("devices", device_id), wire.DeviceDetail)

    async def change_device(self, device_id: str, body: wire.DeviceChanges) -> wire.DeviceDetail:
        return await self._call("PATCH", _path("devices", device_id), wire.DeviceDetail, body)

    async def set_pace(self, device_id: str, slot: int, pace: wire.Pace) -> wire.Sim:
        """Replaces all limits of that SIM."""
        path = _path("devices", device_id, "sims", str(slot), "pace")
        return await self._call("PUT", path, wire.Sim, pace)

    async def delete_device(self, device_id: str) -> None:
        await self._request("DELETE", _path("devices", device_id))

    # --- messages ---

    async def send_message(
        self, body: wire.NewMessage, user: str | None = None
    ) -> wire.MessageDetail:
        return await self._call("POST", "/messages", wire.MessageDetail, body, _of(user))

    async def list_messages(
        self,
        *,
        user: str | None = None,
        state: State | None = None,
        before: str | None = None,
        limit: int = 50,
    ) -> wire.MessagePage:
        query = wire.MessageQuery(user=user, state=state, before=before, limit=limit)
        return await self._call("GET", "/messages", wire.MessagePage, query=query)

    async def get_message(self, message_id: str) -> wire.MessageDetail:
        return await self._call("GET", _path("messages", message_id), wire.MessageDetail)

    async def cancel_message(self, message_id: str) -> wire.Changed:
        return await self._call("POST", _path("messages", message_id, "cancel"), wire.Changed)

    async def requeue_message(self, message_id: str) -> wire.Changed:
        return await self._call("POST", _path("messages", message_id, "requeue"), wire.Changed)

    async def list_incoming(
        self,
        *,
        user: str | None = None,
        device: str | None = None,
        before: str | None = None,
        limit: int = 50,
    ) -> wire.IncomingPage:
        query = wire.IncomingQuery(user=user, device=device, before=before, limit=limit)
        return await self._call("GET", "/incoming", wire.IncomingPage, query=query)

    async def get_incoming(self, incoming_id: str) -> wire.Incoming:
        return await self._call("GET", _path("incoming", incoming_id), wire.Incoming)

    # --- webhooks ---

    async def create_webhook(
        self, body: wire.NewWebhook, user: str | None = None
    ) -> wire.WebhookWithSecret:
        return await self._call("POST", "/webhooks", wire.WebhookWithSecret, body, _of(user))

    async def list_webhooks(
        self, *, user: str | None = None, before: str | None = None, limit: int = 100
    ) -> wire.WebhookPage:
        query = wire.WebhookQuery(user=user, before=before, limit=limit)
        return await self._call("GET", "/webhooks", wire.WebhookPage, query=query)

    async def get_webhook(self, webhook_id: str) -> wire.Webhook:
        return await self._call("GET", _path("webhooks", webhook_id), wire.Webhook)

    async def change_webhook(self, webhook_id: str, body: wire.WebhookChanges) -> wire.Webhook:
        return await self._call("PATCH", _path("webhooks", webhook_id), wire.Webhook, body)

    async def rotate_webhook_secret(self, webhook_id: str) -> wire.WebhookWithSecret:
        path = _path("webhooks", webhook_id, "rotate-secret")
        return await self._call("POST", path, wire.WebhookWithSecret)

    async def test_webhook(self, webhook_id: str) -> wire.StartedTest:
        return await self._call("POST", _path("webhooks", webhook_id, "test"), wire.StartedTest)

    async def delete_webhook(self, webhook_id: str) -> None:
        await self._request("DELETE", _path("webhooks", webhook_id))

    async def list_deliveries(
        self, webhook_id: str, query: wire.DeliveryQuery | None = None
    ) -> wire.DeliveryPage:
        path = _path("webhooks", webhook_id, "deliveries")
        return await self._call("GET", path, wire.DeliveryPage, query=query)

    async def get_delivery(self, delivery_id: str) -> wire.DeliveryDetail:
        return await self._call(
            "GET", _path("webhook-deliveries", delivery_id), wire.DeliveryDetail
        )

    async def redeliver(self, delivery_id: str) -> wire.Changed:
        path = _path("webhook-deliveries", delivery_id, "redeliver")
        return await self._call("POST", path, wire.Changed)

    async def redeliver_failed(self, webhook_id: str) -> wire.Changed:
        path = _path("webhooks", webhook_id, "redeliver-failed")
        return await self._call("POST", path, wire.Changed)

    # --- the server ---

    async def status(self) -> wire.Status:
        return await self._call("GET", "/status", wire.Status)

    async def list_settings(self) -> wire.SettingList:
        return await self._call("GET", "/settings", wire.SettingList)

    # --- opt-outs ---

    async def list_opt_outs(self, query: wire.OptOutQuery | None = None) -> wire.OptOutPage:
        return await self._call("GET", "/opt-outs", wire.OptOutPage, query=query)

    async def add_opt_out(self, phone_number: str, user: str | None = None) -> wire.OptOut:
        body = wire.NewOptOut(phone_number=phone_number)
        return await self._call("POST", "/opt-outs", wire.OptOut, body, _of(user))

    async def remove_opt_out(self, phone_number: str, user: str | None = None) -> None:
        await self._request("DELETE", _path("opt-outs", phone_number), query=_of(user))

    # --- versions of the phone app ---

    async def list_releases(self) -> wire.ReleaseList:
        return await self._call("GET", "/releases", wire.ReleaseList)

    async def upload_release(
        self,
        chunks: AsyncIterator[bytes],
        file_bytes: int,
        query: wire.ReleaseQuery | None = None,
    ) -> wire.Release:
        """Upload an APK as a draft; `file_bytes` is its length."""
        content = await self._request(
            "POST", "/releases", query=query, upload=chunks,
            headers={"Content-Length": str(file_bytes), "Content-Type": _APK},
        )  # fmt: skip
        return msgspec.json.decode(content, type=wire.Release)

    async def set_release_notes(self, version_code: int, notes: str) -> wire.Release:
        body = wire.ReleaseChanges(notes=notes)
        return await self._call("PATCH", _path("releases", str(version_code)), wire.Release, body)

    async def activate_release(self, version_code: int) -> wire.Release:
        path = _path("releases", str(version_code), "activate")
        return await self._call("POST", path, wire.Release)

    async def withdraw_release(self, version_code: int) -> wire.Release:
        path = _path("releases", str(version_code), "withdraw")
        return await self._call("POST", path, wire.Release)

    # --- live events ---

    @asynccontextmanager
    async def events(self, user: str | None = None) -> AsyncIterator[AsyncIterator[wire.Event]]:
        """What happens from the moment this is entered until the server stops.

        Yields an event named `heartbeat` every 15 s in between. `lost` means the reader was too
        slow: read afresh.
        """
        timeout = aiohttp.ClientTimeout(total=None, connect=_CONNECT_S, sock_read=_STREAM_SILENCE_S)
        try:
            async with self._session.get(
                self._base_url + _PREFIX + "/events",
                params=_parameters(_of(user)),
                headers=self._headers,
                timeout=timeout,
            ) as response:
                if response.status != 200:
                    raise _refusal(response.status, await response.read())
                yield self._read_events(response.content)
        # Not OSError: that would take the caller's own timeouts and broken pipes for ours.
        except aiohttp.ClientError as error:
            raise self._not_reachable(error) from error

    async def _read_events(self, content: aiohttp.StreamReader) -> AsyncIterator[wire.Event]:
        async for line in content:
            if line.startswith(b"data: "):
                yield msgspec.json.decode(line[6:], type=wire.Event)
            elif line.startswith(b":"):
                yield wire.Event(event="heartbeat")

    # --- one request ---

    async def _call(
        self,
        method: str,
        path: str,
        answer_type: type[T],
        body: wire.Request | None = None,
        query: wire.Request | None = None,
    ) -> T:
        content = await self._request(method, path, body, query)
        try:
            return msgspec.json.decode(content, type=answer_type)
        except msgspec.MsgspecError as error:
            raise ServerNotReachable(
                f"{self.place} did not answer as a textko server does: is this its address?"
            ) from error

    async def _request(
        self,
        method: str,
        path: str,
        body: wire.Request | None = None,
        query: wire.Request | None = None,
        *,
        upload: AsyncIterator[bytes] | None = None,
        headers: dict[str, str] | None = None,
    ) -> bytes:
        try:
            async with self._session.request(
                method,
                self._base_url + _PREFIX + path,
                params=_parameters(query),
                data=upload if body is None else msgspec.json.encode(body),
                headers=self._headers | (headers or {}),
                allow_redirects=False,
            ) as response:
                status, content = response.status, await response.read()
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise self._not_reachable(error) from error
        if not 200 <= status < 300:
            raise _refusal(status, content)
        return content

    def _not_reachable(self, error: Exception) -> ServerNotReachable:
        if self._socket_path is not None:
            data_dir = self._socket_path.parent
            return ServerNotReachable(
                f"no server is running on {data_dir}: start one with `textko --data-dir {data_dir}"
                " serve`, or name another with --data-dir or --url"
            )
        return ServerNotReachable(f"no server answers at {self._base_url}: {_reason(error)}")


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "it took too long"
    return str(error) or type(error).__name__


def _refusal(status: int, content: bytes) -> AdminError:
    try:
        return AdminError(msgspec.json.decode(content, type=wire.Problem))
    except msgspec.MsgspecError:
        return AdminError(wire.Problem(status=status))


def _path(*segments: str) -> str:
    return "".join(f"/{quote(segment, safe='@')}" for segment in segments)


def _of(user: str | None) -> wire.UserQuery:
    return wire.UserQuery(user=user)


def _parameters(query: wire.Request | None) -> dict[str, str]:
    values: dict[str, Any] = {} if query is None else msgspec.to_builtins(query)
    return {name: str(value) for name, value in values.items() if value is not None}
