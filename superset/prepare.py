"""Make Superset ready to start: its tables, roles, log-ins, and the dashboards of this checkout.

    python superset/prepare.py

One process, since each costs some eight seconds of imports. Repeatable: a second run changes
nothing. Beside what `superset_config.py` and `sync.py` read it wants SUPERSET_ADMIN_PASSWORD and
SUPERSET_GUEST_PASSWORD, which the log-ins `admin` and `guest` get every time.

Its last words, after an empty line, are what became of the dashboards. Where they could not be
brought in (somebody's own may be in the way) all else is done, and it ends with code 3.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from sync import ASSETS, SyncError, environment, sync

if TYPE_CHECKING:
    from flask_appbuilder.security.sqla.models import Role

UNSYNCED = 3  # the exit code; Python's own are 1 and 2


def main() -> None:
    """Do all of it, and say what became of the dashboards."""
    warehouse_url, airflow_url, admin, guest = environment(
        *("SUPERSET_WAREHOUSE_URL", "SUPERSET_AIRFLOW_URL"),
        *("SUPERSET_ADMIN_PASSWORD", "SUPERSET_GUEST_PASSWORD"),
    )
    from superset.app import create_app

    app = create_app()
    with app.app_context():
        import waits
        from flask_migrate import upgrade
        from guests import guest_role
        from superset.extensions import appbuilder, cache_manager, db, security_manager

        upgrade()
        with db.engine.begin() as connection:
            waits.create(connection)
        appbuilder.add_permissions(update_perms=True)
        security_manager.sync_role_definitions()
        db.session.commit()
        app.sync_config_to_db()  # the themes
        cache_manager.data_cache.clear()  # another version of pandas may have written there
        set_user("admin", security_manager.find_role("Admin"), admin)
        code = 0
        try:
            said = str(sync(ASSETS, warehouse_url=warehouse_url, airflow_url=airflow_url))
        except SyncError as error:
            code, said = UNSYNCED, f"No dashboard was changed:\n{error}"
        set_user("guest", guest_role(), guest)
    sys.stdout.write(f"\n{said}\n")
    sys.exit(code)


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


if __name__ == "__main__":
    main()
