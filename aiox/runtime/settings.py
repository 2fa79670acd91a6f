"""Every setting of the hub, typed, with its unit and default, in this one place.

Read from `AIOX_HOME/hub.toml`, then from the environment (`AIOX_...`, nested with `__`), which wins.
"""

from __future__ import annotations

import os
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from aiox.kernel.agent import DEFAULT_EMBEDDING_MODEL
from aiox.runtime.federation_settings import Federation
from aiox.runtime.operation_settings import LOOPBACK as LOOPBACK
from aiox.runtime.operation_settings import Backup as Backup
from aiox.runtime.operation_settings import Cluster as Cluster
from aiox.runtime.operation_settings import Crash as Crash
from aiox.runtime.operation_settings import Files as Files
from aiox.runtime.operation_settings import Hosts as Hosts
from aiox.runtime.operation_settings import Ledger as Ledger
from aiox.runtime.operation_settings import addresses
from aiox.runtime.public_settings import Public
from policy.credentials import is_allowed

Service = Literal["component", "gateway", "orchestrator", "ai_worker"]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


Port = Annotated[int, Field(ge=1, le=65_535)]


class Ports(_Section):
    """TCP ports, all on loopback."""

    xmpp_client: Port = 5222
    xmpp_http: Port = 5280
    xmpp_component: Port = 5347
    erlang: Port = 5348
    postgres: Port = 5434
    redis: Port = 6399
    redis_sentinel: Port = 26399
    nats: Port = 4232
    nats_cluster: Port = 4248
    gateway: Port = 8080
    component_health: Port = 8081
    orchestrator_health: Port = 8082
    ai_worker_health: Port = 8083
    ai_worker: Port = 8084

    @model_validator(mode="after")
    def _all_differ(self) -> Ports:
        seen: dict[int, str] = {}
        for name, port in self.model_dump().items():
            if port in seen:
                raise ValueError(f"{seen[port]} and {name} have the same port, {port}")
            seen[port] = name
        return self


class Limits(_Section):
    """What the doors and the path accept."""

    messages_per_minute: int = Field(
        20, ge=1, description="messages a person may send in a minute, by both doors and all replicas together"
    )
    message_burst: int = Field(20, ge=1, description="messages a component takes from one bare JID at once")
    peer_stanzas_per_minute: int = Field(
        6000, ge=60, description="stanzas that leave for one account, or for one other server; twice as many at once"
    )
    turn_timeout_ms: int = Field(60_000, ge=100, description="for a whole turn, all tries inside, in milliseconds")
    worker_capacity: int = Field(8, ge=1, description="turns one worker thinks about at a time")
    debounce_ms: int = Field(
        400, ge=0, le=5000, description="a message within this time restarts the turn before it, merged; 0 is off"
    )
    agents_per_minute: int = Field(
        100, ge=1, description="requests over HTTP per account and action on agents and preferences"
    )
    plans_per_minute: int = Field(10, ge=1, description="requests over HTTP per account to plan an operation")
    runs_per_minute: int = Field(5, ge=1, description="requests over HTTP per account to run an operation")
    attempts: int = Field(5, ge=1, description="tries before a turn becomes a dead letter")
    agent_hops: int = Field(3, ge=0, le=8, description="agents that may be asked in a chain, one by the other")
    deleted_agent_days: int = Field(30, ge=0, le=3650, description="a deleted agent can be restored for so many days")
    upload_bytes: int = Field(
        25 << 20, ge=1 << 10, le=50 << 20, description="the largest file that may be uploaded as a document"
    )
    inbound_bytes: int = Field(1 << 30, ge=1 << 20, description="JetStream holds at most this many bytes of inbound")


class Gateway(_Section):
    """How the HTTP door is reached."""

    hosts: tuple[str, ...] = Field((), description="names it answers under, beside localhost and the domain")
    origins: tuple[str, ...] = Field((), description="origins whose pages may use the API (CORS); none by default")
    hsts: bool = Field(
        default=False, description="TLS ends at a proxy before the door: browsers are told to keep to https"
    )


class Model(_Section):
    """The hub-wide model provider. Empty provider: the built-in offline responder answers."""

    provider: str = Field("", description="litellm provider name: openai, ollama, ...; empty for offline")
    name: str = Field("", description="model name at the provider")
    api_base: str = Field("", description="base URL of an OpenAI-compatible endpoint")
    api_key: str = Field("", repr=False, description="key for the provider")
    timeout_ms: int = Field(30_000, ge=100, description="for one try, in milliseconds")


class ModelTerms(_Section):
    """What holds for some models: how often their provider may be asked with one credential, and what they cost."""

    match: str = Field(min_length=1, description="provider/model, * for any text")
    requests_per_minute: int | None = Field(None, ge=1)
    tokens_per_minute: int | None = Field(None, ge=1)
    input_usd: float | None = Field(None, ge=0, allow_inf_nan=False, description="per million tokens")
    output_usd: float | None = Field(None, ge=0, allow_inf_nan=False, description="per million tokens")

    @model_validator(mode="after")
    def _has_both_prices(self) -> ModelTerms:
        if (self.input_usd is None) != (self.output_usd is None):
            raise ValueError("a price needs both input_usd and output_usd")
        return self


