"""The context of a job: settings, warehouse, lake, backups; and setting the warehouse up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from filmpulse import warehouse as wh
from filmpulse.backup.store import Account, Store
from filmpulse.config import Settings
from filmpulse.errors import BadInput
from filmpulse.lake import Lake
from filmpulse.warehouse.scores import switch_analyser

if TYPE_CHECKING:
    from filmpulse.warehouse.migrate import Revision

Progress = Callable[[int, int | None], None]
"""Called with how many are done, and how many there are in all (None if not known)."""

# A store that does not answer is given up after half a minute: three tries of 8 seconds without a
# byte, and the waits between them. Objects are small (a batch of reviews), so none takes long.
S3_PATIENCE: dict[str, Any] = {
    "connect_timeout": 5,
    "read_timeout": 8,
    "retries": {"mode": "standard", "total_max_attempts": 3},
}
_ASK = (
    "Have an administrator of the Postgres server run what docs/runbooks/postgres_roles.md says, "
    "then run `filmpulse setup` again."
)


def silent(done: int, total: int | None) -> None:
    """Report nothing."""


@dataclass(frozen=True)
class Context:
    """The outside world of a job: settings, the warehouse, the lake and the place of backups.

    Lake and backups are opened when used; without `open_backups` the settings say where they are.
    `llm_error` says why the model's settings cannot be used; then `settings` name no model.
    """

    settings: Settings
    warehouse: wh.Warehouse
    open_lake: Callable[[], Lake]
    llm_error: BadInput | None = None
    open_backups: Callable[[], Store] | None = None

    @property
    def has_llm(self) -> bool:
        """Whether a model is to score reviews, even if its settings cannot be used."""
        return self.llm_error is not None or self.settings.has_llm

    def with_model(self, read: Callable[[Settings], Settings]) -> Context:
        """Return the context with the model's settings as `read` returns them.

        An error in them is kept for the jobs that ask for the model; others go on without it.
        """
        try:
            return replace(self, settings=read(self.settings))
        except BadInput as error:
            none = self.settings.model_copy(update={"llm_base_url": None, "llm_api_key": None})
            return replace(self, settings=none, llm_error=error)

    @cached_property
    def lake(self) -> Lake:
        """The lake; a job that does not use it never waits for an object store's client."""
        return self.open_lake()

    @cached_property
    def backups(self) -> Store:
        """The place of backups.

        Raises:
            BadInput: None is set.
        """
        return self.open_backups() if self.open_backups else Store.from_settings(self.settings)

    @classmethod
    def from_settings(cls, settings: Settings) -> Context:
        """Make the context from settings alone; in Airflow the bridge takes Connections.

        Raises:
            BadInput: The address of the warehouse or of the lake is not set.
        """
        lake_url, warehouse = settings.lake_url, wh.Warehouse.from_settings(settings)
        if warehouse is None or lake_url is None:
            raise BadInput(
                "FILMPULSE_WAREHOUSE_URL and FILMPULSE_LAKE_URL must be set; "
                "`source var/<instance>/env.sh` sets both for a local instance."
            )
        return cls(settings, warehouse, lambda: Lake(lake_url, lake_options(settings)))


def lake_options(settings: Settings) -> dict[str, Any]:
    """Return what fsspec needs to reach the lake; empty for anything but S3."""
    if not (settings.lake_url or "").startswith("s3://"):
        return {}
    s = settings
    return s3_options(Account(s.lake_key, s.lake_secret, s.lake_endpoint_url, s.lake_region))


def s3_options(account: Account) -> dict[str, Any]:
    """Return what fsspec needs to reach S3 by an account."""
    options: dict[str, Any] = {"config_kwargs": S3_PATIENCE}
    if account.key and account.secret:
        options["key"] = account.key.get_secret_value()
        options["secret"] = account.secret.get_secret_value()
    client = {"endpoint_url": account.endpoint_url, "region_name": account.region}
    if given := {name: value for name, value in client.items() if value}:
        options["client_kwargs"] = given
    return options


def setup_warehouse(context: Context) -> Revision:
    """Migrate the warehouse, and give its reader role its rights.

    Repeatable. The owner needs no right over roles if an administrator has made the reader
    (docs/runbooks/postgres_roles.md).

    Raises:
        BadInput: The reader is missing or has another password, and the owner may not change it.
    """
    from filmpulse.warehouse.migrate import migrate  # Alembic takes a second to import

    revision = migrate(context.warehouse.url)
    if revision.current != revision.head:
        # An older version showed movies under a model that had hardly scored them.
        switch_analyser(context.warehouse, imdb_ids=None, analyser_id=None)
    _set_up_reader(context)
    return revision


def _set_up_reader(context: Context) -> None:
    from psycopg import errors, sql

    password = context.settings.reader_password
    with context.warehouse.connect() as connection:
        try:
            connection.execute(wh.sql("roles"))
            connection.execute(wh.sql("grants"))
        except errors.InsufficientPrivilege as error:
            why = error.diag.message_primary
            raise BadInput(f"filmpulse_reader could not be set up: {why}. {_ASK}") from error
    if password is None:
        return
    alter = sql.SQL("ALTER ROLE filmpulse_reader LOGIN PASSWORD {}").format(
        sql.Literal(password.get_secret_value())
    )
    with context.warehouse.connect() as connection:
        try:
            connection.execute(alter)
        except errors.InsufficientPrivilege as error:
            if not context.warehouse.lets_in("filmpulse_reader", password.get_secret_value()):
                raise BadInput(
                    "filmpulse_reader may not log in with FILMPULSE_READER_PASSWORD, and the owner "
                    f"of the database may not set another role's password. {_ASK}"
                ) from error
            connection.rollback()
