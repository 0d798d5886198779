"""Contacts."""

from textko_server import admin_wire as wire
from textko_server.admin_client.connection import Connection, of_user, path_of


class Contacts(Connection):
    async def list_contacts(self, query: wire.ContactQuery | None = None) -> wire.ContactPage:
        return await self.call("GET", "/contacts", wire.ContactPage, query=query)

    async def get_contact(self, contact_id: str) -> wire.Contact:
        return await self.call("GET", path_of("contacts", contact_id), wire.Contact)

    async def create_contact(self, body: wire.NewContact, user: str | None = None) -> wire.Contact:
        return await self.call("POST", "/contacts", wire.Contact, body, of_user(user))

    async def change_contact(self, contact_id: str, body: wire.ContactChanges) -> wire.Contact:
        return await self.call("PATCH", path_of("contacts", contact_id), wire.Contact, body)

    async def delete_contact(self, contact_id: str) -> None:
        await self.request("DELETE", path_of("contacts", contact_id))

    async def import_contacts(
        self, body: wire.ContactImport, user: str | None = None
    ) -> wire.ContactImportReport:
        """All in one transaction, or (`is_partial`) those that are right."""
        return await self.call(
            "POST", "/contacts/import", wire.ContactImportReport, body, of_user(user)
        )
