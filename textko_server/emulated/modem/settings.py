"""What a program tells a modem, and the modem forgets when power goes.

Refuses to know how it is asked for, and what follows from it.
"""

from textko_server.emulated.modem.personality import Personality


class Settings:
    def __init__(self, personality: Personality) -> None:
        self.personality = personality
        self.reset()

    def reset(self) -> None:
        """As after power on, or ATZ."""
        first_memory = next(iter(self.personality.memories))
        self.is_echoing = True
        self.is_verbose = True
        """Results in words, not digits."""
        self.error_detail = 0
        """AT+CMEE: 0 nothing, 1 a number, 2 words."""
        self.is_text_mode = self.personality.starts_in_text_mode
        self.memories = [first_memory] * 3
        """To read and delete, to write and send, to receive."""
        self.news_mode = [0, 0, 0, 0, 0]
        """AT+CNMI: mode, mt, bm, ds, bfr."""
        self.is_phase_2_plus = self.personality.is_phase_2_plus
        self.character_set = "GSM"
        self.operator_format = 0
        self.registration_news = 0

    @property
    def announces_texts(self) -> bool:
        return self.news_mode[0] != 0 and self.news_mode[1] == 1

    @property
    def hands_over_texts(self) -> bool:
        return self.news_mode[0] != 0 and self.news_mode[1] == 2

    @property
    def report_mode(self) -> int:
        return self.news_mode[3] if self.news_mode[0] else 0
