"""What became of backups and restore drills, for the dashboards; the store itself is the truth."""

from __future__ import annotations

from datetime import datetime

from filmpulse.warehouse.statement import Command, Scalar

backup_begin = Command("backup_begin")
backup_verified = Command("backup_verified")
backup_failed = Command("backup_failed")
backup_newest: Scalar[datetime | None] = Scalar("backup_newest")
drill_record = Command("drill_record")
