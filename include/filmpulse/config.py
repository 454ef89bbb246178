"""Every setting of Filmpulse, read from the environment when asked for, never at import.

Inside Airflow the warehouse and the lake come from Connections instead (`airflow_bridge`); the
rest is the same everywhere. The README's configuration table is made from this module.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from filmpulse.errors import BadInput

PREFIX = "FILMPULSE_"
_SOURCE_URL = re.compile(f"{PREFIX}([A-Z][A-Z0-9]*)_URL")

MOST_MAPPED = 1_000
"""How many instances of a task a run makes; Airflow maps 1,024 at most."""


PublicUrl = Annotated[str | None, Field(pattern=r"^https?://[^/?#@\s]+(/[\w.~-]+)*/?$")]
"""The address of a server behind a proxy: a host, and perhaps a path."""


class Settings(BaseModel):
    """All settings; each field is read from `FILMPULSE_<NAME>`. No secret has a default."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    warehouse_url: SecretStr | None = Field(
        None,
        description="Postgres 15-18 as `postgresql://user:password@host:port/filmpulse`: the "
        "server itself, or a pooler in session mode.",
    )
    warehouse_pooled_url: SecretStr | None = Field(
        None,
        description="The same database through a pooler in transaction mode, for all work that is "
        "one transaction. Unset: all work goes to `FILMPULSE_WAREHOUSE_URL`.",
    )
    lake_url: str | None = Field(
        None, description="Where raw JSON lines go: any fsspec URI, such as `s3://filmpulse/lake`."
    )
    lake_endpoint_url: str | None = Field(
        None, description="S3 endpoint when it is not Amazon's own."
    )
    lake_region: str | None = Field(
        None, description="Region of the lake's bucket, where the server asks for one."
    )
    lake_key: SecretStr | None = Field(None, description="S3 access key of the lake.")
    lake_secret: SecretStr | None = Field(None, description="S3 secret key of the lake.")
    backup_url: str | None = Field(
        None,
        description="Where backups go, as `s3://bucket/folder`. Unset: none are made.",
    )
    backup_endpoint_url: str | None = Field(
        None, description="S3 endpoint of the backups when it is not Amazon's own."
    )
    backup_key: SecretStr | None = Field(
        None,
        description="S3 access key of the backups. Unset: in the lake's bucket the lake's account, "
        "elsewhere what AWS's own tools find (`AWS_*`, profile, role).",
    )
    backup_secret: SecretStr | None = Field(None, description="S3 secret key of the backups.")
    backup_region: str | None = Field(
        None, description="Region of the backups' bucket, where the server asks for one."
    )
    backup_encryption: Literal["AES256", "aws:kms"] | None = Field(
        None, description="Server-side encryption that each object of a backup asks for."
    )
    backup_keep: Annotated[int, Field(ge=1)] = Field(
        5, description="How many of the newest complete backups are kept."
    )
    backup_daily: Annotated[int, Field(ge=0)] = Field(
        0, description="Of how many days the last backup is kept as well."
    )
    backup_monthly: Annotated[int, Field(ge=0)] = Field(
        0, description="Of how many months the last backup is kept as well."
    )
    superset_url: str | None = Field(
        None, description="Superset whose charts and dashboards a backup includes."
    )
    superset_user: str | None = Field(
        None, description="Superset user who may export and import assets."
    )
    superset_password: SecretStr | None = Field(None, description="Password of that user.")
    superset_public_url: PublicUrl = Field(
        None,
        description="Where browsers reach Superset, such as `https://films.example.org/superset`; "
        "unset, no page links to it. `make up` serves Superset at this path.",
    )
    airflow_public_url: PublicUrl = Field(
        None,
        description="The same for Airflow, such as `https://films.example.org/airflow`, where "
        "`make up` or Compose starts it; elsewhere Airflow's own `[api] base_url` says it.",
    )
    reader_password: SecretStr | None = Field(
        None, description="Password that `filmpulse setup` gives the role `filmpulse_reader`."
    )
    author_secret: SecretStr | None = Field(
        None, description="Key of the hash that stands for a reviewer; keep it, or keys change."
    )
    source_urls: dict[str, str] = Field(
        {},
        description="Base address of a site or stream to read live, one variable a source, such "
        "as `FILMPULSE_IMDB_URL`. Unset: that source is not read live. Setting a site's own "
        "address accepts its conditions of use on your behalf.",
    )
    suggestion_url: str | None = Field(
        None, description="Base address of the title suggestions; the site's own when unset."
    )
    catalogue_url: str = Field(
        "https://datasets.imdbws.com",
        description="Base address of IMDb's datasets, or of a mirror of one's own. Nothing is "
        "downloaded before `filmpulse catalogue accept`.",
    )
    catalogue_dir: Path | None = Field(
        None,
        description="Folder in which a dataset lies until it is loaded (1 GB at most at a time); "
        "`catalogue` below `AIRFLOW_HOME` when unset, else below the folder for temporary files.",
    )
    request_gap_seconds: Annotated[float, Field(ge=0)] = Field(
        10.0, description="Least time between two requests to one host, over all workers."
    )
    page_timeout_seconds: Annotated[float, Field(gt=0)] = Field(
        60.0, description="Limit on loading one page or one more batch of reviews."
    )
    selenium_remote_url: SecretStr | None = Field(
        None,
        description="Selenium Grid to use in place of a browser on the worker, as "
        "`http://user:password@host:4444`.",
    )
    browser_path: Path | None = Field(None, description="Chromium or Chrome; found when unset.")
    driver_path: Path | None = Field(None, description="chromedriver; found when unset.")
    detect_budget_seconds: Annotated[float, Field(gt=0)] = Field(
        480.0, description="How long one round of the detector may visit movies."
    )
    movies_per_run: Annotated[int, Field(ge=1, le=MOST_MAPPED)] = Field(
        50, description="Movies that one run of `movie_reception` takes, 1,000 at most."
    )
    browser_queue: str | None = Field(
        None,
        description="Queue of the tasks that drive a browser, where Airflow's executor has queues "
        "(Celery). Unset: Airflow's default queue.",
    )
    llm_queue: str | None = Field(None, description="The same of the tasks that score reviews.")
    llm_base_url: str | None = Field(
        None,
        description="OpenAI-compatible endpoint that scores reviews, such as "
        "`https://api.openai.com/v1` (the default if only a key is set); Azure's with its "
        "`?api-version=`. With neither address nor key the keyless analyser scores them.",
    )
    llm_api_key: SecretStr | None = Field(
        None, description="Key of that endpoint; a local server may need none."
    )
    llm_model: str = Field(
        "gpt-6-luna", description="Model to ask. `gpt-4o-mini` works until its end on 2027-01-14."
    )
    llm_provider: str | None = Field(
        None,
        description="`openai`, `gemini`, `ollama`, `ollama_cloud`, `vllm` or `other`: whose field "
        "names the endpoint takes; derived from its address when unset.",
    )
    llm_answer_format: Literal["json_schema", "json_object", "none"] | None = Field(
        None,
        description="How the endpoint is asked for JSON: by a schema, as any JSON object, or in "
        "the prompt alone (`none`); the provider's own way when unset. If the endpoint does not "
        "know a way, the next one is tried.",
    )
    llm_token_field: Literal["max_tokens", "max_completion_tokens"] | None = Field(
        None,
        description="Field that limits an answer's length; the provider's own when unset. If the "
        "endpoint does not know the field, the other is tried.",
    )
    llm_reasoning_effort: str = Field(
        "none", description="How long the model may think, in the provider's words."
    )
    llm_temperature: Annotated[float, Field(ge=0, le=2)] | None = Field(
        None, description="Sent only when set."
    )
    llm_service_tier: str | None = Field(
        None, description="`flex` is half the price and may be slow; the account's own when unset."
    )
    llm_requests_per_minute: Annotated[int, Field(ge=1)] = Field(
        500, description="Most requests a minute of one task; fewer when the endpoint says so."
    )
    llm_tokens_per_minute: Annotated[int, Field(ge=1_000)] = Field(
        2_000_000, description="Most tokens a minute of one task; fewer when the endpoint says so."
    )
    llm_concurrency: Annotated[int, Field(ge=1, le=256)] = Field(
        16, description="Most requests at once of one task; fewer when answers are late."
    )
    llm_timeout_seconds: Annotated[float, Field(gt=0, le=600)] = Field(
        60.0, description="Limit on one answer."
    )
    llm_price_input_usd: Annotated[float, Field(ge=0)] | None = Field(
        None,
        description="USD per million input tokens at the plain tier, for a model that is not in "
        "the price table.",
    )
    llm_price_output_usd: Annotated[float, Field(ge=0)] | None = Field(
        None, description="The same for output tokens."
    )
    llm_budget_usd_per_run: Annotated[float, Field(ge=0)] = Field(
        0.50, description="Most that one run may spend, in USD; a DAG's `budget_usd` overrides it."
    )
    llm_budget_usd_per_day: Annotated[float, Field(ge=0)] = Field(
        1.00,
        description="Most that all runs of a day (UTC) may spend together, in USD; Airflow's "
        "Variable `llm_budget_usd_per_day` overrides it.",
    )
    posters: bool = Field(
        False,
        description="`on` fetches each movie's poster once, from the site's own image host, and "
        "keeps a small picture; otherwise posters are drawn.",
    )
    removed_text_days: Annotated[int, Field(ge=0)] = Field(
        30,
        description="How long the words of removed reviews and of earlier versions are kept, in "
        "days; 0 keeps none. Scores, stars and dates stay.",
    )
    quarantine_days: Annotated[int, Field(ge=0)] = Field(
        30, description="How long a page that could not be read is kept, in days."
    )
    inbox_days: Annotated[int, Field(ge=0)] = Field(
        30, description="How long saved files are kept once imported or failed, in days."
    )
    exports_kept: Annotated[int, Field(ge=1)] = Field(
        4, description="How many weekly exports are kept in the lake; older ones are deleted."
    )

    alerts_url: SecretStr | None = Field(
        None,
        description="Whom to tell what is wrong: an address of Apprise such as `ntfys://topic`, "
        "several with a space between. Unset: nobody is told.",
    )

    @property
    def author_key_secret(self) -> bytes | None:
        """The key of the hash that stands for a reviewer; None when it is not set."""
        return self.author_secret.get_secret_value().encode() if self.author_secret else None

    @property
    def has_llm(self) -> bool:
        """Whether a model scores reviews; without one the keyless analyser does."""
        return self.llm_api_key is not None or self.llm_base_url is not None

    @classmethod
    def from_env(cls, env: Mapping[str, str] | None = None) -> Settings:
        """Read the settings of this process; an empty value counts as unset.

        Raises:
            BadInput: A value cannot be used; the message names its variable, but not the value.
        """
        env = os.environ if env is None else env
        given = {key: env[key] for key in variables(env) if env[key].strip()}
        values: dict[str, Any] = {
            name: given[key] for name in cls.model_fields if (key := variable_name(name)) in given
        }
        values["source_urls"] = {
            source[1].lower(): url for key, url in given.items() if (source := _source_url(key))
        }
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            wrong = "; ".join(
                f"{variable_name(str(e['loc'][0]))}: {e['msg']}" for e in error.errors()
            )
            raise BadInput(f"A setting cannot be used. {wrong}") from None


def variable_name(field: str) -> str:
    """Return the environment variable of one setting.

    `selenium_remote_url` keeps Selenium's own name, `SELENIUM_REMOTE_URL`. `source_urls` has one
    variable for each source: the answer is their pattern (`source_variable`).
    """
    odd = {"selenium_remote_url": "SELENIUM_REMOTE_URL", "source_urls": source_variable("<source>")}
    return odd.get(field, PREFIX + field.upper())


def variables(env: Mapping[str, str]) -> list[str]:
    """Return the names in an environment that are settings, whether empty or not."""
    ours = {variable_name(name) for name in Settings.model_fields}
    return [key for key in env if key in ours or _source_url(key)]


def source_variable(source: str) -> str:
    """Return the environment variable of a source's address."""
    return f"{PREFIX}{source.upper()}_URL"


def _source_url(key: str) -> re.Match[str] | None:
    """Match a variable that holds a source's address."""
    is_field = key.removeprefix(PREFIX).lower() in Settings.model_fields
    return None if is_field else _SOURCE_URL.fullmatch(key)


SECRETS = tuple(
    name for name, field in Settings.model_fields.items() if "SecretStr" in str(field.annotation)
)
"""The settings that are secrets; never shown or logged."""
