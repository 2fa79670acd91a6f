"""Structured JSON logs, one line per event, on standard output; secrets are blotted out (aiox.runtime.redaction)."""

from __future__ import annotations

import json
import logging
import sys
import traceback

import structlog

from aiox.runtime.redaction import redact, redact_text

Log = structlog.typing.FilteringBoundLogger


class _JsonLine(logging.Formatter):
    """What libraries log, in the same form."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        line = {"service": self._service, "logger": record.name, "level": record.levelname.lower()}
        line["event"] = record.getMessage()
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps({name: redact_text(value) for name, value in line.items()})


def configure_logs(service: str, level: str) -> Log:
    """Sets up logging for this process and returns its logger, bound to the service name."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(_JsonLine(service))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            redact,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stdout),
        cache_logger_on_first_use=True,
    )
    log: Log = structlog.get_logger().bind(service=service)
    return log


def describe(error: BaseException) -> str:
    """An unexpected exception without its message, which may quote what a person wrote: its type and where it arose."""
    frames = traceback.extract_tb(error.__traceback__)[-4:]
    where = " < ".join(f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno} {frame.name}" for frame in reversed(frames))
    return f"{type(error).__module__}.{type(error).__name__} at {where or 'an unknown place'}"
