"""Templates."""

from textko_server import admin_wire as wire
from textko_server.admin_client.connection import Connection, of_user, path_of


class Templates(Connection):
    async def list_templates(self, query: wire.TemplateQuery | None = None) -> wire.TemplatePage:
        return await self.call("GET", "/templates", wire.TemplatePage, query=query)

    async def get_template(self, template_id: str) -> wire.Template:
        return await self.call("GET", path_of("templates", template_id), wire.Template)

    async def create_template(
        self, body: wire.NewTemplate, user: str | None = None
    ) -> wire.Template:
        return await self.call("POST", "/templates", wire.Template, body, of_user(user))

    async def change_template(self, template_id: str, body: wire.TemplateChanges) -> wire.Template:
        return await self.call("PATCH", path_of("templates", template_id), wire.Template, body)

    async def delete_template(self, template_id: str) -> None:
        await self.request("DELETE", path_of("templates", template_id))

    async def render_template(self, template_id: str, body: wire.RenderValues) -> wire.RenderedText:
        path = path_of("templates", template_id, "render")
        return await self.call("POST", path, wire.RenderedText, body)

    async def render_text(self, body: wire.TextToRender) -> wire.RenderedText:
        """Of a text that is not stored."""
        return await self.call("POST", "/templates/preview", wire.RenderedText, body)
