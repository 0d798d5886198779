"""Logging in, users, their limits."""

from textko_server import admin_wire as wire
from textko_server.admin_client.connection import Connection, path_of
from textko_server.model import Role


class Accounts(Connection):
    async def log_in(self, email: str, password: str) -> wire.LoggedIn:
        """Exchange a password for a token, and use that from now on."""
        body = wire.Login(email=email, password=password)
        logged_in = await self.call("POST", "/login", wire.LoggedIn, body)
        self._headers = {"Authorization": f"Bearer {logged_in.token}"}
        return logged_in

    async def create_first_admin(self, body: wire.FirstAdmin) -> wire.LoggedIn:
        return await self.call("POST", "/first-admin", wire.LoggedIn, body)

    async def me(self) -> wire.WhoAmI:
        return await self.call("GET", "/me", wire.WhoAmI)

    async def list_users(self, query: wire.UserPageQuery | None = None) -> wire.UserPage:
        return await self.call("GET", "/users", wire.UserPage, query=query)

    async def create_user(self, body: wire.NewUser) -> wire.User:
        return await self.call("POST", "/users", wire.User, body)

    async def get_user(self, user: str) -> wire.User:
        return await self.call("GET", path_of("users", user), wire.User)

    async def change_user(self, user: str, body: wire.UserChanges) -> wire.User:
        return await self.call("PATCH", path_of("users", user), wire.User, body)

    async def set_role(self, user: str, role: Role) -> wire.User:
        return await self.call(
            "PUT", path_of("users", user, "role"), wire.User, wire.NewRole(role=role)
        )

    async def set_password(self, user: str, password: str) -> wire.User:
        body = wire.NewPassword(password=password)
        return await self.call("PUT", path_of("users", user, "password"), wire.User, body)

    async def set_limits(self, user: str, body: wire.LimitChanges) -> wire.User:
        return await self.call("PATCH", path_of("users", user, "limits"), wire.User, body)

    async def delete_user(self, user: str) -> None:
        await self.request("DELETE", path_of("users", user))

    async def get_holdings(self, user: str) -> wire.Holdings:
        return await self.call("GET", path_of("users", user, "holdings"), wire.Holdings)

    async def get_usage(self, user: str, query: wire.UsageQuery | None = None) -> wire.Usage:
        return await self.call("GET", path_of("users", user, "usage"), wire.Usage, query=query)

    async def list_ledger(
        self, user: str, query: wire.LedgerQuery | None = None
    ) -> wire.LedgerPage:
        return await self.call(
            "GET", path_of("users", user, "ledger"), wire.LedgerPage, query=query
        )
