"""Logs: one line per event, with keys from the vocabulary; JSON where nobody watches a terminal."""

from __future__ import annotations

import logging
import sys

import structlog


def configure_logs(*, is_quiet: bool = False) -> None:
    """Send logs to stderr. `is_quiet` keeps errors alone: for commands that tell a story."""
    # Plain tracebacks: a rich one prints local variables, which may hold secrets.
    console = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    renderer: structlog.typing.Processor = (
        console if sys.stderr.isatty() else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *([] if sys.stderr.isatty() else [structlog.processors.format_exc_info]),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.ERROR if is_quiet else logging.INFO
        ),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
