"""Plain sentence-transformers, one text after the other: `encode` as its first page shows it.

Runs in an environment of its own (bench/peers-embeddings.txt) and knows nothing of the hub. `python
plain_sentence_transformers.py MODEL`; each line that comes is a JSON list of texts, each answer the seconds they took.
"""

from __future__ import annotations

import json
import os
import sys
import time

os.environ["HF_HUB_OFFLINE"] = "1"


def main() -> None:
    from sentence_transformers import SentenceTransformer  # type: ignore[import-not-found,unused-ignore]

    model = SentenceTransformer(sys.argv[1], device="cpu")
    model.encode("warm")
    print("ready", flush=True)
    for line in sys.stdin:
        texts = json.loads(line)
        began = time.perf_counter()
        for text in texts:
            model.encode(text)
        print(time.perf_counter() - began, flush=True)


if __name__ == "__main__":
    main()
