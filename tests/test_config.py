"""Settings: which source wins, that textko.toml tells the truth, and what a wrong one is told."""

import re
import tomllib
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textko_server import config_checks
from textko_server.config import Settings
from textko_server.config_loader import ConfigError, LoadedSettings, load

SHIPPED = Path(__file__).parent.parent / "textko.toml"


@pytest.fixture(autouse=True)
def empty_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def read(
    text: str = "",
    *,
    flags: Mapping[str, str] | None = None,
    environ: Mapping[str, str] | None = None,
) -> LoadedSettings:
    path = Path("given.toml").absolute()
    path.write_bytes(text.encode())
    return load(config_path=path, flags=flags or {}, environ=environ or {})


def defaults() -> dict[str, dict[str, Any]]:
    """As TOML would show them."""
    defaults: dict[str, dict[str, Any]] = msgspec.to_builtins(Settings(), enc_hook=str)
    return defaults


# --- the shipped file ---


def uncommented() -> str:
    return re.sub(r"(?m)^#(?=[a-z_]+ = )", "", SHIPPED.read_text("utf-8"))


def test_shipped_file_changes_nothing() -> None:
    loaded = load(config_path=SHIPPED, flags={}, environ={})

    assert loaded.settings == Settings()
    assert set(loaded.sources.values()) == {"default"}


def test_shipped_file_shows_every_setting_at_its_true_default_in_the_order_of_the_code() -> None:
    shown = tomllib.loads(uncommented())
    expected = msgspec.json.decode(msgspec.json.encode(defaults()))

    assert shown == expected
    assert [(s, list(t)) for s, t in shown.items()] == [(s, list(t)) for s, t in expected.items()]


def test_shipped_file_is_accepted_with_every_line_uncommented() -> None:
    loaded = read(uncommented())

    assert loaded.settings == Settings()
    assert all(source.startswith("textko.toml: ") for source in loaded.sources.values())


def test_shipped_file_explains_every_setting() -> None:
    lines = SHIPPED.read_text("utf-8").splitlines()
    unexplained = [
        line
        for above, line in pairwise(lines)
        if re.match("#[a-z_]+ = ", line) and not above.startswith("#")
    ]

    assert unexplained == []


def test_every_check_belongs_to_a_setting() -> None:
    names = {f"{section}.{key}" for section, table in defaults().items() for key in table}

    assert set(config_checks._CHECKS) <= names


# --- names that certificates are got for ---


def test_server_with_a_name_listens_on_the_port_of_https_unless_told_otherwise() -> None:
    alone = read('[server]\ndomain = ["sms.example.org"]\n')
    told = read(flags={"server.domain": "a.example.org, b.example.org", "server.listen": "x:1"})

    assert alone.settings.server.listen == "0.0.0.0:443"
    assert alone.sources["server.listen"] == "server.domain"
    assert told.settings.server.domain == ("a.example.org", "b.example.org")
    assert told.settings.server.listen == "x:1"


@pytest.mark.parametrize(
    "name",
    [
        "localhost",
        "*.example.org",
        "192.0.2.1",
        "Sms.example.org",
        "sms_.example.org",
        "a..org",
        "-a.org",
    ],
)
def test_what_is_no_name_of_the_internet_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=r"server\.domain must be host names of the internet"):
        read(flags={"server.domain": name})


def test_name_and_certificate_files_exclude_each_other() -> None:
    flags = {"server.domain": "a.org", "server.tls_cert": "a.pem", "server.tls_key": "a.key"}

    with pytest.raises(ConfigError, match=r"set it, or server\.tls_cert, not both"):
        read(flags=flags)


# --- which source wins ---


