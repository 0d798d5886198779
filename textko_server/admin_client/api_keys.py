"""API keys."""

from textko_server import admin_wire as wire
from textko_server.admin_client.connection import Connection, of_user, path_of


class ApiKeys(Connection):
    async def list_api_keys(self, query: wire.ApiKeyQuery | None = None) -> wire.ApiKeyPage:
        return await self.call("GET", "/api-keys", wire.ApiKeyPage, query=query)

    async def create_api_key(
        self, body: wire.NewApiKey, user: str | None = None
    ) -> wire.CreatedApiKey:
        return await self.call("POST", "/api-keys", wire.CreatedApiKey, body, of_user(user))

    async def import_api_key(
        self, body: wire.ImportedApiKey, user: str | None = None
    ) -> wire.ApiKey:
        return await self.call("POST", "/api-keys/import", wire.ApiKey, body, of_user(user))

    async def rename_api_key(self, key_id: str, name: str) -> wire.ApiKey:
        return await self.change_api_key(key_id, wire.ApiKeyChanges(name=name))

    async def change_api_key(self, key_id: str, body: wire.ApiKeyChanges) -> wire.ApiKey:
        return await self.call("PATCH", path_of("api-keys", key_id), wire.ApiKey, body)

    async def revoke_api_key(self, key_id: str) -> wire.ApiKey:
        return await self.call("POST", path_of("api-keys", key_id, "revoke"), wire.ApiKey)

    async def delete_api_key(self, key_id: str) -> None:
        await self.request("DELETE", path_of("api-keys", key_id))
