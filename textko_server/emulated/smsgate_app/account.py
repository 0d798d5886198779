"""Who the phone is to the server: its registration, made, kept and made again.

By reading of `GatewayService.registerDevice` and `RegistrationWorker`. A phone with a token says so
by PATCH; *exactly 401* to that makes it register anew with the private token, whatever it
registered with at first; all else is tried again in 10 s, 20 s … up to 5 h. A user and password or
a one-time code are used by hand, once, before the app is started. Refuses to know what else the
phone says.
"""

from collections.abc import Callable
from http import HTTPStatus

from textko_server.emulated.smsgate_app.api import Api, LoginCode, Registration, basic
from textko_server.emulated.smsgate_app.disk import Table
from textko_server.emulated.smsgate_app.faults import AppFault, IllegalArgument, Refused
from textko_server.emulated.smsgate_app.steps import Step, Steps
from textko_server.emulated.smsgate_app.work import Outcome, Work, Worker, WorkManager

WORKER = "RegistrationWorker"
_KEY = "registration"


class Account:
    def __init__(
        self,
        api: Api,
        table: Table[Registration],
        works: WorkManager,
        steps: Steps,
        *,
        push_token: str | None,
    ) -> None:
        """`push_token`: None also where the settings say SSE_ONLY."""
        self._api = api
        self._table = table
        self._works = works
        self._steps = steps
        self.push_token = push_token
        self.listeners: list[Callable[[], None]] = []
        """Called after each registration or update that came to an end, good or bad; not after
        an update that failed."""
        works.define(WORKER, Worker(self._work))

    @property
    def registration(self) -> Registration | None:
        return self._table.rows.get(_KEY)

    def start(self) -> None:
        self._works.enqueue_unique(WORKER)

    async def sign_in(self, login: str, password: str) -> None:
        """Become a device of a user's that is there. Raises: AppFault."""
        await self._register_or_update(None, basic(login, password))

    async def use_code(self, code: str) -> None:
        """Become a device of the user's who was given the code. Raises: AppFault."""
        await self._register_or_update(None, f"Code {code}")

    async def login_code(self) -> LoginCode:
        """A code to add another phone with. Raises: AppFault."""
        device = self._registered()
        if device.password is None:
            raise IllegalArgument("Password is not set")
        return await self._api.login_code(device.login, device.password)

    async def change_password(self, new: str) -> None:
        """Raises: AppFault."""
        device = self._registered()
        await self._api.change_password(device, device.password or "", new)
        self._table.put(_KEY, Registration(device.id, device.token, device.login, new))

    async def external_ip(self) -> str:
        """As the home screen asks. Raises: AppFault."""
        return await self._api.external_ip(self.registration)

    def _registered(self) -> Registration:
        if self.registration is None:
            raise IllegalArgument("The device is not registered on the server")
        return self.registration

    async def _work(self, _work: Work) -> Outcome:
        try:
            await self._register_or_update(self.push_token, None)
        except AppFault as fault:
            self._steps(Step.FAULT, f"registration: {fault}")
            return Outcome.RETRY
        return Outcome.SUCCESS

    async def _register_or_update(self, push_token: str | None, authorization: str | None) -> None:
        self._steps(Step.REGISTERING, "")
        if self.registration is not None:
            try:
                await self._api.update_device(self.registration, push_token)
            except Refused as refused:
                if refused.status != HTTPStatus.UNAUTHORIZED:
                    raise
            else:
                self._steps(Step.UPDATED, self.registration.id)
                self._tell()
                return
        try:
            registration = await self._api.register(push_token, authorization)
        except AppFault:
            self._tell()
            raise
        self._table.put(_KEY, registration)
        self._steps(Step.REGISTERED, registration.id)
        self._tell()

    def _tell(self) -> None:
        for listener in self.listeners:
            listener()