def test_flag_wins_over_environment_over_file_over_default() -> None:
    text = '[server]\nlisten = "f:1"\npublic_url = "http://f"\nmax_body_bytes = 5000\n'
    environ = {"TEXTKO_SERVER_LISTEN": "e:2", "TEXTKO_SERVER_PUBLIC_URL": "http://e"}

    loaded = read(text, flags={"server.listen": "x:3"}, environ=environ)

    server = loaded.settings.server
    assert (server.listen, server.public_url) == ("x:3", "http://e")
    assert (server.max_body_bytes, server.tls_cert) == (5000, "")
    assert loaded.sources["server.listen"] == "flag --listen"
    assert loaded.sources["server.public_url"] == "environment TEXTKO_SERVER_PUBLIC_URL"
    assert (
        loaded.sources["server.max_body_bytes"] == f"textko.toml: {Path('given.toml').absolute()}"
    )
    assert loaded.sources["server.tls_cert"] == "default"


def test_every_setting_has_a_source() -> None:
    names = {f"{section}.{key}" for section, table in defaults().items() for key in table}

    assert set(read().sources) == names


def test_environment_sets_values_of_every_type() -> None:
    environ = {
        "TEXTKO_SERVER_DATA_DIR": "/srv/sms",
        "TEXTKO_SERVER_TRUSTED_PROXIES": "127.0.0.1, 10.0.0.0/8,",
        "TEXTKO_SERVER_CORS_ORIGINS": "",
        "TEXTKO_STORE_SYNCHRONOUS": "NORMAL",
        "TEXTKO_STORE_READERS_COUNT": "4",
        "TEXTKO_WEBHOOKS_TIMEOUT_S": "2.5",
        "TEXTKO_LOG_ACCESS": "false",
    }

    settings = read(environ=environ).settings

    assert settings.server.data_dir == Path("/srv/sms")
    assert settings.server.trusted_proxies == ("127.0.0.1", "10.0.0.0/8")
    assert settings.server.cors_origins == ()
    assert (settings.store.synchronous, settings.store.readers_count) == ("NORMAL", 4)
    assert (settings.webhooks.timeout_s, settings.log.access) == (2.5, False)


def test_short_name_of_the_data_directory_yields_to_the_full_one() -> None:
    short = read(environ={"TEXTKO_DATA_DIR": "a"})
    both = read(environ={"TEXTKO_SERVER_DATA_DIR": "b", "TEXTKO_DATA_DIR": "a"})

    assert short.settings.server.data_dir == Path("a")
    assert short.sources["server.data_dir"] == "environment TEXTKO_DATA_DIR"
    assert both.settings.server.data_dir == Path("b")


def test_home_directory_is_expanded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ann")

    assert read('server.data_dir = "~/sms"').settings.server.data_dir == Path("/home/ann/sms")


def test_variables_of_other_programs_are_left_alone() -> None:
    environ = {"TEXTKO_URL": "http://x", "TEXTKO_API_KEY": "k", "TEXTKO": "1", "PATH": "/bin"}

    assert read(environ=environ).settings == Settings()


def test_file_is_looked_for_in_the_working_directory_then_in_the_data_directory() -> None:
    data_dir = Path("elsewhere").absolute()
    data_dir.mkdir()
    environ = {"TEXTKO_DATA_DIR": str(data_dir)}
    (data_dir / "textko.toml").write_text("log.level = 'error'")

    in_data_dir = load(config_path=None, flags={}, environ=environ)
    Path("textko.toml").write_text("log.level = 'debug'")
    in_working_directory = load(config_path=None, flags={}, environ=environ)

    assert in_data_dir.sources["log.level"] == f"textko.toml: {data_dir / 'textko.toml'}"
    assert in_working_directory.settings.log.level == "debug"


def test_data_directory_of_a_flag_is_searched() -> None:
    Path("elsewhere").mkdir()
    Path("elsewhere/textko.toml").write_text("log.level = 'error'")

    loaded = load(config_path=None, flags={"server.data_dir": "elsewhere"}, environ={})

    assert loaded.settings.log.level == "error"
    assert loaded.sources["server.data_dir"] == "flag --data-dir"


