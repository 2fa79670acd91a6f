"""Structured JSON logs, one line per event, on standard output."""

from __future__ import annotations

import logging
import sys

import structlog

Log = structlog.typing.FilteringBoundLogger


def configure_logs(service: str, level: str) -> Log:
    """Sets up logging for this process and returns its logger, bound to the service name."""
    logging.basicConfig(stream=sys.stdout, level=logging.WARNING, format='{"logger":"%(name)s","event":"%(message)s"}')
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stdout),
        cache_logger_on_first_use=True,
    )
    log: Log = structlog.get_logger().bind(service=service)
    return log
