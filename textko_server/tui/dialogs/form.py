"""Asks for several values at once. What the server refuses is said at the field it names, and the
form stays open with all that was typed.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Literal, TypeVar

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Button, Checkbox, Input, Select, SelectionList, Static, TextArea
from textual.widgets.selection_list import Selection

from textko_server.admin_client import AdminError
from textko_server.errors import Invalid, TextkoError
from textko_server.terminal_text import safe
from textko_server.tui.guarded import Guarded
from textko_server.tui.widgets.typed_text import TypedLine, TypedText

Kind = Literal["line", "password", "text", "choice", "several", "check"]
Values = dict[str, Any]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Field:
    name: str
    """As the admin API names it, so that its refusals find their field."""
    label: str
    kind: Kind = "line"
    value: Any = ""
    help: str = ""
    choices: Sequence[tuple[str, str]] = ()
    """Of `choice` and `several`: what is shown, and the value."""
    is_required: bool = False
    prompt: str = "-"
    """Of `choice`: what nothing chosen means."""


class Form(Guarded, ModalScreen[T], Generic[T]):
    """The answer is what `submit` returned; None: it was closed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Close", id="form.close"),
        Binding("f2", "submit", "Done", id="form.submit", priority=True),
    ]

    def __init__(
        self,
        title: str,
        fields: Sequence[Field],
        submit: Callable[[Values], Awaitable[T]],
        *,
        button: str = "Save",
        note: Callable[[Values], str] | None = None,
    ) -> None:
        """`submit` gets the values by name, stripped; it raises Invalid or AdminError to say what
        is wrong. `note`: a line under the fields that follows what is typed.
        """
        super().__init__()
        self._title = safe(title)
        self._fields = fields
        self._submit = submit
        self._button = button
        self._note = note

    def compose(self) -> ComposeResult:
        with Vertical(classes="box form"):
            yield Static(self._title, classes="box-title", markup=False)
            with VerticalScroll(classes="form-fields", can_focus=False):
                for field in self._fields:
                    with Horizontal(classes="form-row"):
                        label = "" if field.kind == "check" else field.label
                        yield Static(label, classes="form-label", markup=False)
                        yield _widget(field)
                    yield Static(
                        safe(field.help), id=f"help-{field.name}", classes="form-help",
                        markup=False,
                    )  # fmt: skip
            yield Static("", id="note", markup=False)
            yield Static("", id="problem", markup=False)
            with Horizontal(classes="box-buttons"):
                yield Button(self._button, variant="primary", id="submit")
                yield Button("Cancel", id="close")

    def on_mount(self) -> None:
        self._clear_problems()
        self._update_note()

    @on(Input.Changed)
    @on(TextArea.Changed)
    @on(Select.Changed)
    def _update_note(self) -> None:
        note = self.query_one("#note", Static)
        note.display = self._note is not None
        if self._note is not None:
            note.update(safe(self._note(self._values())))

    @on(Input.Submitted)
    def next_or_submit(self) -> None:
        """Enter in the last line is done."""
        widgets = [self._widget_of(field) for field in self._fields]
        if self.focused is widgets[-1]:
            self.action_submit()
        else:
            self.focus_next()

    @on(Button.Pressed, "#submit")
    def press_submit(self) -> None:
        self.action_submit()

    @on(Button.Pressed, "#close")
    def press_close(self) -> None:
        self.dismiss(None)

    def action_close(self) -> None:
        self.dismiss(None)

    def action_submit(self) -> None:
        self._send()

    @work(exclusive=True, group="form")
    async def _send(self) -> None:
        values = self._values()
        self._clear_problems()
        missing = [f for f in self._fields if f.is_required and values[f.name] in ("", None, [])]
        if missing:
            self._say(missing[0].name, "This is needed.")
            return
        button = self.query_one("#submit", Button)
        button.disabled = True
        try:
            answer = await self._submit(values)
        except AdminError as error:
            self._say(error.problem.field, error.message)
        except Invalid as error:
            self._say(error.field, error.reason)
        except TextkoError as error:
            self._say(None, error.message)
        else:
            self.dismiss(answer)
        finally:
            button.disabled = False

    def _values(self) -> Values:
        return {field.name: _value(self._widget_of(field)) for field in self._fields}

    def _widget_of(self, field: Field) -> Widget:
        return self.query_one(f"#field-{field.name}")

    def _say(self, field_name: str | None, reason: str) -> None:
        """Under the field that is wrong, else under all."""
        # `recipients[2]` and `pace.perDay` belong to a field of theirs.
        name = _camel((field_name or "").split("[")[0].split(".")[-1])
        known = {field.name for field in self._fields}
        target = f"#help-{name}" if name in known else "#problem"
        line = self.query_one(target, Static)
        line.update(safe(reason))
        line.add_class("-wrong")
        line.display = True
        if name in known:
            self.query_one(f"#field-{name}").focus()

    def _clear_problems(self) -> None:
        for field in self._fields:
            line = self.query_one(f"#help-{field.name}", Static)
            line.remove_class("-wrong")
            line.update(safe(field.help))
        self.query_one("#problem").display = False
        self._show_help()

    @on(events.DescendantFocus)
    def _show_help(self) -> None:
        """Of the field one is in, and of those that are wrong."""
        for field in self._fields:
            line = self.query_one(f"#help-{field.name}")
            has_focus = self.focused is self._widget_of(field)
            line.display = line.has_class("-wrong") or (has_focus and bool(field.help))


def _camel(name: str) -> str:
    """The domain's own checks say `expires_at` of what a request calls `expiresAt`."""
    first, *rest = name.split("_")
    return first + "".join(word.title() for word in rest)


def _widget(field: Field) -> Widget:
    name = f"field-{field.name}"
    if field.kind == "text":
        return TypedText(field.value, id=name, compact=True, soft_wrap=True)
    if field.kind == "choice":
        chosen = field.value if field.value != "" else Select.NULL
        options = [(Content(safe(label)), value) for label, value in field.choices]
        return Select(
            options, value=chosen, id=name, allow_blank=not field.is_required, compact=True,
            prompt=field.prompt,
        )  # fmt: skip
    if field.kind == "several":
        boxes = [
            Selection(Content(safe(label)), value, value in field.value)
            for label, value in field.choices
        ]
        return SelectionList(*boxes, id=name, compact=True)
    if field.kind == "check":
        return Checkbox(Content(field.label), value=bool(field.value), id=name, compact=True)
    return TypedLine(
        str(field.value), id=name, password=field.kind == "password", compact=True,
        select_on_focus=False,
    )  # fmt: skip


def _value(widget: Widget) -> Any:
    if isinstance(widget, TextArea):
        return widget.text
    if isinstance(widget, Select):
        return None if widget.value is Select.NULL else widget.value
    if isinstance(widget, SelectionList):
        return widget.selected
    if isinstance(widget, Checkbox):
        return widget.value
    assert isinstance(widget, Input)  # noqa: S101 - the kinds end here
    return widget.value if widget.password else widget.value.strip()
