"""The modem from power on to power off: reads commands, carries them out, tells of what comes in.

Refuses to know the port, and what power is.
"""

import asyncio
from collections.abc import Callable

from textko_server.emulated.modem.at_syntax import AtCommand, Refusal, UnknownCommand, commands_of
from textko_server.emulated.modem.dialogue import Dialogue
from textko_server.emulated.modem.general_commands import GeneralCommands
from textko_server.emulated.modem.message_memory import MemoryFull, MessageMemories
from textko_server.emulated.modem.network import Network
from textko_server.emulated.modem.settings import Settings
from textko_server.emulated.modem.sim import Sim
from textko_server.emulated.modem.steps import Step, Steps
from textko_server.emulated.modem.text_commands import NoAnswer, TextCommands
from textko_server.phone.modem.octets import PduError
from textko_server.phone.modem.pdu import Pdu, StatusReport, decode_incoming

# TS 27.005, 3.2.5, for the same three errors that TS 27.007 numbers 10 to 12 and 14.
_CMS_OF_CME = {10: 310, 11: 311, 12: 316, 14: 314}
_SIM_BUSY = 14
_STEP_AFTER = {
    "+CMGS": Step.ANSWERED,
    "+CMGL": Step.LISTED,
    "+CMGR": Step.LISTED,
    "+CMGD": Step.DELETED,
}


class Session:
    def __init__(
        self,
        settings: Settings,
        sim: Sim,
        network: Network,
        memories: MessageMemories,
        dialogue: Dialogue,
        steps: Steps,
        *,
        imei: str,
        send_s: float,
        on_command: Callable[[str], None],
    ) -> None:
        self._settings = settings
        self._sim = sim
        self._network = network
        self._memories = memories
        self._dialogue = dialogue
        self._steps = steps
        self._on_command = on_command
        self._general = GeneralCommands(settings, sim, network, imei)
        self._texts = TextCommands(settings, sim, network, memories, dialogue, steps, send_s=send_s)
        self._has_booted = not settings.personality.boot_s
        self.is_over = False
        """Power has gone."""

    async def run(self) -> None:
        """Until it is cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._boot())
            tasks.create_task(self._obey())

    async def take(self, pdu: Pdu) -> bool:
        """Something from the network. False: not now."""
        if not self._has_booted or not self._sim.is_ready:
            return False
        if _is_report(pdu):
            return await self._take_report(pdu)
        if self._settings.hands_over_texts:
            return await self._hand_over("+CMT: ,", pdu.tpdu_bytes, pdu.hex)
        try:
            name = self._settings.memories[2]
            place = self._memories.add(name, pdu.hex, pdu.tpdu_bytes)
        except MemoryFull:
            return False
        await self._steps.reach(Step.RECEIVED)
        if self._settings.announces_texts:
            await self._dialogue.announce(f'+CMTI: "{name}",{place}')
        return True

    async def _take_report(self, pdu: Pdu) -> bool:
        """Reports wait with the network until AT+CNMI says that somebody wants them."""
        if self._settings.report_mode == 0:
            return False
        await self._steps.reach(Step.REPORT)
        if self.is_over:
            return False
        if self._settings.report_mode == 1:
            bare = pdu.hex[2 + 2 * int(pdu.hex[:2], 16) :]
            whole = self._settings.personality.reports_with_service_centre
            is_taken = await self._hand_over("+CDS: ", pdu.tpdu_bytes, pdu.hex if whole else bare)
        else:
            is_taken = await self._store_report(pdu)
        if is_taken:
            await self._steps.reach(Step.REPORTED)
        return is_taken

    async def _store_report(self, pdu: Pdu) -> bool:
        if self._settings.personality.loses_stored_reports:
            await self._dialogue.announce('+CDSI: "SR",0')
            return True
        name = self._settings.memories[2]
        try:
            place = self._memories.add(name, pdu.hex, pdu.tpdu_bytes)
        except MemoryFull:
            return False
        await self._dialogue.announce(f'+CDSI: "{name}",{place}')
        return True

    async def _hand_over(self, heading: str, tpdu_bytes: int, pdu_hex: str) -> bool:
        if self._settings.is_phase_2_plus:
            if not self._texts.is_acknowledged:
                return False
            self._texts.is_acknowledged = False
        await self._dialogue.announce(f"{heading}{tpdu_bytes}\r\n{pdu_hex}")
        return True

    async def _boot(self) -> None:
        personality = self._settings.personality
        *first, last = personality.boot_news or ("",)
        for line in first:
            is_pin_state = line.startswith("+CPIN")
            await self._dialogue.announce(f"+CPIN: {self._sim.state}" if is_pin_state else line)
        await asyncio.sleep(personality.boot_s)
        self._has_booted = True
        await self._dialogue.announce(last)
        self._network.try_again()

    async def _obey(self) -> None:
        while True:
            line = await self._dialogue.read_command_line()
            self._on_command(line)
            self._dialogue.begin()
            await self._carry_out(line)

    async def _carry_out(self, line: str) -> None:
        names: list[str] = []
        try:
            for command in commands_of(line):
                names.append(command.name)
                await self._dialogue.answer(await self._answer_of(command))
        except NoAnswer:
            await self._dialogue.end_without_result()
        except UnknownCommand:
            await self._dialogue.end(self._settings.personality.unknown_command)
        except Refusal as refusal:
            await self._dialogue.end(refusal)
        else:
            is_pin_state = names == ["+CPIN"] and line.endswith("?")
            if is_pin_state and not self._settings.personality.says_ok_after_pin_state:
                await self._dialogue.end_without_result()
            else:
                await self._dialogue.end("OK")
            for name in names:
                if step := _STEP_AFTER.get(name):
                    await self._steps.reach(step)

    async def _answer_of(self, command: AtCommand) -> list[str]:
        if general := self._general.by_name.get(command.name):
            return general(command)
        texts = self._texts.by_name.get(command.name)
        if texts is None:
            raise UnknownCommand
        try:
            self._general.require_sim()
            if not self._has_booted:
                raise Refusal("CME", _SIM_BUSY)
        except Refusal as refusal:
            raise Refusal("CMS", _CMS_OF_CME[refusal.number]) from None
        return await texts(command)


def _is_report(pdu: Pdu) -> bool:
    try:
        return isinstance(decode_incoming(pdu.hex, pdu.tpdu_bytes), StatusReport)
    except PduError:  # a modem stores what it cannot read
        return False
