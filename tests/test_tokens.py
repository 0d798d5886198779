"""JWTs any library can verify, links that run out, and telling a JWT from an API key."""

import base64
import json

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.clocks import START_MS, FrozenClock
from textko_server.clock import DAY_MS
from textko_server.errors import Invalid, Unauthenticated
from textko_server.gateway.api_key_format import make_key
from textko_server.gateway.public_ids import Kind, PublicIds
from textko_server.gateway.tokens import LoginTokens, SignedLinks, looks_like_jwt, make_secret
from textko_server.model import Role, User

SECRET = "0123456789abcdef" * 4
IDS = PublicIds(b"for tests")
ANNA = User(7, "anna@example.com", "Anna", Role.ADMIN, 3, None, None, None, START_MS, START_MS)


@pytest.fixture
def tokens(clock: FrozenClock) -> LoginTokens:
    return LoginTokens(SECRET, IDS, clock, lifetime_s=60)


def _signed(secret: str = SECRET, algorithm: str = "HS256", **changes: object) -> str:
    claims: dict[str, object] = {
        "sub": IDS.encode(Kind.USER, 7, START_MS),
        "ver": 3,
        "iat": START_MS // 1000,
        "exp": START_MS // 1000 + 60,
        "jti": "a",
    }
    claims.update(changes)
    kept = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(kept, secret, algorithm=algorithm)


def test_token_carries_the_promised_claims(tokens: LoginTokens) -> None:
    token = tokens.issue(ANNA)

    payload = jwt.decode(token, SECRET, algorithms=["HS256"], options={"verify_exp": False})
    assert len(payload.pop("jti")) == 24
    assert payload == {
        "sub": IDS.encode(Kind.USER, 7, START_MS),
        "email": "anna@example.com",
        "role": "ADMIN",
        "iat": START_MS // 1000,
        "exp": START_MS // 1000 + 60,
        "ver": 3,
    }


def test_token_reads_back_until_its_time_is_over(tokens: LoginTokens, clock: FrozenClock) -> None:
    token = tokens.issue(ANNA)
    clock.advance(59_999)
    claims = tokens.read(token)

    assert (claims.user_id, claims.token_version) == (7, 3)
    clock.advance(1)
    with pytest.raises(Unauthenticated, match="expired"):
        tokens.read(token)


@pytest.mark.parametrize(
    "forged",
    [
        pytest.param(_signed(secret="f" * 64), id="another secret"),
        pytest.param(jwt.encode({"sub": "a"}, "", algorithm="none"), id="no algorithm"),
        pytest.param(_signed(algorithm="HS512"), id="another algorithm"),
        pytest.param(_signed(sub="7"), id="an inner key"),
        pytest.param(_signed(sub=IDS.encode(Kind.DEVICE, 7, START_MS)), id="another kind of id"),
        pytest.param(_signed(ver="3"), id="version as text"),
        pytest.param(_signed(exp=None), id="no end"),
        pytest.param(_signed(jti=None), id="no jti"),
        pytest.param("a.b.c", id="nonsense"),
        pytest.param("", id="nothing"),
        pytest.param("ä" * 10, id="not ASCII"),
        pytest.param("a" * 10_000, id="too long"),
    ],
)
def test_token_that_is_not_ours_is_refused_without_repeating_it(
    tokens: LoginTokens, forged: str
) -> None:
    with pytest.raises(Unauthenticated) as refusal:
        tokens.read(forged)

    assert refusal.value.message == "invalid token"
    assert refusal.value.__cause__ is None


def test_header_nested_to_the_limit_is_refused(tokens: LoginTokens) -> None:
    header = base64.urlsafe_b64encode(b"[" * 3_000).decode()

    assert not looks_like_jwt(f"{header}.a.b")
    with pytest.raises(Unauthenticated):
        tokens.read(f"{header[:4_000]}.a.b")


@given(st.text())
def test_any_text_reads_as_unauthenticated_and_never_crashes(text: str) -> None:
    tokens = LoginTokens(SECRET, IDS, FrozenClock(), lifetime_s=60)

    with pytest.raises(Unauthenticated):
        tokens.read(text)


def test_jwt_and_api_key_are_told_apart(tokens: LoginTokens) -> None:
    assert looks_like_jwt(tokens.issue(ANNA))
    assert not looks_like_jwt(make_key())
    assert not looks_like_jwt("legacy.token.with-dots")


@given(st.lists(st.text(), min_size=1, max_size=4).map(".".join))
def test_only_a_header_with_alg_looks_like_a_jwt(text: str) -> None:
    assert not looks_like_jwt(text)


@given(st.dictionaries(st.text(), st.integers()))
def test_jwt_header_is_known_by_its_alg(header: dict[str, int]) -> None:
    first = base64.urlsafe_b64encode(json.dumps(header).encode()).decode().rstrip("=")

    assert looks_like_jwt(f"{first}.a.b") is ("alg" in header and len(first) < 4_000)


def test_link_reads_back_until_it_runs_out(clock: FrozenClock) -> None:
    links = SignedLinks(make_secret(), clock)
    token = links.make("pairing", "code=ÄB12")
    clock.advance(DAY_MS)

    assert links.read("pairing", token, max_age_s=86_400) == "code=ÄB12"
    clock.advance(1_000)
    with pytest.raises(Invalid, match="run out"):
        links.read("pairing", token, max_age_s=86_400)


def test_link_is_good_for_its_purpose_only(clock: FrozenClock) -> None:
    links = SignedLinks(SECRET, clock)
    token = links.make("pairing", "1")

    with pytest.raises(Invalid, match="not valid"):
        links.read("first-admin", token, max_age_s=60)


@given(st.text())
def test_any_text_as_a_link_is_invalid_and_never_crashes(text: str) -> None:
    links = SignedLinks(SECRET, FrozenClock())

    with pytest.raises(Invalid):
        links.read("pairing", text, max_age_s=60)
