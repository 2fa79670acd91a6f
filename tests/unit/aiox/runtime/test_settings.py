"""Settings: defaults, the file, the environment above it, and refusal of what does not exist."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from aiox.runtime.settings import SettingsUnreadable, load_settings


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AIOX_HOME", str(tmp_path))
    return tmp_path


def test_defaults_need_no_file(home: Path) -> None:
    settings = load_settings()
    assert settings.home == home.resolve()
    assert settings.agents_domain == "agents.localhost"
    assert settings.model.provider == ""


def test_each_embedding_model_has_its_own_greatest_distance(home: Path) -> None:
    assert load_settings().memory.farthest == 0.72
    (home / "hub.toml").write_text(
        '[memory]\nembedding_model = "local/other"\n[memory.max_distances]\n"local/other" = 0.4\n'
    )
    assert load_settings().memory.farthest == 0.4
    (home / "hub.toml").write_text('[memory]\nembedding_model = "local/unknown"\nmax_distance = 0.2\n')
    assert load_settings().memory.farthest == 0.2


def test_the_home_is_made_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AIOX_HOME", "here")
    assert load_settings().home == (tmp_path / "here").resolve()


def test_the_environment_wins_over_the_file(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "hub.toml").write_text('domain = "example.org"\n[limits]\nattempts = 7\nmessage_burst = 9\n')
    monkeypatch.setenv("AIOX_LIMITS__ATTEMPTS", "3")
    settings = load_settings()
    assert (settings.domain, settings.limits.attempts, settings.limits.message_burst) == ("example.org", 3, 9)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("no_such_setting = 1\n", "no_such_setting"),
        ("[limits]\nattemts = 1\n", "attemts"),
        ("[limits]\nattempts = 0\n", "attempts"),
        ('[ports]\ngateway = "high"\n', "gateway"),
        ("[telemetry]\nsample_rate = 1.5\n", "sample_rate"),
        ("[ports]\ngateway = 8084\n", "gateway and ai_worker have the same port, 8084"),
    ],
)
def test_a_wrong_setting_is_refused_by_name(home: Path, text: str, named: str) -> None:
    (home / "hub.toml").write_text(text)
    with pytest.raises(ValidationError, match=named):
        load_settings()


@pytest.mark.parametrize("text", [b"domain example.org\n", b"domain = 'a\xff'\n", b"a = 1\na = 2\n"])
def test_a_file_that_is_no_toml_is_one_sentence_with_its_place(home: Path, text: bytes) -> None:
    (home / "hub.toml").write_bytes(text)
    with pytest.raises(SettingsUnreadable, match=r"hub\.toml cannot be read: .* Mend: ") as refused:
        load_settings()
    assert "\n" not in str(refused.value)


def test_what_was_built_at_set_up_is_found_from_any_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before = load_settings().minilm_folder
    monkeypatch.chdir(tmp_path)
    assert load_settings().minilm_folder == before
    assert before.is_absolute()
    assert any(before.iterdir())


def test_settings_do_not_change_while_running() -> None:
    settings = load_settings()
    with pytest.raises(ValidationError, match="frozen"):
        settings.domain = "example.org"  # type: ignore[misc]
    with pytest.raises(ValidationError, match="frozen"):
        settings.limits.attempts = 1  # type: ignore[misc]


def test_the_key_of_the_provider_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIOX_MODEL__API_KEY", "sk-hidden")
    settings = load_settings()
    assert settings.model.api_key == "sk-hidden"
    assert "sk-hidden" not in repr(settings)


def test_all_ports_differ() -> None:
    ports = list(load_settings().ports.model_dump().values())
    assert len(set(ports)) == len(ports)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[model]\nprovider = 'openai'\napi_key = 'k'\n", "model.name"),
        (
            "[model]\nprovider = 'openai'\nname = 'gpt'\napi_key = 'k'\n[providers]\nallowed = ['mistral/*']\n",
            "providers.allowed",
        ),
    ],
)
def test_a_model_that_could_never_answer_stops_the_start(home: Path, text: str, named: str) -> None:
    (home / "hub.toml").write_text(text)
    with pytest.raises(ValidationError, match=named):
        load_settings()


@pytest.mark.parametrize(
    "text",
    [
        "[model]\nprovider = 'openai'\nname = 'gpt'\n",
        "[model]\nprovider = 'openai'\nname = 'gpt'\napi_base = 'http://127.0.0.1:1/v1'\n",
        "[model]\nprovider = 'openai'\nname = 'gpt'\napi_key = 'k'\n[providers]\nallowed = ['openai/gpt*']\n",
        "[[providers.terms]]\nmatch = 'openai/*'\nrequests_per_minute = 60\ninput_usd = 1.5\noutput_usd = 6\n",
    ],
)
def test_a_model_that_may_be_asked_lets_it_start(home: Path, text: str) -> None:
    (home / "hub.toml").write_text(text)
    load_settings()
