"""Brings a phone in: asks whose it will be, shows the code as QR code and text, and waits until the
phone that used it appears. Apps that take no code get an address to be typed into them.
"""

from typing import TYPE_CHECKING, ClassVar, NamedTuple, cast

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from textko_server import admin_wire as wire
from textko_server.admin_client import AdminError
from textko_server.errors import Invalid, TextkoError
from textko_server.terminal_text import safe
from textko_server.tui.account_choice import account_fields, chosen_account
from textko_server.tui.dialogs.form import Field, Form, Values
from textko_server.tui.dialogs.link_box import LinkBox
from textko_server.tui.guarded import Guarded
from textko_server.tui.qr_code import drawn, qr_lines

if TYPE_CHECKING:
    from textko_server.tui.app import TextkoApp

# As long as someone holds a phone to the screen; asking is a look at the codes of a day.
_LOOK_S = 1.0
# Around the code: the frame and the title; beside it, the words.
_FRAME_ROWS, _FRAME_COLUMNS = 4, 6
_WORDS_COLUMNS = 33
_MAX_COLUMNS = 112
_CHT = "CHT Gateway"
_SMSGATE_PATH = "/api/mobile/v1"


class _Asked(NamedTuple):
    body: wire.NewPairingCode | wire.NewDevice
    app: str
    """cht, smsgate, termux; empty: one that takes our code as it is."""


async def pair_phone(app: "TextkoApp") -> None:
    """All of it, and then on to the phone. From a worker; raises TextkoError."""
    asked = await app.ask(await _pairing_form(app))
    if asked is None:
        return
    if isinstance(asked.body, wire.NewDevice):
        await _show_address(app, asked.body)
        return
    made = await app.admin.create_pairing_code(asked.body)
    device_id = await app.ask(PairingBox(asked.body, made, asked.app))
    if device_id:
        device = await app.admin.get_device(device_id)
        app.tell(f"{device.name} is paired.")
        app.open_page("devices", "", select=device_id)


async def _show_address(app: "TextkoApp", asked: wire.NewDevice) -> None:
    created = await app.admin.create_device(asked)
    await app.ask(LinkBox(f"The CHT-Core URL of {created.name}, shown this once", created.url))
    app.tell(f"{created.name} comes online when its app asks.")
    app.open_page("devices", "", select=created.id)


async def _pairing_form(app: "TextkoApp") -> Form[_Asked]:
    async def submit(values: Values) -> _Asked:
        user, name = chosen_account(app, values), values["name"]
        body: wire.NewPairingCode | wire.NewDevice
        if values["app"] == "cht":
            body = wire.NewDevice(app=values["app"], user=user, name=name or _CHT)
        else:
            digits_only = values["app"] == "smsgate"
            body = wire.NewPairingCode(user=user, name=name or None, digits_only=digits_only)
        if body.user is not None:
            # Said here, and not once the form is gone.
            try:
                await app.admin.list_devices(body.user)
            except AdminError as error:
                raise Invalid("user", error.message) from error
        return _Asked(body, values["app"])

    name = Field("name", "Name", help="What the phone will be called. Empty: as it calls itself.")
    kind = Field(
        "app", "App", "choice",
        choices=[("SMSGate", "smsgate"), ("Termux", "termux"), (_CHT, "cht")],
        prompt="one that scans a code",
        help="What is typed into it is shown; CHT Gateway gets an address with a login.",
    )  # fmt: skip
    # The name last: enter in it shows the code.
    fields = [*await account_fields(app), kind, name]
    return Form("Pair a phone", fields, submit, button="Show the code")


