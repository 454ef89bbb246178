"""Make Superset ready to start: its tables, roles, log-ins, and the dashboards of this checkout.

    python superset/prepare.py

One process, since each costs some eight seconds of imports. Repeatable: a second run changes
nothing. Beside what `superset_config.py` reads it wants SUPERSET_WAREHOUSE_URL (as
filmpulse_reader), SUPERSET_AIRFLOW_URL (dashboards link to it), and SUPERSET_ADMIN_PASSWORD and
SUPERSET_GUEST_PASSWORD, which the log-ins `admin` and `guest` get every time.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask_appbuilder.security.sqla.models import Role
    from superset.connectors.sqla.models import SqlaTable

ASSETS = Path(__file__).with_name("assets")
GUESTS = "Filmpulse guest"
# What it takes to look: open the list and a dashboard, have its charts answered, set filters,
# view a chart's figures and save them. The data itself is granted per dataset.
LOOKING = {
    ("can_read", "Dashboard"),
    ("can_read", "Chart"),
    ("can_read", "CurrentUserRestApi"),
    ("can_read", "Theme"),
    ("can_dashboard", "Superset"),
    ("can_dashboard_permalink", "Superset"),
    ("can_read", "DashboardPermalinkRestApi"),
    ("can_read", "DashboardFilterStateRestApi"),
    ("can_write", "DashboardFilterStateRestApi"),
    ("can_time_range", "Api"),
    ("can_view_chart_as_table", "Dashboard"),
    ("can_csv", "Superset"),
    ("menu_access", "Dashboards"),
}


def main() -> None:
    """Do all of it, and say what changed."""
    names = ("WAREHOUSE_URL", "AIRFLOW_URL", "ADMIN_PASSWORD", "GUEST_PASSWORD")
    missing = [name for name in names if not os.environ.get(f"SUPERSET_{name}")]
    if missing:
        sys.exit(f"Not set: {', '.join(f'SUPERSET_{name}' for name in missing)}.")
    warehouse_url, airflow_url, admin, guest = (os.environ[f"SUPERSET_{name}"] for name in names)

    from superset.app import create_app

    app = create_app()
    with app.app_context():
        from flask_migrate import upgrade
        from superset.extensions import appbuilder, cache_manager, db, security_manager
        from sync import sync

        upgrade()
        appbuilder.add_permissions(update_perms=True)
        security_manager.sync_role_definitions()
        db.session.commit()
        app.sync_config_to_db()
        cache_manager.data_cache.clear()  # what another version wrote is not read
        set_user("admin", security_manager.find_role("Admin"), admin)
        report = sync(ASSETS, warehouse_url=warehouse_url, airflow_url=airflow_url)
        set_user("guest", guest_role(), guest)
    print(report)


def set_user(username: str, role: Role, password: str) -> None:
    """Make a log-in, or give an existing one exactly this role and password."""
    from superset.extensions import db, security_manager
    from werkzeug.security import check_password_hash, generate_password_hash

    user = security_manager.find_user(username)
    if user is None:
        address = f"{username}@filmpulse.invalid"  # nobody is written to
        user = security_manager.add_user(username, username, "Filmpulse", address, role)
    if not check_password_hash(user.password or "", password):
        user.password = generate_password_hash(password)
    user.active, user.roles = True, [role]
    db.session.commit()


def guest_role() -> Role:
    """Give the guests' role what it takes to look at the datasets of this checkout, and no more."""
    from superset.connectors.sqla.models import SqlaTable
    from superset.extensions import db, security_manager

    role = security_manager.add_role(GUESTS)
    ours: list[SqlaTable] = db.session.query(SqlaTable).filter_by(is_managed_externally=True).all()
    wanted = LOOKING | {("datasource_access", dataset.perm) for dataset in ours}
    role.permissions = [security_manager.add_permission_view_menu(*each) for each in sorted(wanted)]
    db.session.commit()
    return role


if __name__ == "__main__":
    main()