def test_byte_order_mark_and_dos_line_ends_are_read() -> None:
    assert read('\ufeff[log]\r\nlevel = "debug"\r\n').settings.log.level == "debug"


# --- what is refused ---


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "server.listn = 'x:1'",
            "unknown setting server.listn; the nearest known one is server.listen",
        ),
        (
            "server.bcrypt_rounds = 5",
            "unknown setting server.bcrypt_rounds; the nearest known one is accounts.bcrypt_rounds",
        ),
        ("servr.listen = 'x:1'", "unknown section [servr]; the nearest known one is [server]"),
        ("listen = 'x:1'", "listen stands outside of any [section]"),
        ("server = 3", "server stands outside of any [section]"),
        ("[[server]]\nlisten = 'x:1'", "server stands outside of any [section]"),
        ("[server.listen]", "server.listen must be a text, not {}"),
        ("[server", "this is not TOML: "),
        ("log.level = 'info'\nlog.level = 'info'", "this is not TOML: "),
        ("a = " + "[" * 5000, "this is not TOML: "),
        ("a = " + "9" * 5000, "this is not TOML: "),
        ("server.listen = 8480", "server.listen must be a text, not 8480"),
        ("server.max_body_bytes = '1'", "server.max_body_bytes must be a whole number, not '1'"),
        (
            "server.max_body_bytes = 1e6",
            "server.max_body_bytes must be a whole number, not 1000000.0",
        ),
        ("server.max_body_bytes = true", "server.max_body_bytes must be a whole number, not true"),
        ("log.access = 1", "log.access must be true or false, not 1"),
        (
            "log.access = 2026-01-01",
            "log.access must be true or false, not datetime.date(2026, 1, 1)",
        ),
        ("log.level = 'loud'", "log.level must be one of debug, info, warning, error, not 'loud'"),
        ("store.synchronous = 'OFF'", "store.synchronous must be one of FULL, NORMAL, not 'OFF'"),
        (
            "server.trusted_proxies = '::1'",
            "server.trusted_proxies must be a list of texts, not '::1'",
        ),
        ("server.trusted_proxies = [1]", "server.trusted_proxies must be a list of texts, not [1]"),
        (
            "server.trusted_proxies = ['proxy']",
            "server.trusted_proxies must be IP addresses or networks",
        ),
        ("server.cors_origins = ['https://a/']", 'server.cors_origins must be "*" or origins'),
        ("server.data_dir = ''", "server.data_dir must be the path of a folder, not ''"),
        ("server.data_dir = 3", "server.data_dir must be the path of a folder, not 3"),
        (
            "server.data_dir = '~nobody-of-that-name/x'",
            "server.data_dir must be the path of a folder",
        ),
        ('server.data_dir = "a\\u0000"', "server.data_dir must be the path of a folder"),
        (
            "server.tls_cert = 'a.pem'",
            "server.tls_cert is of no use alone: set server.tls_key too, or neither",
        ),
        (
            "server.tls_key = 'a.pem'",
            "server.tls_key is of no use alone: set server.tls_cert too, or neither",
        ),
        ("accounts.bcrypt_rounds = 3", "accounts.bcrypt_rounds must be from 4 to 16, not 3"),
        ("accounts.bcrypt_rounds = 17", "accounts.bcrypt_rounds must be from 4 to 16, not 17"),
        (
            "accounts.credits = -2",
            "accounts.credits must be from -1 to 1000000000000, where -1 is unlimited, not -2",
        ),
        ("store.readers_count = 0", "store.readers_count must be from 1 to 64, not 0"),
        (
            "store.keep_text_days = -1",
            "store.keep_text_days must be from 0 to 36500, where 0 is for ever, not -1",
        ),
        (
            "store.keep_text_days = 0x" + "f" * 9000,
            "store.keep_text_days must be from 0 to 36500, where 0 is for ever, not what stands",
        ),
        ("webhooks.timeout_s = nan", "webhooks.timeout_s must be from 0.1 to 300, not nan"),
        ("webhooks.timeout_s = inf", "webhooks.timeout_s must be from 0.1 to 300, not inf"),
        ("webhooks.timeout_s = 0", "webhooks.timeout_s must be from 0.1 to 300, not 0"),
        ("dispatch.sync_interval_s = 61", "dispatch.sync_interval_s must be from 1 to 60, not 61"),
        ("messages.max_segments = 256", "messages.max_segments must be from 1 to 255, not 256"),
        ("messages.default_region = 'de'", "messages.default_region must be two capital letters"),
        ("dispatch.time_zone = 'Berlin'", "dispatch.time_zone must be a time zone such as"),
        ("messages.default_region = 'DEU'", "messages.default_region must be two capital letters"),
    ],
)
def test_wrong_file_is_refused_in_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(ConfigError) as refused:
        read(text)

    assert refused.value.message.startswith(
        f"textko.toml: {Path('given.toml').absolute()}: {sentence}"
    )


