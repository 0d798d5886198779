"""Numbers that want no texts."""

from textko_server import admin_wire as wire
from textko_server.admin_client.connection import Connection, of_user, path_of


class OptOuts(Connection):
    async def list_opt_outs(self, query: wire.OptOutQuery | None = None) -> wire.OptOutPage:
        return await self.call("GET", "/opt-outs", wire.OptOutPage, query=query)

    async def add_opt_out(self, phone_number: str, user: str | None = None) -> wire.OptOut:
        body = wire.NewOptOut(phone_number=phone_number)
        return await self.call("POST", "/opt-outs", wire.OptOut, body, of_user(user))

    async def remove_opt_out(self, phone_number: str, user: str | None = None) -> None:
        await self.request("DELETE", path_of("opt-outs", phone_number), query=of_user(user))
