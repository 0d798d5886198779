"""What has nothing to do with texts: who the modem is, its SIM, its network, how it talks.

3GPP TS 27.007 and ITU-T V.250. Refuses to know messages.
"""

from collections.abc import Callable

from textko_server.emulated.modem.at_syntax import AtCommand, Form, Refusal
from textko_server.emulated.modem.network import Network
from textko_server.emulated.modem.settings import Settings
from textko_server.emulated.modem.sim import Sim, SimState, WrongPin

# TS 27.007, 9.2.1.
_SIM_ABSENT, _PIN_REQUIRED, _PUK_REQUIRED, _WRONG_PASSWORD = 10, 11, 12, 16
_HOME, _SEARCHING = 1, 2
_LTE = 7
_AREA, _CELL = "1A2B", "0C3D4E5F"


class GeneralCommands:
    def __init__(self, settings: Settings, sim: Sim, network: Network, imei: str) -> None:
        self._settings = settings
        self._sim = sim
        self._network = network
        self._imei = imei
        self.by_name: dict[str, Callable[[AtCommand], list[str]]] = {
            "E": self._echo,
            "V": self._verbose,
            "Z": self._reset,
            "&F": self._reset,
            "I": self._information,
            "+CMEE": self._error_detail,
            "+CSCS": self._character_set,
            "+CPIN": self._pin,
            "+CIMI": lambda _: [self._ready_sim().imsi],
            "+CNUM": lambda _: [f'+CNUM: "","{self._ready_sim().number}",145'],
            "+CREG": self._registration,
            "+CGREG": self._registration,
            "+CEREG": self._registration,
            "+CGATT": lambda _: [f"+CGATT: {int(self._has_service())}"],
            "+COPS": self._operator,
            "+CSQ": lambda _: [f"+CSQ: {self._network.signal},99"],
            "+CBC": lambda _: ["+CBC: 0,100"],
            "+CFUN": lambda command: ["+CFUN: 1"] if command.form is Form.READ else [],
            "+CPAS": lambda _: ["+CPAS: 0"],
            **{
                name: self._say(value)
                for names, value in (
                    (("+CGMI", "+GMI"), settings.personality.maker),
                    (("+CGMM", "+GMM"), settings.personality.model),
                    (("+CGMR", "+GMR"), settings.personality.revision),
                    (("+CGSN", "+GSN"), imei),
                )
                for name in names
            },
            settings.personality.card_number_command: self._card_number,
            settings.personality.tries_command: self._tries,
        }

    def require_sim(self) -> None:
        """Raises: Refusal when there is none or it wants its PIN."""
        self._ready_sim()

    def _ready_sim(self) -> Sim:
        sim = self._inserted_sim()
        if not sim.is_ready:
            is_pin = sim.state is SimState.PIN
            raise Refusal("CME", _PIN_REQUIRED if is_pin else _PUK_REQUIRED)
        return sim

    def _inserted_sim(self) -> Sim:
        if not self._sim.is_inserted:
            raise Refusal("CME", _SIM_ABSENT)
        return self._sim

    def _say(self, value: str) -> Callable[[AtCommand], list[str]]:
        return lambda command: [] if command.form is Form.TEST else [value]

    def _echo(self, command: AtCommand) -> list[str]:
        self._settings.is_echoing = bool(command.number(0, 0))
        return []

    def _verbose(self, command: AtCommand) -> list[str]:
        self._settings.is_verbose = bool(command.number(0, 0))
        return []

    def _reset(self, _command: AtCommand) -> list[str]:
        self._settings.reset()
        return []

    def _information(self, _command: AtCommand) -> list[str]:
        personality = self._settings.personality
        return [personality.maker, personality.model, f"Revision: {personality.revision}"]

    def _error_detail(self, command: AtCommand) -> list[str]:
        match command.form:
            case Form.TEST:
                return ["+CMEE: (0-2)"]
            case Form.READ:
                return [f"+CMEE: {self._settings.error_detail}"]
            case _:
                self._settings.error_detail = _one_of(command.number(0, 0), range(3))
                return []

    def _character_set(self, command: AtCommand) -> list[str]:
        match command.form:
            case Form.TEST:
                return ['+CSCS: ("GSM","IRA")']
            case Form.READ:
                return [f'+CSCS: "{self._settings.character_set}"']
            case _:
                if command.fields not in (("GSM",), ("IRA",)):
                    raise Refusal()
                self._settings.character_set = command.fields[0]
                return []

    def _pin(self, command: AtCommand) -> list[str]:
        sim = self._inserted_sim()
        if command.form is Form.READ:
            return [f"+CPIN: {sim.state}"]
        try:
            if len(command.fields) == 2:
                sim.enter_puk(*command.fields)
            elif len(command.fields) == 1:
                sim.enter_pin(command.fields[0])
            else:
                raise Refusal()
        except WrongPin:
            raise Refusal("CME", _WRONG_PASSWORD) from None
        self._network.try_again()
        return []

    def _tries(self, command: AtCommand) -> list[str]:
        """Of its maker's own making; see Personality.tries_command."""
        sim = self._inserted_sim()
        pin, puk = sim.pin_tries_count, sim.puk_tries_count
        match command.name:
            case "^CPIN":
                current = {SimState.PIN: pin, SimState.PUK: puk}.get(sim.state, "")
                return [f"^CPIN: {sim.state},{current},{puk},{pin},10,3"]
            case "+SPIC":
                return [f"+SPIC: {pin},{puk},3,10"]
            case "+QPINC":
                return [f'+QPINC: "SC",{pin},{puk}']
            case _:
                return [f"+CPINR: SIM PIN,{pin},3"]

    def _card_number(self, command: AtCommand) -> list[str]:
        return [f"{command.name}: {self._inserted_sim().iccid}"]

    def _registration(self, command: AtCommand) -> list[str]:
        if command.form is Form.TEST:
            return [f"{command.name}: (0-2)"]
        if command.form is Form.SET:
            self._settings.registration_news = _one_of(command.number(0, 0), range(3))
            return []
        state = _HOME if self._has_service() else _SEARCHING
        said = f"{command.name}: {self._settings.registration_news},{state}"
        has_place = self._settings.registration_news == 2 and state == _HOME
        return [f'{said},"{_AREA}","{_CELL}",{_LTE}' if has_place else said]

    def _operator(self, command: AtCommand) -> list[str]:
        if command.form is Form.TEST:
            return ['+COPS: (2,"Textko Mobile","Textko","00101",7),,(0-4),(0-2)']
        if command.form is Form.SET:
            if command.number(0, 0) == 3:
                self._settings.operator_format = _one_of(command.number(1, 0), range(3))
            return []
        if not self._has_service():
            return ["+COPS: 0"]
        names = ("Textko Mobile", "Textko", "00101")
        wanted = self._settings.operator_format
        return [f'+COPS: 0,{wanted},"{names[wanted]}",{_LTE}']

    def _has_service(self) -> bool:
        return self._sim.is_ready and self._network.is_registered


def _one_of(number: int | None, allowed: range) -> int:
    if number is None or number not in allowed:
        raise Refusal()
    return number