@pytest.mark.parametrize(
    ("environ", "sentence"),
    [
        (
            {"TEXTKO_SERVER_LISTN": "x:1"},
            "environment TEXTKO_SERVER_LISTN: no such setting; the nearest is TEXTKO_SERVER_LISTEN",
        ),
        (
            {"TEXTKO_MESSAGE_MAX_SEGMENTS": "9"},
            "environment TEXTKO_MESSAGE_MAX_SEGMENTS: no such setting;"
            " the nearest is TEXTKO_MESSAGES_MAX_SEGMENTS",
        ),
        (
            {"TEXTKO_ACCOUNTS_BCRYPT_ROUNDS": "many"},
            "environment TEXTKO_ACCOUNTS_BCRYPT_ROUNDS: accounts.bcrypt_rounds must be a whole"
            " number, not 'many'",
        ),
        (
            {"TEXTKO_ACCOUNTS_BCRYPT_ROUNDS": "99"},
            "environment TEXTKO_ACCOUNTS_BCRYPT_ROUNDS: accounts.bcrypt_rounds must be from 4 to"
            " 16, not 99",
        ),
        (
            {"TEXTKO_LOG_ACCESS": "maybe"},
            "environment TEXTKO_LOG_ACCESS: log.access must be true or false, not 'maybe'",
        ),
        (
            {"TEXTKO_DATA_DIR": ""},
            "environment TEXTKO_DATA_DIR: server.data_dir must be the path of a folder, not ''",
        ),
        (
            {"TEXTKO_SERVER_TLS_KEY": "k.pem"},
            "environment TEXTKO_SERVER_TLS_KEY: server.tls_key is of no use alone:"
            " set server.tls_cert too, or neither",
        ),
    ],
)
def test_wrong_environment_is_refused_in_a_sentence(environ: dict[str, str], sentence: str) -> None:
    with pytest.raises(ConfigError) as refused:
        read(environ=environ)

    assert refused.value.message == sentence


def test_wrong_flag_is_refused_in_a_sentence() -> None:
    with pytest.raises(ConfigError, match=r"^flag --listen: server.listen must be host:port"):
        read(flags={"server.listen": "8480"})


def test_unknown_flag_is_refused_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"^flag --lister: unknown .* one is server.listen$"):
        read(flags={"server.lister": "x:1"})


def test_named_file_must_exist() -> None:
    with pytest.raises(ConfigError, match=r"^cannot read .*absent.toml: No such file"):
        load(config_path=Path("absent.toml"), flags={}, environ={})


def test_found_file_that_cannot_be_read_is_not_passed_over() -> None:
    Path("textko.toml").mkdir()

    with pytest.raises(ConfigError, match=r"^cannot read .*textko.toml: Is a directory"):
        load(config_path=None, flags={}, environ={})


