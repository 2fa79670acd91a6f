"""How the fields of a command are declared and read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError, field_validator

from aiox.kernel.errors import ErrorCode
from aiox.kernel.outcome import Refused

RULE_FORM = "F0 form"


class Fields(BaseModel):
    """What a command asks for: frozen, checked when made, unknown names refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @field_validator("*")
    @classmethod
    def _whole_characters(cls, value: Any) -> Any:
        """Half a character (a lone surrogate) is no text: pydantic finds it in strings, but not in secrets."""
        if isinstance(value, SecretStr):
            try:
                value.get_secret_value().encode()
            except UnicodeEncodeError:
                raise ValueError("Input should be a valid string, unable to encode it as UTF-8") from None
        return value


Form = TypeVar("Form", bound=Fields)


def read(form: type[Form], given: Mapping[str, Any]) -> Form | Refused:
    """The fields of a command, or BODY_INVALID with a sentence that names each bad field."""
    try:
        return form.model_validate(given)
    except ValidationError as wrong:
        return Refused(ErrorCode.BODY_INVALID, sentence(wrong), (RULE_FORM,))


def sentence(wrong: ValidationError) -> str:
    """What is wrong with which field; never the value itself, which may be a secret."""
    found = wrong.errors(include_input=False, include_url=False, include_context=False)
    return "; ".join(f"{'.'.join(map(str, one['loc'])) or 'body'}: {one['msg']}" for one in found)
