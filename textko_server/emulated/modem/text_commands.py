"""Commands about texts, in PDU mode: send, list, read, delete, and how news of them comes.

3GPP TS 27.005, 3. Text mode can be chosen, and nothing can be done in it. Refuses to know how a
text travels.
"""

import asyncio
from collections.abc import Awaitable, Callable

from textko_server.emulated.modem.at_syntax import AtCommand, Form, Refusal
from textko_server.emulated.modem.dialogue import Dialogue
from textko_server.emulated.modem.message_memory import MessageMemories, Status
from textko_server.emulated.modem.network import Network
from textko_server.emulated.modem.settings import Settings
from textko_server.emulated.modem.sim import Sim
from textko_server.emulated.modem.steps import Step, Steps
from textko_server.phone.modem.octets import PduError
from textko_server.phone.modem.pdu import decode_submit

# TS 27.005, 3.2.5.
_NOT_SUPPORTED, _INVALID_PDU, _INVALID_INDEX, _NO_NETWORK = 303, 304, 321, 331
# TS 27.005, 3.5.4: which texts AT+CMGD=<index>,<flag> deletes.
_DELETED_BY_FLAG = (
    frozenset[Status](),
    frozenset({Status.READ}),
    frozenset({Status.READ, Status.SENT}),
    frozenset({Status.READ, Status.SENT, Status.UNSENT}),
    frozenset({Status.UNREAD, Status.READ, Status.SENT, Status.UNSENT}),
)


class NoAnswer(Exception):
    """Nothing is said of this command any more."""