class Providers(_Section):
    """Which models may be used, and where accounts may send their own keys."""

    allowed: tuple[str, ...] = Field(
        ("*",), description="provider/model, * for any text; what no pattern names is refused"
    )
    api_bases: tuple[str, ...] = Field(
        (), description="endpoints that accounts may name for their own keys, beside the known providers' own"
    )
    terms: tuple[ModelTerms, ...] = Field(
        (),
        description="tables with match, requests_per_minute, tokens_per_minute, input_usd, output_usd: pace per"
        " credential and model in each worker, and US dollars per million tokens; the first that names a figure holds",
    )


Precision = Literal["int8", "float32"]


class Memory(_Section):
    """Recall."""

    embedding_model: str = Field(
        DEFAULT_EMBEDDING_MODEL,
        min_length=1,
        description="what turns texts into vectors of 384 numbers; any but the default needs the extra"
        " sentence-transformers, and lies on the disk already: a name of its cache, or a folder",
    )
    precision: Precision = Field(
        "int8",
        description="of the default model: int8 takes half the time and memory, float32 is the model as published",
    )
    recall_limit: int = Field(4, ge=1, le=50, description="passages put into a prompt at most")
    max_distances: dict[str, Annotated[float, Field(gt=0, le=2)]] = Field(
        {DEFAULT_EMBEDDING_MODEL: 0.72},
        description="cosine distance beyond which a passage is no memory, by embedding model, as each was measured",
    )
    max_distance: float = Field(
        0.3,
        gt=0,
        le=2,
        description="the same for a model that max_distances does not name: strict, for many models put all texts near",
    )

    @property
    def farthest(self) -> float:
        """The cosine distance that holds for this hub's model."""
        return self.max_distances.get(self.embedding_model, self.max_distance)


class Objects(_Section):
    """Where files lie: the folder `objects` under AIOX_HOME, or an S3-compatible store."""

    endpoint: str = Field(
        "",
        pattern=r"^(https?://[^\s?#]+)?$",
        description="base URL of an S3-compatible store, buckets below it as paths; empty: the folder",
    )
    bucket: str = Field("", pattern=r"^[a-zA-Z0-9._-]*$", description="an existing bucket")
    prefix: str = Field("", pattern=r"^([a-zA-Z0-9._-]+/)*$", description="folder within the bucket, with / at its end")
    region: str = Field("us-east-1", pattern=r"^[a-zA-Z0-9-]+$", description="what the store calls its region")
    access_key: str = Field("", description="id of the key that may list, read, write and delete in the bucket")
    secret_key: str = Field("", repr=False, description="the key itself")

    @model_validator(mode="after")
    def _is_whole(self) -> Objects:
        if self.endpoint and not (self.bucket and self.access_key and self.secret_key):
            raise ValueError("objects.endpoint needs bucket, access_key and secret_key")
        return self


class Telemetry(_Section):
    """Logs, traces and metrics."""

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    sample_rate: float = Field(1.0, ge=0, le=1, description="share of turns that are traced; 0.01 under load")
    series: int = Field(
        5000,
        ge=0,
        description="time series of one metric in one process that may name accounts or agents; beyond it they are"
        " counted together, as other",
    )
    otlp_endpoint: str = Field(
        "",
        pattern=r"^(https?://[^\s?#]+)?$",
        description="where spans go beside AIOX_HOME/traces, by OTLP over HTTP: http://collector:4318; empty: nowhere",
    )


class Tools(_Section):
    """Tools that agents may be given."""

    test_folder: str = Field(
        "", description="for tests only: where the test tool append_line writes; empty: no such tool"
    )
    internal: tuple[Annotated[str, Field(pattern=r"^[0-9a-fA-F.:]+:[0-9]{1,5}$")], ...] = Field(
        (), description="address:port that tools may reach although it is not public, a search engine of one's own"
    )
    sandboxes: int = Field(2, ge=1, le=64, description="runs in the sandbox at a time, of one worker")
    sqlite_folder: Path | None = Field(
        None,
        description="where SQLite files for database_query lie: <folder>/<owner's id>/<name>, put by the operator",
    )
    mcp_code: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,31}$")], Path] = Field(
        {},
        description="folders that stdio MCP servers find at /code/<name>, read-only, as places of programs (bin) and of"
        " Python packages; whatever lies there is shown to every owner's servers",
    )


class Accounts(_Section):
    """Who may have an account, and how long a sign-in lasts."""

    sign_up: Literal["open", "invite", "closed"] = Field(
        "closed", description="who may make an account: anyone, who was invited, or nobody but the operator"
    )
    session_idle_days: int = Field(30, ge=1, le=365, description="a session that was not used for so long has ended")
    session_days: int = Field(180, ge=1, le=3650, description="a session ends after this time in any case")
    public_url: str = Field(
        "",
        pattern=r"^(https?://[^\s?#]+)?$",
        description="what people type to reach the web address, for links in mail; empty: this machine, over http",
    )


