"""The Cranfield collection, the classic test of retrieval: read from the folder that CRANFIELD names, never copied."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Collection:
    """Abstracts by number as (title, text), questions in order, and the relevant abstracts of each question."""

    abstracts: Mapping[int, tuple[str, str]]
    questions: Sequence[str]
    relevant: Mapping[int, frozenset[int]]

    def ndcg(self, question: int, ranking: Sequence[int], depth: int = 10) -> float:
        """Normalised discounted cumulative gain of a ranking; question numbers count from 1, grades are 0 or 1."""
        wanted = self.relevant[question]
        gain = sum(1 / math.log2(rank + 1) for rank, one in enumerate(ranking[:depth], 1) if one in wanted)
        best = sum(1 / math.log2(rank + 1) for rank in range(1, min(depth, len(wanted)) + 1))
        return gain / best if best else 0.0


def load(folder: Path) -> Collection:
    """Reads the three files. Judgements count questions in file order, not by their number."""
    abstracts = {}
    for record in _records(folder / "cran.all.1400"):
        number, rest = record.split("\n", 1)
        title = rest.partition(".T\n")[2].partition("\n.A")[0]
        text = rest.partition("\n.W\n")[2]
        abstracts[int(number)] = (" ".join(title.split()), " ".join(text.split()))
    questions = [" ".join(record.partition(".W\n")[2].split()) for record in _records(folder / "cran.qry")]
    relevant: dict[int, set[int]] = defaultdict(set)
    for line in (folder / "cranqrel").read_text().splitlines():
        question, abstract, grade = map(int, line.split()[:3])
        if grade > 0:
            relevant[question].add(abstract)
    return Collection(abstracts, questions, {one: frozenset(found) for one, found in relevant.items()})


def _records(path: Path) -> list[str]:
    return re.split(r"^\.I ", path.read_text(), flags=re.MULTILINE)[1:]