class TextCommands:
    def __init__(
        self,
        settings: Settings,
        sim: Sim,
        network: Network,
        memories: MessageMemories,
        dialogue: Dialogue,
        steps: Steps,
        *,
        send_s: float,
    ) -> None:
        self._settings = settings
        self._sim = sim
        self._network = network
        self._memories = memories
        self._dialogue = dialogue
        self._steps = steps
        self._send_s = send_s
        self.is_acknowledged = True
        """False: something was handed over, and AT+CNMA is awaited before the next."""
        self.by_name: dict[str, Callable[[AtCommand], Awaitable[list[str]]]] = {
            "+CMGF": self._mode,
            "+CSMS": self._service,
            "+CPMS": self._memory,
            "+CNMI": self._news,
            "+CNMA": self._acknowledge,
            "+CSCA": self._service_centre,
            "+CMGS": self._send,
            "+CMGL": self._list,
            "+CMGR": self._read,
            "+CMGD": self._delete,
        }

    async def _mode(self, command: AtCommand) -> list[str]:
        match command.form:
            case Form.TEST:
                return ["+CMGF: (0,1)"]
            case Form.READ:
                return [f"+CMGF: {int(self._settings.is_text_mode)}"]
            case _:
                if command.number(0, 0) not in (0, 1):
                    raise Refusal()
                self._settings.is_text_mode = bool(command.number(0, 0))
                return []

    async def _service(self, command: AtCommand) -> list[str]:
        match command.form:
            case Form.TEST:
                return ["+CSMS: (0,1)"]
            case Form.READ:
                return [f"+CSMS: {int(self._settings.is_phase_2_plus)},1,1,1"]
            case _:
                if not self._settings.personality.is_phase_2_plus:
                    self._settings.is_phase_2_plus = bool(command.number(0, 0))
                return ["+CSMS: 1,1,1"]

    async def _memory(self, command: AtCommand) -> list[str]:
        chosen = self._settings.memories
        if command.form is Form.TEST:
            names = ",".join(f'"{name}"' for name in self._memories.sizes)
            return [f"+CPMS: ({names}),({names}),({names})"]
        if command.form is Form.SET:
            if not 1 <= len(command.fields) <= 3 or not set(command.fields) <= set(
                self._memories.sizes
            ):
                raise Refusal("CMS", 302)
            chosen[: len(command.fields)] = command.fields
            return ["+CPMS: " + ",".join(self._usage(name) for name in chosen)]
        return ["+CPMS: " + ",".join(f'"{name}",{self._usage(name)}' for name in chosen)]

    def _usage(self, memory: str) -> str:
        return f"{self._memories.used_count(memory)},{self._memories.sizes[memory]}"

    async def _news(self, command: AtCommand) -> list[str]:
        report_modes = self._settings.personality.report_modes
        if command.form is Form.TEST:
            allowed = ",".join(map(str, report_modes))
            return [f"+CNMI: (0,1,2),(0,1,2),(0,2),({allowed}),(0,1)"]
        if command.form is Form.READ:
            return ["+CNMI: " + ",".join(map(str, self._settings.news_mode))]
        mode = list(self._settings.news_mode)
        for place in range(min(len(command.fields), len(mode))):
            mode[place] = command.number(place, mode[place]) or 0
        if (
            mode[0] > 2
            or mode[1] > 2
            or mode[2] not in (0, 2)
            or mode[0] not in report_modes.get(mode[3], ())
            or mode[4] > 1
        ):
            raise Refusal("CMS", _NOT_SUPPORTED)
        self._settings.news_mode = mode
        self._network.try_again()
        return []

    async def _acknowledge(self, _command: AtCommand) -> list[str]:
        if self.is_acknowledged:
            raise Refusal("CMS", 340)  # no acknowledgement expected
        self.is_acknowledged = True
        self._network.try_again()
        return []

    async def _service_centre(self, command: AtCommand) -> list[str]:
        if command.form is Form.SET:
            self._sim.service_centre = command.fields[0]
            return []
        kind = 145 if self._sim.service_centre.startswith("+") else 129
        return [f'+CSCA: "{self._sim.service_centre}",{kind}']

    async def _send(self, command: AtCommand) -> list[str]:
        if command.form is Form.TEST:
            return []
        self._require_pdu_mode()
        tpdu_bytes = command.number(0)
        await self._steps.reach(Step.PROMPT)
        await self._dialogue.prompt()
        await self._steps.reach(Step.PROMPTED)
        pdu = await self._dialogue.read_pdu()
        if pdu is None:
            return []
        await self._steps.reach(Step.PDU)
        try:
            submit = decode_submit(pdu)
            if tpdu_bytes != len(pdu) // 2 - 1 - int(pdu[:2], 16):
                raise Refusal("CMS", _INVALID_PDU)
        except PduError:
            raise Refusal("CMS", _INVALID_PDU) from None
        if not self._network.is_registered:
            raise Refusal("CMS", _NO_NETWORK)
        await asyncio.sleep(self._send_s)
        fate = self._network.fate_of(submit)
        reference = 0
        if fate.is_on_air:
            reference = self._network.take(submit, fate)
            await self._steps.reach(Step.ON_AIR)
            if fate.is_reported_first:
                self._dialogue.is_rude = True
                await self._network.until_brought()
                self._dialogue.is_rude = self._settings.personality.is_rude
        if not fate.is_answered:
            raise NoAnswer
        if fate.error is not None:
            raise Refusal("CMS", fate.error)
        return [f"+CMGS: {reference}"]

    async def _list(self, command: AtCommand) -> list[str]:
        if command.form is Form.TEST:
            return ["+CMGL: (0-4)"]
        self._require_pdu_mode()
        wanted = command.number(0, Status.UNREAD)
        if wanted is None or wanted > Status.ALL:
            raise Refusal("CMS", _INVALID_PDU)
        memory = self._settings.memories[0]
        lines = []
        for place, stored in self._memories.list(memory, Status(wanted)):
            lines.append(f"+CMGL: {place},{stored.status},,{stored.tpdu_bytes}\r\n{stored.pdu}")
            self._memories.mark_read(memory, place)
        return lines

    async def _read(self, command: AtCommand) -> list[str]:
        self._require_pdu_mode()
        place, memory = command.number(0, -1), self._settings.memories[0]
        stored = self._memories.find(memory, -1 if place is None else place)
        if stored is None or place is None:
            raise Refusal("CMS", _INVALID_INDEX)
        self._memories.mark_read(memory, place)
        return [f"+CMGR: {stored.status},,{stored.tpdu_bytes}\r\n{stored.pdu}"]

    async def _delete(self, command: AtCommand) -> list[str]:
        memory = self._settings.memories[0]
        if command.form is Form.TEST:
            places = [str(place) for place, _ in self._memories.list(memory, Status.ALL)]
            return [f"+CMGD: ({','.join(places)}),(0-4)"]
        place, flag = command.number(0), command.number(1, 0)
        if place is None or flag is None or flag >= len(_DELETED_BY_FLAG):
            raise Refusal("CMS", _INVALID_INDEX)
        await self._steps.reach(Step.DELETE)
        if flag == 0:
            self._memories.delete(memory, place)
        for other, stored in self._memories.list(memory, Status.ALL):
            if stored.status in _DELETED_BY_FLAG[flag]:
                self._memories.delete(memory, other)
        self._network.try_again()
        return []

    def _require_pdu_mode(self) -> None:
        if self._settings.is_text_mode:
            raise Refusal("CMS", _NOT_SUPPORTED)
