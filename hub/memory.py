"""The garbage collector of a long-running process."""

from __future__ import annotations

import gc


def calm_collector() -> None:
    """Leave what start-up made alone, and collect less often.

    Requests and batches make many short-lived objects and hardly any cycle. Python's defaults
    walk all modules and schemas again and again for them, at about a quarter of the CPU.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 50, 50)
