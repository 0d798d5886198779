"""Too many failed logins wait, per account and per address."""

import pytest

from tests.clocks import FrozenClock
from textko_server.clock import DAY_MS, MINUTE_MS
from textko_server.errors import TooManyRequests
from textko_server.gateway import login_throttle
from textko_server.gateway.login_throttle import LoginThrottle

ANNA, BEN = "anna@example.com", "ben@example.com"


@pytest.fixture
def throttle(clock: FrozenClock) -> LoginThrottle:
    return LoginThrottle(clock, limit=3)


def _fail(throttle: LoginThrottle, count: int, email: str, address: str | None) -> None:
    for _ in range(count):
        throttle.begin(email, address)


def test_account_waits_after_the_limit_from_whatever_address(throttle: LoginThrottle) -> None:
    for address in ("192.0.2.1", "192.0.2.2", "192.0.2.3"):
        throttle.begin(ANNA, address)

    with pytest.raises(TooManyRequests) as refusal:
        throttle.begin(" ANNA@example.com", "192.0.2.4")
    assert refusal.value.retry_after_s == 900
    throttle.begin(BEN, "192.0.2.4")


def test_address_waits_after_the_limit_for_whatever_account(throttle: LoginThrottle) -> None:
    for email in ("a@example.com", "b@example.com", "c@example.com"):
        throttle.begin(email, "192.0.2.1")

    with pytest.raises(TooManyRequests):
        throttle.begin(ANNA, "192.0.2.1")
    throttle.begin(ANNA, "192.0.2.2")


def test_ipv6_counts_by_network_since_a_client_has_all_of_it(throttle: LoginThrottle) -> None:
    for number, email in enumerate(("a@example.com", "b@example.com", "c@example.com")):
        throttle.begin(email, f"2001:db8::{number}")

    with pytest.raises(TooManyRequests):
        throttle.begin(ANNA, "2001:db8::ffff:1")
    throttle.begin(ANNA, "2001:db8:0:1::1")


def test_ipv4_over_ipv6_is_the_same_address(throttle: LoginThrottle) -> None:
    for email in ("a@example.com", "b@example.com", "c@example.com"):
        throttle.begin(email, "::ffff:192.0.2.1")

    with pytest.raises(TooManyRequests):
        throttle.begin(ANNA, "192.0.2.1")


def test_waiting_the_named_time_helps(throttle: LoginThrottle, clock: FrozenClock) -> None:
    throttle.begin(ANNA, None)
    clock.advance(MINUTE_MS + 1)
    _fail(throttle, 2, ANNA, None)
    with pytest.raises(TooManyRequests) as refusal:
        throttle.begin(ANNA, None)

    assert refusal.value.retry_after_s == 840
    clock.advance(840_000)
    throttle.begin(ANNA, None)


def test_refused_attempts_do_not_prolong_the_wait(
    throttle: LoginThrottle, clock: FrozenClock
) -> None:
    _fail(throttle, 3, ANNA, None)
    clock.advance(10 * MINUTE_MS)
    for _ in range(100):
        with pytest.raises(TooManyRequests):
            throttle.begin(ANNA, None)

    clock.advance(5 * MINUTE_MS)
    throttle.begin(ANNA, None)


def test_success_forgets_the_failures_of_the_account(throttle: LoginThrottle) -> None:
    _fail(throttle, 3, ANNA, None)
    throttle.succeeded(ANNA, None)

    _fail(throttle, 3, ANNA, None)


def test_success_does_not_buy_an_address_guesses_at_other_accounts(
    throttle: LoginThrottle,
) -> None:
    _fail(throttle, 2, BEN, "192.0.2.1")
    throttle.begin(ANNA, "192.0.2.1")
    throttle.succeeded(ANNA, "192.0.2.1")
    throttle.begin("c@example.com", "192.0.2.1")

    with pytest.raises(TooManyRequests):
        throttle.begin("d@example.com", "192.0.2.1")


def test_many_logins_from_one_address_pass_while_they_are_right(throttle: LoginThrottle) -> None:
    for _ in range(50):
        throttle.begin(ANNA, "192.0.2.1")
        throttle.succeeded(ANNA, "192.0.2.1")


def test_clock_set_back_does_not_lock_anybody_out(
    throttle: LoginThrottle, clock: FrozenClock
) -> None:
    _fail(throttle, 3, ANNA, None)
    clock.advance(-30 * DAY_MS)

    throttle.begin(ANNA, None)


def test_limit_of_zero_is_no_limit(clock: FrozenClock) -> None:
    _fail(LoginThrottle(clock, limit=0), 1_000, ANNA, "192.0.2.1")


def test_memory_is_bounded_and_the_longest_silent_is_forgotten_first(
    clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(login_throttle, "MAX_KEY_COUNT", 4)
    throttle = LoginThrottle(clock, limit=2)
    throttle.begin(BEN, None)
    throttle.begin(ANNA, None)
    _fail(throttle, 2, "c@example.com", None)
    throttle.begin(BEN, None)
    for number in range(2):
        throttle.begin(f"{number}{'x' * 10_000}", None)

    with pytest.raises(TooManyRequests):
        throttle.begin(BEN, None)
    _fail(throttle, 2, ANNA, None)


def test_address_that_is_none_is_counted_as_it_is(throttle: LoginThrottle) -> None:
    for email in ("a@example.com", "b@example.com", "c@example.com"):
        throttle.begin(email, "unknown\ud800")

    with pytest.raises(TooManyRequests):
        throttle.begin(ANNA, "unknown\ud800")
