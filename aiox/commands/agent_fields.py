"""The public JSON of an agent (SPEC 2), as commands take it: whole, or only the fields that are to change."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import Field, StringConstraints, ValidationError, field_validator, model_validator

from aiox.commands.fields import Fields, sentence
from aiox.kernel.agent import (
    MAX_PROMPT_CHARACTERS,
    AgentSpec,
    Capabilities,
    Governance,
    Line,
    LlmConfig,
    McpServer,
    MemoryConfig,
    Part,
    Prose,
    Tool,
    Visibility,
)
from aiox.kernel.avatar import MAX_URI_CHARACTERS, Image, read_data_uri

Grantee = Annotated[
    str,
    StringConstraints(strip_whitespace=True, to_lower=True, max_length=512, pattern=r"^([^@/\s\x00]+@)?[^@/\s\x00]+$"),
]
"""A bare JID or a domain."""
SystemPrompt = Annotated[Prose, StringConstraints(max_length=MAX_PROMPT_CHARACTERS)]
GivenAvatar = Annotated[
    str, StringConstraints(max_length=MAX_URI_CHARACTERS, pattern=r"^(sha256:[0-9a-f]{64}|data:[!-~]*)?$")
]
"""An image as a `data:` URI, the name of one that the agent has, or empty for none."""


class GivenProfile(Part):
    """How the agent shows itself, and the system prompt, which is stored encrypted."""

    name: Annotated[Line, StringConstraints(min_length=1, max_length=100)]
    description: Prose = Field("", max_length=2000)
    system_prompt: SystemPrompt = ""
    personality_traits: tuple[Line, ...] = Field((), max_length=16)
    avatar: GivenAvatar = ""

    @field_validator("avatar")
    @classmethod
    def _is_an_image(cls, avatar: str) -> str:
        return _checked(avatar)


class AgentFields(Fields):
    """An agent, whole. What is left out has the defaults of SPEC 2."""

    profile: GivenProfile
    llm_config: LlmConfig = LlmConfig()
    capabilities: Capabilities = Capabilities()
    memory_config: MemoryConfig = MemoryConfig()
    tools: tuple[Tool, ...] = Field((), max_length=32)
    mcp_servers: tuple[McpServer, ...] = Field((), max_length=16)
    governance: Governance = Governance()
    visibility: Visibility = Visibility.PRIVATE

    @model_validator(mode="after")
    def _is_a_specification(self) -> Self:
        try:
            spec_of(whole(self)[0])
        except ValidationError as wrong:
            raise ValueError(sentence(wrong)) from None
        return self


class ProfilePatch(Part):
    """The fields of a profile that are to change."""

    name: Annotated[Line, StringConstraints(min_length=1, max_length=100)] = "unchanged"
    description: Prose = Field("", max_length=2000)
    system_prompt: SystemPrompt = ""
    personality_traits: tuple[Line, ...] = Field((), max_length=16)
    avatar: GivenAvatar = ""

    @field_validator("avatar")
    @classmethod
    def _is_an_image(cls, avatar: str) -> str:
        return _checked(avatar)


class AgentPatch(Fields):
    """The fields that are to change, laid over the draft as in RFC 7396; lists are replaced whole.

    null puts a part back to its defaults. What is left out stays as it is: the defaults shown here are not applied.
    """

    profile: ProfilePatch = ProfilePatch()
    llm_config: LlmConfig | None = None
    capabilities: Capabilities | None = None
    memory_config: MemoryConfig | None = None
    tools: tuple[Tool, ...] | None = Field(None, max_length=32)
    mcp_servers: tuple[McpServer, ...] | None = Field(None, max_length=16)
    governance: Governance | None = None
    visibility: Visibility | None = None


def whole(fields: AgentFields) -> tuple[dict[str, Any], str]:
    """The specification, as JSON, and the system prompt of whole fields; other fields of a command are left out."""
    given = fields.model_dump(mode="json", include=set(AgentFields.model_fields))
    return given, given["profile"].pop("system_prompt")


def shown_image(avatar: str) -> Image | None:
    """The image that was given, when one was. Raises ValueError, which fields have been checked against."""
    return read_data_uri(avatar) if avatar.startswith("data:") else None


def spec_of(given: dict[str, Any]) -> AgentSpec:
    """The specification of JSON that was given; a given image is replaced by its name. Raises ValidationError."""
    image = shown_image(given["profile"]["avatar"])
    profile = given["profile"] if image is None else {**given["profile"], "avatar": image.ref}
    return AgentSpec.model_validate({**given, "profile": profile})


def _checked(avatar: str) -> str:
    shown_image(avatar)
    return avatar
