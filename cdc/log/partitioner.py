"""Which partition a key belongs to."""

from __future__ import annotations

import zlib


def partition_of(key: bytes | None, partitions: int) -> int:
    """The same key always has the same partition, so its records keep their order.

    The number of partitions of a topic is therefore fixed when it is created.
    """
    return 0 if key is None else zlib.crc32(key) % partitions
