"""What modems write, in whatever pieces and with whatever in between, is read as what it means."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from textko_server.phone.modem.answers import Answer, AnswerParser, News, Prompt
from textko_server.phone.modem.modem import signal_percent_of
from textko_server.phone.modem.reasons import AtError, describe, failure_of

PDU = "0791534850020200240B915348000021F300002211111111111105E8329BFD06"
REPORT = "07915348500202000605" + "0B915348000021F3" + "22111111111180" * 2 + "00"
NEWS = (
    ('+CMTI: "SM",3', None),
    ('+CDSI: "SR",1', None),
    ("RING", None),
    ("^RSSI: 18", None),
    ("+CREG: 1", None),
    ("+ZUSIMR:2", None),
    ("+CDS: 25", REPORT),
    ("+CMT: ,30", PDU),
)
ANSWERS = {
    "AT+CSQ": (("+CSQ: 20,99",), "OK"),
    "AT+CGMI": (("huawei",), "OK"),
    "AT+CMGL=4": (("+CMGL: 1,0,,25", PDU, "+CMGL: 2,1,,25", PDU), "OK"),
    "AT+CMGD=1": ((), "+CMS ERROR: 321"),
    "AT+CPIN?": (("+CPIN: SIM PIN",), "OK"),
    "AT^CPIN?": (("^CPIN: SIM PIN,3,10,3,10,3",), "OK"),
    "AT+CNMI=2,1,0,1,0": ((), "ERROR"),
}


def written(lines: list[str], line_end: str = "\r\n") -> bytes:
    return "".join(f"{line_end}{line}{line_end}" for line in lines).encode()


def cut_at(data: bytes, places: list[int]) -> list[bytes]:
    borders = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[a:b] for a, b in pairwise(borders)]


def read(parser: AnswerParser, pieces: list[bytes]) -> list[News | Answer | Prompt]:
    return [found for piece in pieces for found in parser.feed(piece)]


@given(
    command=st.sampled_from(sorted(ANSWERS)),
    news=st.lists(st.tuples(st.sampled_from(NEWS), st.integers(0, 9)), max_size=4),
    places=st.lists(st.integers(0, 2_000), max_size=8),
    has_echo=st.booleans(),
    line_end=st.sampled_from(["\r\n", "\r", "\n", "\r\r\n"]),
)
def test_news_in_an_answer_and_cuts_anywhere_change_nothing(
    command: str,
    news: list[tuple[tuple[str, str | None], int]],
    places: list[int],
    has_echo: bool,
    line_end: str,
) -> None:
    lines, end = ANSWERS[command]
    everything: list[list[str]] = [[line] for line in lines]
    # A modem may say something of itself between any two lines.
    for (heading, pdu), place in news:
        block = [heading] if pdu is None else [heading, pdu]
        everything.insert(place % (len(everything) + 1), block)
    flat = [line for block in everything for line in block]
    echo = f"{command}\r".encode() if has_echo else b""
    data = echo + written([*flat, end], line_end)

    parser = AnswerParser()
    parser.begin(command)
    found = read(parser, cut_at(data, places))

    answers = [one for one in found if isinstance(one, Answer)]
    assert [answer.lines for answer in answers] == [lines]
    assert (answers[0].error is None) == (end == "OK")
    told = sorted((one.text, one.pdu) for one in found if isinstance(one, News))
    assert told == sorted((heading, pdu or "") for (heading, pdu), _place in news)


@given(st.lists(st.binary(max_size=40), max_size=20), st.booleans())
def test_noise_is_never_more_than_news_answers_and_prompts(
    pieces: list[bytes], awaits_prompt: bool
) -> None:
    parser = AnswerParser()
    parser.begin("AT+CMGS=23", awaits_prompt=awaits_prompt)

    found = read(parser, pieces)

    assert sum(isinstance(one, Answer) for one in found) <= 1
    assert sum(isinstance(one, Prompt) for one in found) <= awaits_prompt


@given(st.lists(st.integers(0, 200), max_size=6))
def test_prompt_is_seen_without_a_line_end_and_the_echoed_pdu_is_no_answer(
    places: list[int],
) -> None:
    parser = AnswerParser()
    parser.begin("AT+CMGS=23", awaits_prompt=True)
    asked = read(parser, cut_at(b"AT+CMGS=23\r\r\n> ", places))
    parser.go_on(PDU)
    answered = read(parser, cut_at(f"{PDU}\x1a\r\n\r\n+CMGS: 17\r\n\r\nOK\r\n".encode(), places))

    assert asked == [Prompt()]
    assert answered == [Answer(("+CMGS: 17",))]


def test_refusal_instead_of_a_prompt_is_the_answer() -> None:
    parser = AnswerParser()
    parser.begin("AT+CMGS=23", awaits_prompt=True)

    assert parser.feed(b"\r\n+CMS ERROR: 310\r\n") == [Answer((), AtError("CMS", 310))]


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("ERROR", AtError("", None)),
        ("COMMAND NOT SUPPORT", AtError("", None, "command not support")),
        ("+CME ERROR: 10", AtError("CME", 10)),
        ("+CME ERROR: SIM not inserted", AtError("CME", 10)),
        ("+CMS ERROR: Network timeout", AtError("CMS", 332)),
        ("+CMS ERROR: out of cheese", AtError("CMS", None, "out of cheese")),
    ],
)
def test_errors_are_understood_by_number_and_in_words(line: str, error: AtError) -> None:
    parser = AnswerParser()
    parser.begin("AT+CPIN?")

    assert parser.feed(f"\r\n{line}\r\n".encode()) == [Answer((), error)]


def test_pdu_of_news_that_never_comes_swallows_nothing() -> None:
    parser = AnswerParser()
    parser.begin("AT")

    assert parser.feed(b"+CDS: 25\r\nOK\r\n") == [News("+CDS: 25"), Answer(())]


@pytest.mark.parametrize(
    ("number", "code", "is_temporary", "is_unknown"),
    [
        (38, "no_service", True, False),
        (310, "sim_absent", True, False),
        (21, "network_rejected", False, False),
        (1, "invalid_number", False, False),
        (8, "blocked", False, False),
        (332, "unknown_whether_sent", False, True),
        (500, "generic", False, False),
        (517, "generic", False, False),
    ],
)
def test_refusal_says_whether_to_try_again(
    number: int, code: str, is_temporary: bool, is_unknown: bool
) -> None:
    failure = failure_of(AtError("CMS", number))

    assert (failure.code, failure.is_temporary, failure.is_unknown) == (
        code,
        is_temporary,
        is_unknown,
    )
    assert str(number) in failure.sentence


def test_numbers_of_makers_are_not_explained_with_another_makers_words() -> None:
    assert describe(AtError("CMS", 513)) == "CMS error 513, of the modem's maker"


@pytest.mark.parametrize(
    ("answer", "percent"),
    [("0,0", 0), ("31,99", 100), ("20,99", 65), ("99,99", None), ("191,99", 100), ("199,99", None)],
)
def test_signal_is_a_percentage(answer: str, percent: int | None) -> None:
    assert signal_percent_of((f"+CSQ: {answer}",)) == percent
