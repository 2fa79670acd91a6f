"""The pages' own rules: features are strangers, no `any`, one place for colours, every text in both languages."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2] / "web"
SOURCE: Final = ROOT / "src"
FEATURES: Final = sorted(one.name for one in (SOURCE / "features").iterdir() if one.is_dir())
MOST_LINES: Final = 400
_KEY: Final = re.compile(r"^ *(?:\{ )?(\w+):|[{,] (\w+):", re.MULTILINE)
_ANY: Final = re.compile(r"[:<|&(,] *any\b|\bas any\b|@ts-ignore|@ts-expect-error|@ts-nocheck")
_COLOUR: Final = re.compile(r"#[0-9a-f]{3,8}\b|\brgba?\(|\bhsla?\(", re.IGNORECASE)


def written(*endings: str) -> list[Path]:
    """The files of the pages that people write."""
    return sorted(
        one for one in SOURCE.rglob("*") if one.suffix in endings and "generated" not in one.relative_to(SOURCE).parts
    )


def _without_parameters(file: Path) -> str:
    return re.sub(r"\([^()]*\) =>", "=>", file.read_text())


@pytest.mark.parametrize("feature", FEATURES)
def test_features_do_not_import_each_other(feature: str) -> None:
    others = "|".join(one for one in FEATURES if one != feature)
    for file in (SOURCE / "features" / feature).rglob("*.ts*"):
        assert not re.search(rf'from "(\.\./)+(features/)?({others})/', file.read_text()), file


def test_what_is_shared_knows_no_feature_and_nothing_imports_the_roof() -> None:
    for file in written(".ts", ".tsx"):
        room = file.relative_to(SOURCE).parts[0]
        found = set(re.findall(r'from "(?:\.\./)+(app|features)/', file.read_text()))
        allowed = {"app": {"features"}, "main.tsx": {"app"}}.get(room, set())
        assert found <= allowed, file


def test_types_are_never_given_up() -> None:
    for file in written(".ts", ".tsx"):
        assert not _ANY.search(file.read_text()), file


def test_html_is_never_made_of_text() -> None:
    for file in written(".ts", ".tsx"):
        assert not re.search(r"dangerouslySetInnerHTML|innerHTML|\beval\(|new Function", file.read_text()), file


def test_colours_stand_in_one_place() -> None:
    for file in written(".css"):
        if file.name != "tokens.css":
            assert not _COLOUR.search(file.read_text()), file


def test_no_style_is_inline_and_no_file_is_long() -> None:
    for file in written(".ts", ".tsx", ".css"):
        text = file.read_text()
        assert "style={" not in text, file
        if file.suffix != ".css" and file.parent.name != "shared":  # texts and tokens are lists
            assert len(text.splitlines()) <= MOST_LINES, file


@pytest.mark.parametrize("part", ["", "_agents"])
def test_both_languages_have_the_same_texts(part: str) -> None:
    english, portuguese = (
        sorted(one or other for one, other in _KEY.findall(_without_parameters(SOURCE / "shared" / f"{name}{part}.ts")))
        for name in ("en", "pt")
    )
    assert len(english) > 100
    assert english == portuguese


def test_no_other_host_is_named() -> None:
    for file in [*written(".ts", ".tsx", ".css"), ROOT / "index.html"]:
        found = re.findall(r"https?://[a-z0-9.-]+", file.read_text())
        # Namespaces of XMPP and SVG are names, not addresses.
        assert not [one for one in found if not one.endswith(("jabber.org", "www.w3.org"))], file
