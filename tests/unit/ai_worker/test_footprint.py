"""What a worker does without until it is needed: memory, and code that strangers' files could reach."""

from __future__ import annotations

import subprocess
import sys

from tests.architecture.house import TOP

LATER = ("litellm", "openai", "torch", "sentence_transformers", "pypdf", "boto3", "botocore")


def test_a_worker_starts_without_what_few_need() -> None:
    """litellm takes 100 MB; a PDF is parsed in a process of its own, and its parser has no business in this one."""
    code = f"import ai_worker.service, sys; print([name for name in {LATER} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=TOP, check=True)
    assert done.stdout.strip() == "[]"
