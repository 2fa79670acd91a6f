"""Planted secrets do not reach a log line, whatever field or sentence they stand in."""

from __future__ import annotations

import json
import subprocess
import sys
from uuid import uuid4

import pytest

from aiox.runtime.redaction import BLOT, DEPTH, redact, redact_text

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
TOKENS = [
    JWT,
    "sk-live-0123456789abcdef",
    "sk-proj_0123456789abcdefgh",
    "hf_abcdefghijklmnopqrst",
    "ghp_abcdefghijklmnopqrst",
    "AKIAIOSFODNN7EXAMPLE",
    "0123456789abcdef" * 4,
    "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg\n-----END PRIVATE KEY-----",
    "-----BEGIN EC PRIVATE KEY-----\nMIIEvQIBADANBg",
]
SECRET_FIELDS = ["password", "new_password", "secret", "api_key", "apikey", "authorization", "cookie", "token", "jwt",
                 "access_token", "refresh_token", "recovery_code", "credential", "credentials", "keyring", "totp",
                 "Authorization"]  # fmt: skip
TEXT_FIELDS = ["system_prompt", "prompt", "body", "content", "text", "answer", "input", "output", "message"]
KEPT = {"event": "turn_done", "turn_id": str(uuid4()), "tokens": 12, "tokens_used": 3, "credential_id": str(uuid4()),
        "key_id": 7, "status": "valid", "worker_id": "worker-8084", "ok": True, "left": None, "ms": 1.5,
        "path": "/v1/sessions/refresh"}  # fmt: skip


@pytest.mark.parametrize("token", TOKENS, ids=lambda token: token[:12])
@pytest.mark.parametrize("sentence", ["{}", "refused: {}", "key={};", "Invalid '{}' given", "({})"])
def test_a_token_in_a_sentence(token: str, sentence: str) -> None:
    assert token not in redact_text(sentence.format(token))
    assert BLOT in redact_text(sentence.format(token))


@pytest.mark.parametrize("value", ["Bearer abcdefghij", "Basic dXNlcjpwYXNz", "postgres://aiox:hunter22@127.0.0.1/x"])
def test_a_header_or_address_with_a_password(value: str) -> None:
    said = redact_text(f"tried {value} twice")
    assert not any(part in said for part in ("abcdefghij", "dXNlcjpwYXNz", "hunter22"))


@pytest.mark.parametrize("name", SECRET_FIELDS)
def test_a_field_by_its_name(name: str) -> None:
    for value in ("hunter2", b"hunter2", {"deep": "hunter2"}, ["hunter2"]):
        assert "hunter2" not in str(redact(None, "info", {name: value}))
        assert "hunter2" not in str(redact(None, "info", {"more": {name: value}}))


def test_a_code_of_digits() -> None:
    assert redact(None, "info", {"totp": 123456, "recovery_code": 99887766}) == {"totp": BLOT, "recovery_code": BLOT}


@pytest.mark.parametrize("name", TEXT_FIELDS)
def test_what_people_and_models_say_is_told_by_length_and_digest(name: str) -> None:
    said = redact(None, "info", {name: "what the owner said"})[name]
    assert said.startswith("[19 bytes, sha256 ")
    assert "owner" not in said


@pytest.mark.control
def test_what_is_no_secret_stays_as_it_is() -> None:
    assert redact(None, "info", dict(KEPT)) == KEPT


def test_what_lies_too_deep_is_left_out() -> None:
    value: object = "sk-live-0123456789abcdef"
    for _ in range(DEPTH + 2):
        value = {"more": value}
    assert "sk-live" not in str(redact(None, "info", {"more": value}))


PROGRAM = """
import logging, sys
from aiox.runtime.logs import configure_logs
token = sys.argv[1]
log = configure_logs("gateway", "INFO")
log.info("tried", password=token, detail=f"with {token}", nested={"headers": [("authorization", token)]})
log.bind(api_key=token).warning("refused")
try:
    raise ValueError(f"no such key: {token}")
except ValueError as error:
    log.error("failed", exc_info=error)
    log.exception("failed again")
    logging.getLogger("some.library").warning("answered %s", token, exc_info=True)
"""


@pytest.mark.parametrize("token", [TOKENS[0], TOKENS[1], TOKENS[6]], ids=lambda token: token[:8])
def test_no_line_of_a_service_holds_one(token: str) -> None:
    ran = subprocess.run([sys.executable, "-c", PROGRAM, token], capture_output=True, text=True, check=True)
    lines = [json.loads(line) for line in ran.stdout.splitlines()]
    assert len(lines) == 5
    assert token not in ran.stdout + ran.stderr
    assert BLOT in ran.stdout


@pytest.mark.control
def test_without_the_last_processor_it_would() -> None:
    program = PROGRAM.replace("token = sys.argv[1]", "token = sys.argv[1]\nimport aiox.runtime.logs as logs\n"
                              "logs.redact = lambda a, b, event: event\nlogs.redact_text = str")  # fmt: skip
    ran = subprocess.run([sys.executable, "-c", program, TOKENS[1]], capture_output=True, text=True, check=True)
    assert TOKENS[1] in ran.stdout