@pytest.mark.parametrize(
    "listen",
    ["127.0.0.1:0", "localhost:65535", "[::]:8480", "[::1]:80", "sms.example.org:443", "pi:8480"],
)
def test_listen_address_is_accepted(listen: str) -> None:
    assert read(flags={"server.listen": listen}).settings.server.listen == listen


@pytest.mark.parametrize(
    "listen",
    ["", "8480", ":8480", "::1:80", "[::1]", "[zz]:80", "[1.2.3.4/8]:80", "a:65536", "a:-1", "a:",
     "a b:80", "a:80\n", "-a:80", "http://a:80"],
)  # fmt: skip
def test_listen_address_is_refused(listen: str) -> None:
    with pytest.raises(ConfigError):
        read(flags={"server.listen": listen})


@pytest.mark.parametrize(
    "url",
    ["", "http://pi:8480", "https://sms.example.org", "https://example.org/sms", "http://[::1]:80"],
)
def test_public_url_is_accepted(url: str) -> None:
    assert read(flags={"server.public_url": url}).settings.server.public_url == url


@pytest.mark.parametrize(
    "url",
    ["https://sms.example.org/", "sms.example.org", "ftp://a", "https://", "https://a?b",
     "https://a#b", "https://u:p@a", "https://a:99999", "https://a b"],
)  # fmt: skip
def test_public_url_is_refused(url: str) -> None:
    with pytest.raises(ConfigError):
        read(flags={"server.public_url": url})


# --- nothing but ConfigError ---

NAMES = [(section, key) for section, table in defaults().items() for key in table]
VALUES = st.sampled_from(
    ["0", "-1", "5", "1e3", "nan", "inf", "true", '""', '"a"', '"a:1"', '"[::]:1"', '"http://a"',
     '"DE"', '"FULL"', '"\\u0000"', "[]", '["*"]', '["::1"]', "[1]", "{}", "{a = 1}", "1979-05-27",
     "07:32:00", "0xffffffffffffffffffff", "]"]
)  # fmt: skip
LINES = st.one_of(
    st.builds(lambda name, value: f"{name[0]}.{name[1]} = {value}", st.sampled_from(NAMES), VALUES),
    st.sampled_from([f"[{section}]" for section, _ in NAMES]),
    st.text(st.characters(codec="utf-8"), max_size=20),
)


def load_or_refuse(**given: Any) -> None:
    """Raises whatever is no ConfigError, and when the sentence would garble a terminal."""
    sentence = ""
    try:
        load(**given)
    except ConfigError as refused:
        sentence = refused.message
    assert sentence.isprintable()


@given(lines=st.lists(LINES, max_size=5))
def test_any_toml_is_read_or_refused(tmp_path_factory: Any, lines: list[str]) -> None:
    path = tmp_path_factory.getbasetemp() / "any.toml"
    path.write_bytes("\n".join(lines).encode())

    load_or_refuse(config_path=path, flags={}, environ={})


@given(content=st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(tmp_path_factory: Any, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.toml"
    path.write_bytes(content)

    load_or_refuse(config_path=path, flags={}, environ={})


@given(name=st.sampled_from(NAMES), text=st.text() | VALUES)
def test_any_text_in_flag_and_environment_is_read_or_refused(
    name: tuple[str, str], text: str
) -> None:
    load_or_refuse(config_path=None, flags={".".join(name): text}, environ={})
    load_or_refuse(config_path=None, flags={}, environ={f"TEXTKO_{'_'.join(name)}".upper(): text})


@given(suffix=st.text(max_size=90))
def test_any_name_in_the_environment_is_ignored_or_refused(suffix: str) -> None:
    load_or_refuse(config_path=None, flags={}, environ={f"TEXTKO_{suffix}": "1"})
    load_or_refuse(config_path=None, flags={}, environ={f"TEXTKO_SERVER_{suffix}": "1"})
