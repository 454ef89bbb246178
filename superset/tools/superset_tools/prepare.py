"""Prepare Superset: its tables, roles, log-ins, and the dashboards of this checkout.

    python -m superset_tools.prepare

All steps are one process, as the imports take eight seconds. Repeatable: a second run changes
nothing. Beside the variables of `superset_config.py` it needs SUPERSET_WAREHOUSE_URL,
SUPERSET_AIRFLOW_URL, and SUPERSET_ADMIN_PASSWORD, SUPERSET_GUEST_PASSWORD and
SUPERSET_BACKUP_PASSWORD, which the log-ins `admin`, `guest` and `backup` get. `backup` is what a
backup of Filmpulse uses to export all assets; only an administrator sees people's drafts.

Its last output, after an empty line, is the report on the dashboards. If they could not be written
(a name may belong to somebody's own), all else is done, and the exit code is 3.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from superset_tools.bundle import ASSETS_FOLDER

if TYPE_CHECKING:
    from flask_appbuilder.security.sqla.models import Role

UNSYNCED = 3  # the exit code; Python's own are 1 and 2
# A guest may see every published dashboard of this repository and its data, and no more.
GUEST = "Filmpulse guest"
# The rights to open the list and a dashboard, get its charts' data, set filters (their state is
# written), see a chart's figures and save them. Rights to data are granted for each dataset.
_LOOKING = {
    ("can_csv", "Superset"),
    ("can_dashboard", "Superset"),
    ("can_dashboard_permalink", "Superset"),
    ("can_log", "Superset"),  # each page reports which charts were shown
    ("can_read", "Chart"),
    ("can_read", "CurrentUserRestApi"),
    ("can_read", "Dashboard"),
    ("can_read", "DashboardFilterStateRestApi"),
    ("can_read", "DashboardPermalinkRestApi"),
    ("can_read", "Theme"),
    ("can_time_range", "Api"),
    ("can_view_chart_as_table", "Dashboard"),
    ("can_write", "DashboardFilterStateRestApi"),
    ("menu_access", "Dashboards"),
}


def main() -> None:
    """Run all steps, and print the report on the dashboards."""
    warehouse_url, airflow_url, admin, guest, backup = _environment(
        *("SUPERSET_WAREHOUSE_URL", "SUPERSET_AIRFLOW_URL"),
        *("SUPERSET_ADMIN_PASSWORD", "SUPERSET_GUEST_PASSWORD", "SUPERSET_BACKUP_PASSWORD"),
    )
    from superset.app import create_app

    app = create_app()
    with app.app_context():
        from flask_migrate import upgrade
        from superset.extensions import appbuilder, cache_manager, db, security_manager

        import waits
        from superset_tools.sync import SyncError, sync

        upgrade()
        with db.engine.begin() as connection:
            waits.create(connection)
        appbuilder.add_permissions(update_perms=True)
        security_manager.sync_role_definitions()
        db.session.commit()
        app.sync_config_to_db()  # the themes
        cache_manager.data_cache.clear()  # another version of pandas may have written it
        _set_user("admin", security_manager.find_role("Admin"), admin)
        _set_user("backup", security_manager.find_role("Admin"), backup)
        code = 0
        try:
            said = str(sync(ASSETS_FOLDER, warehouse_url=warehouse_url, airflow_url=airflow_url))
        except SyncError as error:
            code, said = UNSYNCED, f"No dashboard was changed:\n{error}"
        _set_user("guest", _guest_role(), guest)
    sys.stdout.write(f"\n{said}\n")
    sys.exit(code)


def _environment(*names: str) -> list[str]:
    """Return environment variables; exit with a message if one is missing."""
    if missing := [name for name in names if not os.environ.get(name)]:
        sys.exit(f"Not set: {', '.join(missing)}.")
    return [os.environ[name] for name in names]


def _guest_role() -> Role:
    """Return the guests' role, with exactly the rights above, for today's datasets."""
    from superset.extensions import db, security_manager

    from superset_tools.instance import managed_datasets

    role = security_manager.add_role(GUEST)
    data = {("datasource_access", dataset.perm) for dataset in managed_datasets()}
    wanted = {security_manager.add_permission_view_menu(*each) for each in sorted(_LOOKING | data)}
    if set(role.permissions) != wanted:
        role.permissions = sorted(wanted, key=lambda permission: permission.id)
    db.session.commit()
    return role


def _set_user(username: str, role: Role, password: str) -> None:
    """Make a log-in, or give an existing one exactly this role and password."""
    from superset.extensions import db, security_manager
    from werkzeug.security import check_password_hash, generate_password_hash

    user = security_manager.find_user(username)
    if user is None:
        address = f"{username}@filmpulse.invalid"  # no mail is ever sent
        user = security_manager.add_user(username, username, "Filmpulse", address, role)
    if not check_password_hash(user.password or "", password):
        user.password = generate_password_hash(password)
    user.active, user.roles = True, [role]
    db.session.commit()


if __name__ == "__main__":
    main()
