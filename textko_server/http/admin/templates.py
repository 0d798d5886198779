"""`/admin/v1/templates`: texts with `{{variables}}`, and what they become."""

from textko_server import admin_wire as wire
from textko_server.errors import Invalid
from textko_server.gateway.public_ids import Kind
from textko_server.gateway.segments import segment
from textko_server.gateway.templates import checked_text, checked_values, render, variables_of
from textko_server.http.admin.access import owner_of_new, owner_shown, visible_owner
from textko_server.http.admin.endpoint import Call, Endpoint
from textko_server.http.admin.names import Names
from textko_server.model import Template


async def list_templates(call: Call, query: wire.TemplateQuery) -> wire.TemplatePage:
    """A page, newest first."""
    templates = await call.gateway.templates.list_before(
        await owner_shown(call, query.user),
        before_id=call.read_cursor(Kind.TEMPLATE, query.before),
        limit=query.limit,
    )
    names = Names(call.gateway)
    shown = [await _shown(call, names, template) for template in templates]
    is_last = len(shown) < query.limit
    return wire.TemplatePage(templates=shown, next=None if is_last else shown[-1].id)


async def create_template(
    call: Call, query: wire.UserQuery, body: wire.NewTemplate
) -> wire.Template:
    """Make a template."""
    owner = await owner_of_new(call, query.user)
    text = _checked(body.text)
    template = await call.gateway.templates.create(owner, body.name, text, body.description)
    return await _shown(call, Names(call.gateway), template)


async def get_template(call: Call) -> wire.Template:
    """One template."""
    return await _shown(call, Names(call.gateway), await _named(call))


async def change_template(call: Call, body: wire.TemplateChanges) -> wire.Template:
    """Change what is given."""
    template = await call.gateway.templates.update(
        visible_owner(call),
        _key(call),
        name=body.name,
        text=_checked(body.text) if isinstance(body.text, str) else body.text,
        description=body.description,
    )
    return await _shown(call, Names(call.gateway), template)


async def delete_template(call: Call) -> None:
    """Delete it; what was made of it stays."""
    await call.gateway.templates.delete(visible_owner(call), _key(call))


async def render_template(call: Call, body: wire.RenderValues) -> wire.RenderedText:
    """What it becomes with these values; sends nothing."""
    return _rendered((await _named(call)).text, body.values)


async def render_text(call: Call, body: wire.TextToRender) -> wire.RenderedText:
    """What a text that is not stored becomes with these values; sends nothing."""
    return _rendered(_checked(body.text), body.values)


def _rendered(text: str, given: dict[str, wire.CustomValue]) -> wire.RenderedText:
    try:
        rendering = render(text, checked_values(given))
    except Invalid as error:
        raise Invalid(error.field.replace("variables", "values", 1), error.reason) from error
    size = segment(rendering.text)
    return wire.RenderedText(
        text=rendering.text,
        variables=variables_of(text),
        missing=rendering.missing,
        encoding=size.encoding,
        segments=size.segments,
    )


def _checked(text: str) -> str:
    try:
        return checked_text(text)
    except Invalid as error:
        raise Invalid("text", error.reason) from error


def _key(call: Call) -> int:
    return call.key(Kind.TEMPLATE, "template")


async def _named(call: Call) -> Template:
    return await call.gateway.templates.get(visible_owner(call), _key(call))


async def _shown(call: Call, names: Names, template: Template) -> wire.Template:
    user_id, email = await names.user(template.user_id)
    return wire.Template(
        id=call.gateway.public_ids.encode(Kind.TEMPLATE, template.id, template.created_at),
        user_id=user_id,
        user=email,
        name=template.name,
        text=template.text,
        description=template.description,
        variables=variables_of(template.text),
        created_at=template.created_at,
    )


ENDPOINTS = (
    Endpoint("GET", "/templates", list_templates),
    Endpoint("POST", "/templates", create_template, status=201),
    Endpoint("POST", "/templates/preview", render_text),
    Endpoint("GET", "/templates/{id}", get_template),
    Endpoint("PATCH", "/templates/{id}", change_template),
    Endpoint("DELETE", "/templates/{id}", delete_template),
    Endpoint("POST", "/templates/{id}/render", render_template),
)
