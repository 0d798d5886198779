"""Templates: texts with `{{variables}}`, and what they become."""

import msgspec
from msgspec import UNSET, UnsetType

from textko_server.admin_wire.contacts import CustomValue
from textko_server.admin_wire.shapes import Answer, Limit, Request, UserQuery


class TemplateQuery(UserQuery, frozen=True, kw_only=True):
    before: str | None = None
    """Id of the last template of the page before."""
    limit: Limit = 50


class NewTemplate(Request, frozen=True, kw_only=True):
    name: str
    text: str
    description: str = ""


class TemplateChanges(Request, frozen=True, kw_only=True):
    """What is not given stays."""

    name: str | UnsetType = UNSET
    text: str | UnsetType = UNSET
    description: str | UnsetType = UNSET


class Template(Answer, frozen=True, kw_only=True):
    id: str
    user_id: str
    user: str
    name: str
    text: str
    description: str
    variables: list[str]
    """Each once, in order of appearance."""
    created_at: int


class TemplatePage(Answer, frozen=True, kw_only=True):
    templates: list[Template]
    next: str | None


class TextToRender(Request, frozen=True, kw_only=True):
    text: str
    values: dict[str, CustomValue] = msgspec.field(default_factory=dict)


class RenderValues(Request, frozen=True, kw_only=True):
    values: dict[str, CustomValue] = msgspec.field(default_factory=dict)


class RenderedText(Answer, frozen=True, kw_only=True):
    text: str
    variables: list[str]
    """Of the text, each once, in order of appearance."""
    missing: list[str]
    """Those without a value; they stand in the text as they were."""
    encoding: str
    segments: int
