"""Superset's own objects (databases, datasets, charts, dashboards) as Superset exports them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx

from filmpulse.config import Settings
from filmpulse.errors import BackupUnavailable

SECONDS = 60.0


@dataclass(frozen=True)
class Superset:
    """A Superset, and a user of it who may export and import assets."""

    url: str
    user: str
    password: str = field(repr=False)

    @classmethod
    def from_settings(cls, settings: Settings) -> Superset | None:
        """Return the Superset that the settings name; None if they name none."""
        if not (settings.superset_url and settings.superset_user and settings.superset_password):
            return None
        return cls(
            settings.superset_url, settings.superset_user,
            settings.superset_password.get_secret_value(),
        )  # fmt: skip

    def export_assets(self) -> bytes:
        """Return all assets as a ZIP file of YAML; Superset leaves passwords out.

        Raises:
            BackupUnavailable: Superset did not answer, or refused.
        """
        with self._client() as client:
            return client.get("/api/v1/assets/export/").raise_for_status().content

    def import_assets(self, assets: bytes) -> None:
        """Bring assets back; what exists under the same UUID is overwritten.

        Raises:
            BackupUnavailable: Superset did not answer, or refused.
        """
        with self._client() as client:
            token = client.get("/api/v1/security/csrf_token/").raise_for_status().json()["result"]
            client.post(
                "/api/v1/assets/import/",
                files={"bundle": ("assets.zip", assets, "application/zip")},
                headers={"X-CSRFToken": token, "Referer": self.url},
            ).raise_for_status()

    @contextmanager
    def _client(self) -> Iterator[httpx.Client]:
        """Log in, and say plainly what went wrong."""
        try:
            with httpx.Client(base_url=self.url, timeout=SECONDS, trust_env=False) as client:
                told = client.post(
                    "/api/v1/security/login",
                    json={"username": self.user, "password": self.password, "provider": "db"},
                ).raise_for_status()
                client.headers["Authorization"] = f"Bearer {told.json()['access_token']}"
                yield client
        except (httpx.HTTPError, KeyError, ValueError) as error:
            why = str(error)[:200]
            if isinstance(error, httpx.HTTPStatusError):
                why = f"{error.response.status_code} {error.response.text[:300]}"
            raise BackupUnavailable(
                f"Superset's assets could not be exported or imported: {self.url} said {why}.",
                reason="superset",
            ) from error