class Mail(_Section):
    """How mail leaves the hub. Empty host: each letter is written as an .eml file into AIOX_HOME/mail."""

    host: str = Field("", description="name of the SMTP server; empty: letters are written to files")
    port: Port = 587
    security: Literal["starttls", "tls", "none"] = Field("starttls", description="none only on this machine")
    user: str = Field("", description="name at the SMTP server; empty: none asked for")
    password: str = Field("", repr=False, description="password at the SMTP server")
    sender: str = Field("", description="address that letters come from; empty: hub@<domain>")


class Settings(BaseSettings):
    """The whole configuration of one process. Frozen: changes need a restart."""

    model_config = SettingsConfigDict(env_prefix="AIOX_", env_nested_delimiter="__", frozen=True, extra="forbid")

    home: Path = Path("var")
    domain: str = Field(
        "localhost",
        pattern=r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$",
        description="XMPP domain of the hub; agents live on agents.<domain>",
    )
    components: int = Field(1, ge=1, le=8, description="components that share the agents' domain")
    ports: Ports = Ports()
    hosts: Hosts = Hosts()
    cluster: Cluster = Cluster()
    limits: Limits = Limits()
    gateway: Gateway = Gateway()
    model: Model = Model()
    providers: Providers = Providers()
    memory: Memory = Memory()
    objects: Objects = Objects()
    telemetry: Telemetry = Telemetry()
    ledger: Ledger = Ledger()
    backup: Backup = Backup()
    accounts: Accounts = Accounts()
    mail: Mail = Mail()
    files: Files = Files()
    federation: Federation = Federation()
    public: Public = Public()
    crash: Crash = Crash()
    tools: Tools = Tools()
    minilm_folder: Path = Field(
        Path("share/aiox/minilm"), description="graph and tokenizer built at set-up, seen from the Python environment"
    )

    @model_validator(mode="after")
    def _has_a_model_that_may_be_asked(self) -> Settings:
        self.federation.must_have_a_name(self.domain)
        model = self.model
        if not model.provider:
            return self
        if not model.name:
            raise ValueError("model.provider is set and model.name is not: say which model, or leave both empty")
        if not is_allowed(model.provider, model.name, self.providers.allowed):
            raise ValueError(f"model {model.provider}/{model.name} is not on the list providers.allowed")
        return self

    @property
    def upload_url(self) -> str:
        """Under which people's clients put files, and others get them."""
        return self.files.upload_url or f"https://{self.domain}:{self.ports.xmpp_http}/upload"

    @property
    def postgres_first(self) -> tuple[str, int]:
        """Host and port of the PostgreSQL that is named first: for what knows one only."""
        return addresses(self.hosts.postgres, self.ports.postgres)[0]

    @property
    def agents_domain(self) -> str:
        """The component's domain."""
        return f"agents.{self.domain}"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, then environment, then `hub.toml`."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, _home() / "hub.toml")


class SettingsUnreadable(Exception):
    """`hub.toml` is there and cannot be read. The message says where it is wrong, and the mend."""


def load_settings() -> Settings:
    """The settings of this process, folders made absolute: the home from the working folder, what set-up built from the
    Python environment. Raises pydantic.ValidationError naming the bad setting, SettingsUnreadable.
    """
    try:
        settings = Settings()
    except ValidationError:
        raise
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as wrong:
        path = _home() / "hub.toml"
        raise SettingsUnreadable(
            f"{path} cannot be read: {wrong}. Mend: correct it, or move it away; 'aiox up' then writes a new one."
        ) from wrong
    return settings.model_copy(
        update={"home": settings.home.resolve(), "minilm_folder": Path(sys.prefix) / settings.minilm_folder}
    )


def _home() -> Path:
    return Path(os.environ.get("AIOX_HOME", "var"))


_INHERITED: Final = frozenset(
    {"PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "LD_LIBRARY_PATH"}
    | {"SSL_CERT_FILE", "SSL_CERT_DIR", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"}
    | {"COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG", "COVERAGE_FILE"}  # figures of processes that tests start
)
"""Names in capitals; proxies are known by small ones too."""


def use_home(home: Path) -> None:
    """Makes `home` the AIOX_HOME of this process and of those it starts."""
    os.environ["AIOX_HOME"] = str(home.resolve())


def environment(home: Path, *, without: Sequence[str] = ()) -> dict[str, str]:
    """What a service of the hub at `home` inherits from here: the hub's settings but those in `without`.

    Of the rest only what a program needs to run and to reach the network: keys of other programs lie there, too.
    """
    inherited = {
        name: value
        for name, value in os.environ.items()
        if (name.startswith("AIOX_") or name.upper() in _INHERITED) and name not in without
    }
    return {**inherited, "AIOX_HOME": str(home)}
