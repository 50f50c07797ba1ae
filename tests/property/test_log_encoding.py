"""Headers and keys survive the log, whatever bytes they are."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cdc.log.headers import decode_headers, encode_headers
from cdc.log.partitioner import partition_of


@given(st.dictionaries(st.text(), st.binary()))
def test_headers_come_back_as_they_went(headers: dict[str, bytes]) -> None:
    """Decoding after encoding is the identity, for any name and any bytes."""
    assert decode_headers(encode_headers(headers)) == headers


@given(st.binary(), st.integers(min_value=1, max_value=64))
def test_a_key_has_one_partition(key: bytes, partitions: int) -> None:
    """The partition exists and depends on nothing but the key's bytes."""
    assert partition_of(key, partitions) == partition_of(bytes(key), partitions)
    assert 0 <= partition_of(key, partitions) < partitions


def test_known_keys_stay_where_they_are() -> None:
    """The hash is part of the stored format: moving a key would break its order."""
    assert [partition_of(key, 4) for key in (b'{"id":1}', b'{"id":2}', b"", None)] == [1, 2, 0, 0]
