"""`python -m hub.demo` hosts the stand-ins; `python -m hub.demo seed` fills their databases."""

import argparse
import asyncio
import signal
import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack

import asyncpg

from hub.demo.drawing.size import SIZES, Size, in_home_currency
from hub.demo.hooks import TELLERS, Hook
from hub.demo.seeding import HUB, seed
from hub.demo.serving import Place, serve
from hub.demo.storage import speak_json
from hub.demo.systems import SYSTEMS, create_tables


def main(arguments: list[str] | None = None) -> None:
    parser = arguments_parser()
    options = vars(parser.parse_args(arguments))
    known = [*SYSTEMS, HUB] if options["command"] == "seed" else list(SYSTEMS)
    wanted = options["only"].split(",") if options["only"] else list(SYSTEMS)
    unknown = sorted(set(wanted) - set(known))
    if unknown:
        parser.error(f"{', '.join(unknown)}: there are only {', '.join(known)}")
    homeless = [f"--{name}-dsn" for name in wanted if not options[f"{name}_dsn"]]
    if homeless:
        parser.error(f"give {' '.join(homeless)}, or name the systems to run with --only")
    places = {
        name: Place(
            dsn=options[f"{name}_dsn"],
            port=options[f"{name}_port"],
            key=options[f"{name}_key"],
            hook=_hook(name, options),
        )
        for name in wanted
    }
    if options["command"] == "seed":
        size = SIZES[options["size"]]
        asyncio.run(fill(places, in_home_currency(size) if options["home_currency"] else size))
    else:
        # The server stops on these signals by itself, and raises them again when it has.
        for stop in (signal.SIGINT, signal.SIGTERM):
            signal.signal(stop, lambda *_: sys.exit(0))
        asyncio.run(serve(places))


def _hook(system: str, options: Mapping[str, str | None]) -> Hook | None:
    url, secret = options["webhook_url"], options["webhook_secret"]
    if system not in TELLERS or not url or not secret:
        return None
    return Hook(url=f"{url}/{system}", secret=secret)


def arguments_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m hub.demo", description=__doc__)
    parser.add_argument("command", nargs="?", choices=("serve", "seed"), default="serve")
    parser.add_argument(
        "--size", choices=tuple(SIZES), default="S", help="how large a firm to seed"
    )
    parser.add_argument(
        "--home-currency", action="store_true", help="bill no one in a foreign currency"
    )
    parser.add_argument("--only", metavar="NAMES", help="the systems meant, with commas between")
    parser.add_argument(
        "--webhook-url",
        help=f"where {', '.join(TELLERS)} tell of their records, each under its name;"
        " default: nowhere",
    )
    parser.add_argument("--webhook-secret", help="what they sign that by")
    for name in (*SYSTEMS, HUB):
        parser.add_argument(f"--{name}-dsn", metavar="DSN", help=f"the database of {name}")
        parser.add_argument(f"--{name}-port", metavar="PORT", type=int, default=0)
        parser.add_argument(f"--{name}-key", metavar="KEY", help=f"default: demo-{name}")
    return parser


async def fill(places: Mapping[str, Place], size: Size) -> None:
    """Creates the tables and seeds those databases that are still empty."""
    async with AsyncExitStack() as stack:
        connections = {}
        for name, place in places.items():
            connections[name] = await asyncpg.connect(place.dsn)
            stack.push_async_callback(connections[name].close)
            await speak_json(connections[name])
            if name in SYSTEMS:
                await create_tables(name, connections[name])
        await seed(connections, size=size)


if __name__ == "__main__":
    main()
