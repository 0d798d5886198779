"""Groups of contacts."""

from textko_server import admin_wire as wire
from textko_server.admin_client.connection import Connection, of_user, path_of


class Groups(Connection):
    async def list_groups(self, query: wire.GroupQuery | None = None) -> wire.GroupPage:
        return await self.call("GET", "/groups", wire.GroupPage, query=query)

    async def get_group(self, group_id: str) -> wire.Group:
        return await self.call("GET", path_of("groups", group_id), wire.Group)

    async def create_group(self, body: wire.NewGroup, user: str | None = None) -> wire.Group:
        return await self.call("POST", "/groups", wire.Group, body, of_user(user))

    async def change_group(self, group_id: str, body: wire.GroupChanges) -> wire.Group:
        return await self.call("PATCH", path_of("groups", group_id), wire.Group, body)

    async def delete_group(self, group_id: str) -> None:
        """Its contacts stay."""
        await self.request("DELETE", path_of("groups", group_id))

    async def add_group_members(
        self, group_id: str, body: wire.GroupMembers
    ) -> wire.GroupMembersChanged:
        path = path_of("groups", group_id, "add")
        return await self.call("POST", path, wire.GroupMembersChanged, body)

    async def remove_group_members(
        self, group_id: str, body: wire.GroupMembers
    ) -> wire.GroupMembersChanged:
        path = path_of("groups", group_id, "remove")
        return await self.call("POST", path, wire.GroupMembersChanged, body)
