"""The one reader of environment variables: everything the platform can be told."""

from __future__ import annotations

from typing import Literal, Self

import pydantic_settings
from pydantic import BaseModel, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from flows.errors import SettingsError

REQUIRED_IN_PROD = ("kafka_bootstrap", "redis_url", "mlflow_uri", "lake_uri", "signing_key")


KeyScope = Literal["read", "write", "admin"]


class ApiKey(BaseModel):
    """A key of the API by its SHA-256, in hexadecimal; `python -m scripts.api_key` makes one."""

    name: str = Field(min_length=1)
    hash: str = Field(pattern=r"^[0-9a-fA-F]{64}$")
    scopes: frozenset[KeyScope] = Field(min_length=1)


class Settings(BaseSettings):
    """Every setting, read from `REALTIME_<NAME>`, e.g. `REALTIME_KAFKA_BOOTSTRAP`."""

    model_config = SettingsConfigDict(env_prefix="REALTIME_", env_file=".env", extra="ignore")

    profile: Literal["local", "prod"] = "local"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["json", "text"] = "text"

    kafka_bootstrap: str = "127.0.0.1:9092"
    kafka_options: dict[str, str] = {}
    redis_url: SecretStr = SecretStr("redis://127.0.0.1:6379/0")
    mlflow_uri: str = "http://127.0.0.1:5001"
    lake_uri: str = "data/lake"
    lake_options: dict[str, SecretStr] = {}
    signing_key: SecretStr = SecretStr("for-local-use-only")

    projects: str = ""
    shards: int = Field(1, ge=1)
    shard: int | None = Field(None, ge=0)
    start_from: Literal["champion", "earliest", "latest"] = "champion"
    publish_seconds: float = 1.0
    version_seconds: float = 60.0
    flow_metrics_host: str = "127.0.0.1"
    flow_metrics_port: int = 0
    flow_stall_seconds: float = Field(300.0, gt=0)
    fault_seed: int = 0
    fault_rate: float = Field(0.0, ge=0, le=1)

    producer_rate: float | None = Field(None, ge=0)
    producer_profile: str = ""
    producer_label_delay: str = ""
    producer_label_missing: float = Field(0.0, ge=0, le=1)
    producer_anomalies: float = Field(0.0, ge=0, le=1)
    producer_drift: str = ""
    producer_scenario: str = ""
    producer_metrics_port: int = 0

    batch_metrics_port: int = 0
    batch_seconds: float = Field(3_600.0, gt=0)

    api_host: str = "127.0.0.1"
    api_port: int = 8000
    api_url: str = "http://127.0.0.1:8000"
    api_key: SecretStr = SecretStr("")
    api_keys: list[ApiKey] = []
    api_rate: float | None = Field(None, gt=0)
    api_metrics_open: bool = True
    api_cors_origins: list[str] = []
    sql_seconds: float = Field(10.0, gt=0)
    sql_memory_mb: int = Field(512, ge=64)
    sql_temp_mb: int = Field(1024, ge=0)
    sql_threads: int = Field(2, ge=1)
    sql_workers: int = Field(2, ge=1)
    sql_waiting: int = Field(8, ge=0)
    sql_rows: int = Field(10_000, ge=1)
    analytics_seconds: float = Field(60.0, gt=0)
    dashboard_host: str = "127.0.0.1"
    dashboard_port: int = 5006
    dashboard_links: dict[str, str] = {}
    dashboard_origins: list[str] = []
    dashboard_tiles: str = ""

    @field_validator("dashboard_tiles")
    @classmethod
    def _tell_tiles_apart(cls, value: str) -> str:
        if value and not all(part in value for part in ("{X}", "{Y}", "{Z}")):
            raise ValueError("map tiles are told apart by {X}, {Y} and {Z}: name all three")
        return value

    @model_validator(mode="after")
    def _complete_in_prod(self) -> Self:
        missing = [name for name in REQUIRED_IN_PROD if not self._was_given(name)]
        if self.profile == "prod" and missing:
            names = ", ".join(f"REALTIME_{name.upper()}" for name in missing)
            raise ValueError(f"the prod profile has no defaults for: {names}; set each of them")
        return self

    @property
    def own_shards(self) -> range:
        """The shards that this process learns; all of them unless it is told one."""
        return range(self.shards) if self.shard is None else range(self.shard, self.shard + 1)

    @property
    def storage_options(self) -> dict[str, str]:
        """What opens the lake, in the clear."""
        return {name: value.get_secret_value() for name, value in self.lake_options.items()}

    def table_uri(self, name: str) -> str:
        """Where a table of the lake is."""
        return f"{self.lake_uri.rstrip('/')}/{name}"

    def _was_given(self, name: str) -> bool:
        value = getattr(self, name)
        text = value.get_secret_value() if isinstance(value, SecretStr) else value
        return name in self.model_fields_set and bool(text.strip())

    @model_validator(mode="after")
    def _shard_exists(self) -> Self:
        if self.shard is not None and self.shard >= self.shards:
            raise ValueError(
                f"REALTIME_SHARD is {self.shard}, but REALTIME_SHARDS is {self.shards}: shards are"
                " counted from 0; there are more replicas than shards, or the latter is too low"
            )
        return self

    @model_validator(mode="after")
    def _no_faults_in_prod(self) -> Self:
        if self.profile == "prod" and self.fault_rate:
            raise ValueError("REALTIME_FAULT_RATE makes flows kill themselves; not in production")
        return self


def load() -> Settings:
    """Read the settings. Raises SettingsError with one message that names all that is wrong."""
    try:
        return Settings()
    except ValidationError as error:
        raise SettingsError(_explain(error)) from None
    except pydantic_settings.SettingsError as error:
        raise SettingsError(f"{error}; it must be JSON, such as {{}}") from None


class _Installed(BaseSettings):
    """What decides which projects there are; asked for where nothing else is needed."""

    model_config = Settings.model_config

    projects: str = ""


def project_modules() -> tuple[str, ...]:
    """Modules with projects of one's own: REALTIME_PROJECTS, separated by commas."""
    return tuple(name.strip() for name in _Installed().projects.split(",") if name.strip())


def _explain(error: ValidationError) -> str:
    return "; ".join(_explain_one(item["loc"], item["msg"]) for item in error.errors())


def _explain_one(location: tuple[int | str, ...], message: str) -> str:
    text = message.removeprefix("Value error, ")
    name = "_".join(str(part) for part in location).upper()
    return f"REALTIME_{name}: {text}" if name else text