class PairingBox(Guarded, ModalScreen[str]):
    """The answer is the id of the phone that came; None: it was closed before."""

    DEFAULT_CSS = """
    PairingBox Horizontal { width: 1fr; height: auto; }
    PairingBox #pairing-qr { width: auto; height: auto; }
    PairingBox #pairing-words { width: 1fr; height: auto; padding-left: 2; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "close", "Close", id="pairing.close"),
        Binding("y", "copy", "Copy the address", id="pairing.copy"),
        Binding("n", "anew", "Another code", id="pairing.anew"),
    ]

    def __init__(
        self, asked: wire.NewPairingCode, pairing: wire.PairingCode, app_kind: str
    ) -> None:
        """`asked`: what the code was made for, and another would be. `app_kind`: of _Asked."""
        super().__init__()
        self._asked = asked
        self._pairing = pairing
        self._app_kind = app_kind
        self._trouble = ""

    @property
    def app(self) -> "TextkoApp":  # type: ignore[override]  # belongs to no other program
        return cast("TextkoApp", super().app)

    def compose(self) -> ComposeResult:
        with Vertical(classes="box"):
            yield Static("Pair a phone", classes="box-title", markup=False)
            with Horizontal():
                yield Static("", id="pairing-qr", markup=False)
                yield Static("", id="pairing-words", markup=False)

    def on_mount(self) -> None:
        self._draw()
        self.set_interval(_LOOK_S, self._look)

    def on_resize(self) -> None:
        self._draw()

    @property
    def is_over(self) -> bool:
        return self.app.clock.now_ms() >= self._pairing.expires_at

    @property
    def _address(self) -> str:
        """What is typed into the app or the terminal, or scanned."""
        url = self._pairing.url
        if self._app_kind == "smsgate":
            return url.rpartition("/pair#")[0] + _SMSGATE_PATH
        if self._app_kind == "termux":
            return f"curl -fsS {self._pairing.termux_url} | python -"
        return url

    def _draw(self) -> None:
        size, url = self.app.size, self._pairing.url
        columns = min(size.width - 2, _MAX_COLUMNS)
        self.query_one(Vertical).styles.width = columns
        columns -= _FRAME_COLUMNS + _WORDS_COLUMNS
        is_ascii = self.app.preferences.ascii
        lines = None  # SMSGate and Termux scan nothing
        if not self._app_kind:
            lines = qr_lines(url, columns, size.height - _FRAME_ROWS, is_ascii=is_ascii)
        code = self.query_one("#pairing-qr", Static)
        code.display = lines is not None and not self.is_over
        code.update(drawn(lines) if lines is not None else "")
        self.query_one("#pairing-words", Static).update(self._words(has_qr=lines is not None))

    def _words(self, *, has_qr: bool) -> Content:
        if self.is_over:
            return Content.assemble(
                ("The code has run out.\n\n", "bold $text-error"),
                "n makes another one, esc closes.",
            )
        left_s = max(self._pairing.expires_at - self.app.clock.now_ms(), 0) // 1000
        if self._app_kind == "smsgate":
            how = self._for_smsgate()
        elif self._app_kind == "termux":
            how = self._for_termux()
        else:
            how = self._for_our_apps(has_qr=has_qr)
        return Content.assemble(
            how,
            ("For ", "$text-muted"), f"{left_s // 60}:{left_s % 60:02d}",
            (" more, once\n\n", "$text-muted"),
            (f"{safe(self._trouble) or 'Waiting for the phone …'}\n\n",
             "$text-error" if self._trouble else "$text-accent"),
            ("y copies the address\nn makes another code\nesc closes; the code stays good",
             "$text-muted"),
        )  # fmt: skip

    def _for_our_apps(self, *, has_qr: bool) -> Content:
        how = "Scan this with the app, or type in there:" if has_qr else "Type in the app:"
        no_room = "\n(a larger window has room for a QR code)\n" if not has_qr else ""
        return Content.assemble(
            (f"{how}\n\n", "$text-muted"),
            ("Code\n", "$text-muted"), (f"{self._pairing.code}\n\n", "bold $text-primary"),
            ("Address\n", "$text-muted"), f"{safe(self._address)}\n{no_room}\n",
        )  # fmt: skip

    def _for_smsgate(self) -> Content:
        return Content.assemble(
            ("In SMSGate: Settings, Cloud Server, API URL\n", "$text-muted"),
            f"{safe(self._address)}\n\n",
            ("Then start its Cloud Server, and choose By Code\n", "$text-muted"),
            (f"{self._pairing.code.replace('-', ' ')}\n\n", "bold $text-primary"),
        )  # fmt: skip

    def _for_termux(self) -> Content:
        return Content.assemble(
            ("In Termux on the phone, in one line:\n\n", "$text-muted"),
            (f"{safe(self._address)}\n\n", "bold $text-primary"),
            ("It needs Termux:API, from where Termux is from.\n\n", "$text-muted"),
        )  # fmt: skip

    @work(exclusive=True, group="look")
    async def _look(self) -> None:
        """Whether the phone has come."""
        try:
            state = await self.app.admin.get_pairing_code(self._pairing.id)
        except TextkoError as error:
            self._trouble = error.message
        else:
            self._trouble = ""
            if state.used_at is not None:
                self.dismiss(state.device_id or "")
                return
        self._draw()

    def action_close(self) -> None:
        self.dismiss(None)

    @work(exclusive=True, group="copy")
    async def action_copy(self) -> None:
        await self.app.copy(self._address)

    @work(exclusive=True, group="look")
    async def action_anew(self) -> None:
        try:
            self._pairing = await self.app.admin.create_pairing_code(self._asked)
        except TextkoError as error:
            self._trouble = error.message
        self._draw()
