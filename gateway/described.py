"""The OpenAPI document: what FastAPI makes of the routes, with what the layers around them add."""

from __future__ import annotations

from typing import Any, Final

from fastapi import FastAPI

from aiox.kernel.errors import ErrorCode
from gateway.access import is_open
from gateway.idempotency import DESCRIPTION, PATTERN
from gateway.schemas.common import Problem, add_problems

_KEY: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "pattern": PATTERN},
    "description": DESCRIPTION,
}


_BEARER: Final = {
    "type": "http",
    "scheme": "bearer",
    "description": "An access token from POST /v1/sessions, 15 minutes",
}


class DescribedApi(FastAPI):
    """Describes its problems as they are: application/problem+json, and no bad path (that is a 404).

    And that all but the ways to sign in want a token: it is checked before any route is reached (gateway.access).
    """

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document."""
        described = super().openapi()
        schemas = described["components"]["schemas"]
        if "Problem" not in schemas:
            problem_schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas |= {**problem_schema.pop("$defs"), "Problem": problem_schema}
            schemas.pop("HTTPValidationError", None)
            schemas.pop("ValidationError", None)
            described["components"]["securitySchemes"] = {"HTTPBearer": _BEARER}
            for path, operations in described["paths"].items():
                for method, operation in operations.items():
                    if not is_open(method.upper(), path):
                        operation["security"] = [{"HTTPBearer": []}]
                    _mend(method, operation)
        return described


def _mend(method: str, operation: dict[str, Any]) -> None:
    responses = operation["responses"]
    if "HTTPValidationError" in str(responses.get("422", "")):
        del responses["422"]
    if any(one["in"] != "path" for one in operation.get("parameters", ())):
        add_problems(responses, ErrorCode.BODY_INVALID)
    if method == "post" and "security" in operation:
        parameters = operation.setdefault("parameters", [])
        parameters[:] = [*(one for one in parameters if one["name"] != _KEY["name"]), _KEY]
        add_problems(responses, ErrorCode.KEY_IN_USE, ErrorCode.KEY_REUSED, ErrorCode.BODY_INVALID)
