"""The peer of `models`: the LiteLLM proxy as its documents advise for production, in an environment of its own."""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import aiohttp

from bench.peers import python
from bench.throwaway import free_ports, running

KEY: Final = "sk-bench-0123456789abcdef"
MODEL: Final = "stub"
READY_S: Final = 120.0


@asynccontextmanager
async def proxy(model_url: str) -> AsyncIterator[tuple[int, str]]:
    """Its process and its URL, answering. Raises RuntimeError when it ends, TimeoutError after two minutes."""
    litellm = python("litellm", constrained=False).parent / "litellm"
    [port] = free_ports(1)
    with tempfile.TemporaryDirectory(prefix="aiox-bench-") as folder:
        log = Path(folder) / "log"
        config = _written(Path(folder), model_url)
        words = ("--config", config, "--host", "127.0.0.1", "--port", str(port), "--num_workers", str(_cores()))
        with log.open("wb") as file:
            async with running(litellm, *words, environment=_environment(folder), stdout=file, stderr=file) as process:
                await _until_ready(f"http://127.0.0.1:{port}", process, log)
                yield process.pid, f"http://127.0.0.1:{port}"


def _written(folder: Path, model_url: str) -> Path:
    path = folder / "config.yaml"
    path.write_text(json.dumps(_config(model_url)))  # JSON is YAML
    return path


def _config(model_url: str) -> dict[str, object]:
    model = {"model": f"openai/{MODEL}", "api_key": "none", "api_base": model_url}
    return {
        "model_list": [{"model_name": MODEL, "litellm_params": model}],
        "general_settings": {"master_key": KEY, "disable_error_logs": True, "disable_spend_logs": True},
        "litellm_settings": {"set_verbose": False, "json_logs": True, "request_timeout": 600},
    }


def _environment(home: str) -> dict[str, str]:
    said = {
        "LITELLM_MODE": "PRODUCTION",
        "LITELLM_LOG": "ERROR",
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "NO_DOCS": "True",
        "HOME": home,
    }
    return {"PATH": os.environ.get("PATH", ""), "LANG": "C.UTF-8", **said}


def _cores() -> int:
    return len(os.sched_getaffinity(0))


def _end_of(log: Path) -> str:
    return log.read_text()[-2000:]


async def _until_ready(url: str, process: asyncio.subprocess.Process, log: Path) -> None:
    async with asyncio.timeout(READY_S), aiohttp.ClientSession() as session:
        while True:
            if process.returncode is not None:
                raise RuntimeError(f"the LiteLLM proxy has ended: {_end_of(log)}")
            try:
                async with session.get(f"{url}/health/liveliness") as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientError:
                pass  # it does not listen yet
            await asyncio.sleep(0.2)
