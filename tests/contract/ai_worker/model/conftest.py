"""litellm takes seconds to import, many on a busy machine, and warns of what it does: not what is tested here."""

from __future__ import annotations

import warnings

import pytest

from ai_worker.model.litellm_model import LiteLlm
from ai_worker.words import Limits, ModelChoice, Prompt
from bench.stub_model import stub_model


@pytest.fixture(scope="session", autouse=True)
async def litellm_is_imported() -> None:
    """One whole call, for parts of it are imported at the first."""
    patient = Limits(max_output_tokens=10, max_total_tokens=1000, temperature=0.0, timeout_s=90.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        async with stub_model("warm") as stub:
            model = LiteLlm(ModelChoice("openai", "stub", stub.url, "none"))
            prompt = Prompt(agent_name="A", system_prompt="", message="Hi")
            assert [delta async for delta in model.complete(prompt, patient)]
