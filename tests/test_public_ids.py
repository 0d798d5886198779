"""What the outside sees of an inner key leads back to it, and to nothing else."""

import re

from hypothesis import given
from hypothesis import strategies as st

from textko_server.gateway.public_ids import Kind, PublicIds

IDS = PublicIds(b"a secret of this installation")
keys = st.integers(1, (1 << 53) - 1)
times = st.integers(0, (1 << 32) * 1000 - 1)
kinds = st.sampled_from(list(Kind))


@given(kinds, keys, times)
def test_public_id_leads_back_to_its_key(kind: Kind, key: int, at: int) -> None:
    public_id = IDS.encode(kind, key, at)

    assert re.fullmatch(r"[0-9a-f]{24}", public_id)
    assert IDS.decode(kind, public_id) == key


@given(keys)
def test_hash_leads_back_to_its_key(key: int) -> None:
    value = IDS.encode_hash(key)

    assert re.fullmatch(r"[0-9a-f]{16}", value)
    assert IDS.decode_hash(value) == key


@given(kinds, st.sets(keys, min_size=2, max_size=20))
def test_two_keys_never_share_an_id(kind: Kind, some: set[int]) -> None:
    assert len({IDS.encode(kind, key, 0) for key in some}) == len(some)


@given(keys, times, times)
def test_ids_sort_by_time(key: int, first: int, second: int) -> None:
    earlier, later = sorted((first, second))

    assert IDS.encode(Kind.MESSAGE, key, earlier)[:8] <= IDS.encode(Kind.MESSAGE, key, later)[:8]


@given(st.text(max_size=30) | st.from_regex(r"[0-9A-Fa-f]{23,25}", fullmatch=True))
def test_what_is_no_id_leads_nowhere_and_never_raises(text: str) -> None:
    key = IDS.decode(Kind.MESSAGE, text)

    assert key is None or (re.fullmatch(r"[0-9a-f]{24}", text) and 0 < key < 1 << 53)
    assert IDS.decode_hash(text) is None or re.fullmatch(r"[0-9a-f]{16}", text)


def test_neighbours_kinds_and_installations_look_unrelated() -> None:
    other = PublicIds(b"another secret")

    shown = {
        IDS.encode(Kind.MESSAGE, 1, 0),
        IDS.encode(Kind.MESSAGE, 2, 0),
        IDS.encode(Kind.RECIPIENT, 1, 0),
        other.encode(Kind.MESSAGE, 1, 0),
    }

    assert len(shown) == 4
    assert IDS.decode(Kind.DEVICE, IDS.encode(Kind.MESSAGE, 1, 0)) != 1
