"""What a guest may see: every published dashboard of this repository and its data, and no more.

Runs inside Superset's application context.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from instance import managed_datasets
from superset.extensions import db, security_manager

if TYPE_CHECKING:
    from flask_appbuilder.security.sqla.models import Role

ROLE = "Filmpulse guest"
# What it takes to look: open the list and a dashboard, have its charts answered, set filters (their
# state is written), see a chart's figures and save them. Data is granted a dataset at a time.
LOOKING = {
    ("can_csv", "Superset"),
    ("can_dashboard", "Superset"),
    ("can_dashboard_permalink", "Superset"),
    ("can_log", "Superset"),  # each page tells Superset which charts were shown
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


def guest_role() -> Role:
    """Return the guests' role, made to be exactly this; call it again when datasets changed."""
    role = security_manager.add_role(ROLE)
    data = {("datasource_access", dataset.perm) for dataset in managed_datasets()}
    wanted = {security_manager.add_permission_view_menu(*each) for each in sorted(LOOKING | data)}
    if set(role.permissions) != wanted:
        role.permissions = sorted(wanted, key=lambda permission: permission.id)
    db.session.commit()
    return role
