"""`python -m bench` runs the benches, or those it names, and writes bench/results.json.

A figure is named after its bench, unless the bench says otherwise with a name of two parts.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any

import uvloop

from bench.boards import bench_boards
from bench.cdc import bench_cdc
from bench.faults import bench_faults
from bench.graph import bench_graph
from bench.growth import bench_growth
from bench.kafka import bench_kafka
from bench.machine import describe_machine
from bench.side_by_side import bench_beside
from hub.telemetry import configure_logs

RESULTS = Path(__file__).parent / "results.json"
BENCHES: Mapping[str, Callable[[Path], Coroutine[Any, Any, dict[str, float]]]] = {
    "graph": bench_graph,
    "cdc": bench_cdc,
    "kafka": bench_kafka,
    "beside": bench_beside,
    "boards": bench_boards,
    "faults": bench_faults,
    "growth": bench_growth,
}


def main() -> None:
    configure_logs(is_quiet=True)
    wanted = sys.argv[1:] or list(BENCHES)
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    for name in wanted:
        with tempfile.TemporaryDirectory(prefix="concord-bench-") as folder:
            Path(folder).chmod(0o755)  # as root the server runs as another account
            measured = uvloop.run(BENCHES[name](Path(folder)))
        results |= {_full(name, key): round(value, 3) for key, value in measured.items()}
    results["machine"] = describe_machine()
    RESULTS.write_text(json.dumps(results, indent=2, sort_keys=True) + "\n")
    for key, value in sorted(results.items()):
        print(f"{key:36} {value}")


def _full(bench: str, key: str) -> str:
    return key if "." in key else f"{bench}.{key}"


main()
