"""Templates. A preview names what it was given, a rendering repeats it: so the samples have it."""

from textko_server.gateway.public_ids import Kind
from textko_server.gateway.templates import checked_text, checked_values, render, variables_of
from textko_server.http.dialects.texify import wire
from textko_server.http.dialects.texify.endpoint import ID, Call, Endpoint
from textko_server.http.dialects.texify.parameters import read_paging
from textko_server.http.dialects.texify.shape import iso_utc_s
from textko_server.model import Scope, Template


async def post_template(call: Call, body: wire.NewTemplate) -> wire.Done[wire.Template]:
    """Make a template."""
    template = await call.gateway.templates.create(
        call.user_id, body.name, body.message, body.description or ""
    )
    return wire.Done(message="Template created successfully", data=_template(call, template))


async def list_templates(call: Call, query: wire.PageQuery) -> wire.Data[wire.TemplatePage]:
    """List templates, newest first."""
    paging = read_paging(query, 50)
    templates, total = await call.gateway.templates.list_page(
        call.user_id, offset=paging.offset, limit=paging.limit
    )
    shown = [_template(call, template) for template in templates]
    return wire.Data(data=wire.TemplatePage(pagination=paging.meta(total), templates=shown))


async def get_template(call: Call) -> wire.Data[wire.Template]:
    """One template."""
    return wire.Data(data=_template(call, await _named(call)))


async def post_preview(call: Call, body: wire.PreviewText) -> wire.Data[wire.Preview]:
    """Render a text that is not stored."""
    text = checked_text(body.message)
    values = checked_values(body.variables or {})
    rendering = render(text, values)
    return wire.Data(
        data=wire.Preview(
            original_message=text,
            rendered_message=rendering.text,
            variables=variables_of(text),
            provided_variables=list(values),
            missing_variables=rendering.missing,
            is_complete=not rendering.missing,
        )
    )


async def post_render(call: Call, body: wire.RenderValues) -> wire.Data[wire.Rendered]:
    """Render a template."""
    template = await _named(call)
    values = checked_values(body.variables or {})
    return wire.Data(
        data=wire.Rendered(
            template_id=_id(call, template),
            template_name=template.name,
            original_message=template.text,
            rendered_message=render(template.text, values).text,
            variables=variables_of(template.text),
            provided_variables=body.variables or {},
        )
    )


async def _named(call: Call) -> Template:
    return await call.gateway.templates.get(call.user_id, call.key(Kind.TEMPLATE, "template"))


def _template(call: Call, template: Template) -> wire.Template:
    return wire.Template(
        id=_id(call, template),
        name=template.name,
        message=template.text,
        variables=variables_of(template.text),
        created_at=iso_utc_s(template.created_at),
        description=template.description,
    )


def _id(call: Call, template: Template) -> str:
    return call.id_of(Kind.TEMPLATE, template.id, template.created_at)


_SCOPES = (Scope.USE_TEMPLATES,)
ENDPOINTS = (
    Endpoint("POST", "/templates", post_template, _SCOPES),
    Endpoint("GET", "/templates", list_templates, _SCOPES),
    Endpoint("GET", f"/templates/{ID}", get_template, _SCOPES),
    Endpoint("POST", "/templates/preview", post_preview, _SCOPES),
    Endpoint("POST", f"/templates/{ID}/render", post_render, _SCOPES),
)
