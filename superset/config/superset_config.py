"""Superset's configuration: the differences from its defaults, with the reasons.

Superset loads this file by SUPERSET_CONFIG_PATH. The file needs these variables:

    SUPERSET_SECRET_KEY    signs sessions and encrypts stored passwords; without it they are lost
    SUPERSET_METADATA_URL  Superset's own database, postgresql+psycopg2://...
    SUPERSET_CACHE_DIR     directory of the caches; closed to others, since its files are unpickled

These may be left out (docs/adr/0050-superset-on-a-cluster.md):

    SUPERSET_PUBLIC_URL    where browsers reach Superset, if a proxy stands in front. Superset is
                           served at the path of this address, and behind https:// it trusts the
                           proxy's headers
    SUPERSET_CACHE_URL     a Redis for caches and sessions, which may drop what it has no room for;
                           closed to others, as above. Unset: files in SUPERSET_CACHE_DIR
    SUPERSET_REDIS_URL     a Redis for the orders to Superset's worker, which drops nothing; its
                           databases 2 and 3 are used. Unset: no reports, no thumbnails
    SUPERSET_INTERNAL_URL  where the worker's browser reaches Superset, without the path above
    SUPERSET_SMTP_URL      the mail server of reports, smtps://user:password@host:465, or smtp://
                           with STARTTLS, or smtp+plain:// without encryption (a relay close by)
    SUPERSET_SMTP_FROM     the sender of reports
"""

from __future__ import annotations

import copy
import hashlib
import os
import secrets
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from cachelib import FileSystemCache
from flask import (
    Blueprint,
    current_app,
    g,
    has_request_context,
    redirect,
    request,
    session,
    url_for,
)
from redis import Redis
from sqlalchemy.dialects.postgresql.base import PGDialect
from superset import config as default
from superset.security import SupersetSecurityManager
from superset.tasks.types import FixedExecutor
from werkzeug.wrappers import Response

import proxied


def _required(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        raise RuntimeError(f"{name} is not set: Superset does not start without it.")
    return value


SECRET_KEY = _required("SUPERSET_SECRET_KEY")
SQLALCHEMY_DATABASE_URI = _required("SUPERSET_METADATA_URL")
# After a restart of Postgres, Superset replaces its connections instead of answering errors.
SQLALCHEMY_ENGINE_OPTIONS = {"pool_pre_ping": True}
# Both features are off; still, do not keep their published default secrets.
GUEST_TOKEN_JWT_SECRET = GLOBAL_ASYNC_QUERIES_JWT_SECRET = secrets.token_hex(32)

# Superset writes a query with its values before it connects. Until then SQLAlchemy 1.4 doubles each
# backslash, so that a movie with a backslash in its title is not found. Postgres takes a backslash
# literally (`standard_conforming_strings`, on since 9.1), and so does SQLAlchemy once connected.
PGDialect._backslash_escapes = False

# --- Behind a proxy ----------------------------------------------------------------------------
_PUBLIC = urlsplit(os.environ.get("SUPERSET_PUBLIC_URL", ""))
_HTTPS = _PUBLIC.scheme == "https"
_PATH = _PUBLIC.path.rstrip("/")
APPLICATION_ROOT = _PATH or "/"
ADDITIONAL_MIDDLEWARE = [proxied.below(_PATH)] if _PATH else []
# The proxy says that the visitor came by https, and from which address, by which log-ins are
# counted. The name of the host is the request's own, and the path is the one above.
ENABLE_PROXY_FIX = _HTTPS
PROXY_FIX_CONFIG = {"x_for": 1, "x_proto": 1, "x_host": 0, "x_port": 0, "x_prefix": 0}

# --- Nothing leaves this machine ---------------------------------------------------------------
WTF_CSRF_ENABLED = TALISMAN_ENABLED = True
SESSION_COOKIE_SECURE = _HTTPS
# Cookies ignore the port: two instances on 127.0.0.1 would log each other's users out.
SESSION_COOKIE_NAME = f"superset_{hashlib.sha256(SECRET_KEY.encode()).hexdigest()[:12]}"
# No other host is allowed: the browser sends nothing to scarf.sh (a pixel on every page that no
# setting removes), nor to servers of map tiles or fonts.
THEME_FONT_URL_ALLOWED_DOMAINS: list[str] = []
TALISMAN_CONFIG: dict[str, Any] = {
    **copy.deepcopy(default.TALISMAN_CONFIG),
    "session_cookie_secure": _HTTPS,
    "strict_transport_security": False,  # the proxy says it, for all that it serves
    "referrer_policy": "same-origin",
}
TALISMAN_CONFIG["content_security_policy"] |= {
    "img-src": ["'self'", "blob:", "data:"],
    "connect-src": ["'self'"],
    "style-src": ["'self'", "'unsafe-inline'"],
    "font-src": ["'self'"],
    "form-action": ["'self'"],
    "frame-ancestors": ["'self'"],
}
ENABLE_CORS = False

# --- Sessions ----------------------------------------------------------------------------------
# Sessions lie on the server, and the cookie holds only their id: after a log-out a copy of the
# cookie is useless. They are not in the database, which would be asked for every file of a page.
_CACHE_DIR = _required("SUPERSET_CACHE_DIR")
_CACHE_URL = os.environ.get("SUPERSET_CACHE_URL") or None
SESSION_SERVER_SIDE = True
if _CACHE_URL is None:
    SESSION_TYPE = "cachelib"
    SESSION_CACHELIB = FileSystemCache(f"{_CACHE_DIR}/sessions", threshold=10_000)
else:
    SESSION_TYPE = "redis"
    SESSION_REDIS = Redis.from_url(_CACHE_URL)
    SESSION_KEY_PREFIX = "superset_session_"
PERMANENT_SESSION_LIFETIME = timedelta(days=1)
# Otherwise a slow request that began before a log-out would write the session again.
SESSION_REFRESH_EACH_REQUEST = False

# --- Speed -------------------------------------------------------------------------------------


def _cache(name: str, seconds: int) -> dict[str, Any]:
    if _CACHE_URL is not None:
        return {
            "CACHE_TYPE": "RedisCache",
            "CACHE_REDIS_URL": _CACHE_URL,
            # Without a prefix, to clear one cache would be to clear the whole Redis.
            "CACHE_KEY_PREFIX": f"superset_{name}_",
            "CACHE_DEFAULT_TIMEOUT": seconds,
        }
    return {
        "CACHE_TYPE": "FileSystemCache",
        "CACHE_DIR": f"{_CACHE_DIR}/{name}",
        "CACHE_THRESHOLD": 5_000,  # entries; the oldest are dropped
        "CACHE_DEFAULT_TIMEOUT": seconds,
    }


CACHE_CONFIG = _cache("metadata", 24 * 3600)
DATA_CACHE_CONFIG = _cache("data", 600)  # datasets that must be fresher set 60
THUMBNAIL_CACHE_CONFIG = _cache("thumbnails", 7 * 24 * 3600)
# Only people who write charts have such entries; guests have filter states, see `visitors.py`.
EXPLORE_FORM_DATA_CACHE_CONFIG = _cache("explore", 7 * 24 * 3600)
# In Superset's database, which all its servers share, beside a Redis too: there the number of the
# entries is limited, and a guest who stores many pushes nobody's session out.
FILTER_STATE_CACHE_CONFIG = {
    **default.FILTER_STATE_CACHE_CONFIG,
    "CACHE_DEFAULT_TIMEOUT": 24 * 3600,
    "REFRESH_TIMEOUT_ON_RETRIEVAL": False,
}
ALEMBIC_SKIP_LOG_CONFIG = True  # else a migration turns off all later logs
RATELIMIT_STORAGE_URI = _CACHE_URL or "memory://"  # the default, but without a warning
ROW_LIMIT = 10_000  # of a chart without a limit of its own
DEFAULT_RELATIVE_END_TIME = "tomorrow"  # else "Last month" ends before today
SUPERSET_WEBSERVER_TIMEOUT = 60  # seconds; gunicorn's is longer, so that the page can show it

# --- Reports and thumbnails: Superset's worker --------------------------------------------------
_REDIS_URL = os.environ.get("SUPERSET_REDIS_URL") or None
if _REDIS_URL is not None:

    class CELERY_CONFIG(default.CeleryConfig):
        """Superset's own, with its tasks and times, but over Redis."""

        broker_url = urlsplit(_REDIS_URL)._replace(path="/2").geturl()
        result_backend = urlsplit(_REDIS_URL)._replace(path="/3").geturl()
        broker_connection_retry_on_startup = True

    # Everybody sees the same picture of a dashboard; a report is made with the rights of its owner.
    THUMBNAIL_EXECUTORS = [FixedExecutor("admin")]
    THUMBNAIL_ERROR_CACHE_TTL = 300  # seconds until a picture that failed is tried again
    # Seconds on a busy machine, until a dashboard begins to show and until its charts are drawn.
    SCREENSHOT_LOCATE_WAIT, SCREENSHOT_LOAD_WAIT = 60, 180
    WEBDRIVER_TYPE = "chrome"
    WEBDRIVER_AUTH_FUNC = proxied.signing_in(_PATH)
    WEBDRIVER_BASEURL = f"{_required('SUPERSET_INTERNAL_URL').rstrip('/')}/"
    WEBDRIVER_BASEURL_USER_FRIENDLY = (
        _PUBLIC._replace(path="/").geturl() if _PUBLIC.netloc else WEBDRIVER_BASEURL
    )
    WEBDRIVER_OPTION_ARGS = ["--headless=new", "--disable-dev-shm-usage", "--hide-scrollbars"]
    if os.geteuid() == 0:  # Chromium's sandbox refuses to run as root
        WEBDRIVER_OPTION_ARGS.append("--no-sandbox")
    if _driver := shutil.which("chromedriver"):  # else Selenium looks for one to download
        WEBDRIVER_CONFIGURATION = {"service": {"executable_path": _driver}}


def _no_mail_server(msg: Any, **_: Any) -> Any:
    """Fail a report before it is sent; the report's log shows the sentence."""
    raise RuntimeError("No mail server is set: give Superset and its worker SUPERSET_SMTP_URL.")


_smtp = urlsplit(os.environ.get("SUPERSET_SMTP_URL", ""))
if _smtp.hostname:
    SMTP_HOST, SMTP_PORT = _smtp.hostname, _smtp.port or (465 if _smtp.scheme == "smtps" else 587)
    SMTP_USER, SMTP_PASSWORD = (unquote(word or "") for word in (_smtp.username, _smtp.password))
    SMTP_SSL, SMTP_STARTTLS = _smtp.scheme == "smtps", _smtp.scheme == "smtp"
    SMTP_SSL_SERVER_AUTH = True
    SMTP_MAIL_FROM = _required("SUPERSET_SMTP_FROM")
else:
    EMAIL_HEADER_MUTATOR = _no_mail_server

# --- Appearance --------------------------------------------------------------------------------
FEATURE_FLAGS = {
    # Else charts below the screen are not drawn, and a printed page has gaps.
    "DASHBOARD_VIRTUALIZATION": False,
    **dict.fromkeys(("ALERT_REPORTS", "THUMBNAILS"), _REDIS_URL is not None),
}
# For size, colour and layout of Markdown cards; scripts and style sheets stay forbidden.
HTML_SANITIZATION_SCHEMA_EXTENSIONS = {"attributes": {"*": ["style", "className"]}}
FAB_API_SWAGGER_UI = False
ENABLE_UI_THEME_ADMINISTRATION = False  # this file sets the theme; users choose light or dark

_STATIC = Path(__file__).with_name("static")


def _static_url(name: str) -> str:
    """Return the address of a file of ours; it changes with the content, so caches may keep it.

    Superset puts its path before some addresses, and takes others as they are (6.1.0).
    """
    version = hashlib.sha256((_STATIC / name).read_bytes()).hexdigest()[:12]
    return f"/filmpulse-static/{name}?v={version}"


def _theme(base: dict[str, Any], logo: str, primary: str) -> dict[str, Any]:
    # A theme replaces the default, so it must be complete.
    ours = {
        "brandAppName": "Filmpulse",
        "brandLogoAlt": "Filmpulse",
        "brandLogoUrl": _static_url(logo),
        "brandLogoHref": "/dashboard/list/",
        # Superset's own spinner is not in its wheel, which each page would log.
        "brandSpinnerUrl": f"{_PATH}{_static_url('spinner.svg')}",
        "colorPrimary": primary,
        "colorLink": primary,
    }
    return {**base, "token": {**base["token"], **ours}}


APP_NAME = "Filmpulse"
APP_ICON = f"{_PATH}{_static_url('logo.svg')}"
LOGO_TARGET_PATH = "/dashboard/list/"
LOGO_RIGHT_TEXT = "Filmpulse"
FAVICONS = [{"href": _static_url("logo.svg"), "type": "image/svg+xml"}]
THEME_DEFAULT = _theme(default.THEME_DEFAULT, "logo.svg", "#0F6E84")
THEME_DARK = _theme(default.THEME_DARK, "logo-dark.svg", "#4FB3C8")

# Seven colours of Okabe and Ito (2008), which most colour-blind people can tell apart; the yellow,
# too pale on white, is a grey here.
_CATEGORIES = ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#8C8C8C"]
# From very negative to very positive: orange to blue, which every kind of colour-blindness keeps.
_SCORES = ["#B4530A", "#EEA65A", "#B9B9BD", "#6AAED6", "#2B7BBA"]
EXTRA_CATEGORICAL_COLOR_SCHEMES = [
    {
        "id": "filmpulse",
        "label": "Filmpulse",
        "description": "Categories without an order",
        "isDefault": True,
        "colors": _CATEGORIES,
    },
    {
        "id": "filmpulse_scores",
        "label": "Filmpulse scores",
        "description": "Very negative to very positive",
        "colors": _SCORES,
    },
]
EXTRA_SEQUENTIAL_COLOR_SCHEMES = [
    {
        "id": "filmpulse_diverging",
        "label": "Filmpulse diverging",
        "description": "-2, very negative, to 2, very positive",
        "isDiverging": True,
        "colors": _SCORES,
    },
    {
        "id": "filmpulse_coverage",
        "label": "Filmpulse coverage",
        "description": "Little to all",
        "isDiverging": False,
        "colors": ["#E3EFF6", "#79B4D6", "#0F5C8C"],
    },
]

# --- Rights ------------------------------------------------------------------------------------


class CUSTOM_SECURITY_MANAGER(SupersetSecurityManager):
    """Superset's own, with two stricter rules and waits after wrong passwords.

    Only owners see a draft: by default its address is enough. Only people who write charts may send
    SQL: by default everybody may who sees one chart.
    """

    def exist_permission_on_roles(
        self, view_name: str, permission_name: str, role_ids: list[int]
    ) -> bool:
        """Ask the database once for each request: Superset asks several times for one chart."""
        known = g.setdefault("permissions_on_roles", {}) if has_request_context() else {}
        key = (view_name, permission_name, *role_ids)
        if key not in known:
            known[key] = super().exist_permission_on_roles(view_name, permission_name, role_ids)
        return bool(known[key])

    def auth_user_db(self, username: str, password: str) -> Any:
        """Return the user of a name and password; None if they are wrong or the name must wait."""
        import visitors

        known = self.find_user(username=username) or self.find_user(email=username)
        name = f"user {known.id}" if known else str(username).lower()
        if visitors.must_wait(name):
            return None
        user = super().auth_user_db(username, password)
        if user is not None:
            visitors.was_right(name)
        return user

    def on_user_login(self, user: Any) -> None:
        """Give the session a new id: somebody else may know, or have chosen, the old one."""
        current_app.session_interface.regenerate(session)

    def on_user_logout(self, user: Any) -> None:
        """Remove the session from the server."""
        session.clear()

    def raise_for_access(self, dashboard: Any = None, *args: Any, **named: Any) -> None:
        """Raise SupersetSecurityException unless the user may see the named objects."""
        if (
            dashboard is not None
            and not dashboard.published
            and not self.is_admin()
            and not self.is_owner(dashboard)
        ):
            from superset.exceptions import SupersetSecurityException

            raise SupersetSecurityException(self.get_dashboard_access_error_object(dashboard))
        super().raise_for_access(dashboard, *args, **named)
        if self.can_access("can_write", "Chart"):
            return
        from questions import refuse_free_sql, refuse_query

        if (context := named.get("query_context")) is not None:
            refuse_free_sql(context)
        if named.get("query") is not None and not self.can_access(
            "can_execute_sql_query", "SQLLab"
        ):
            refuse_query()


_filmpulse = Blueprint(
    "filmpulse", __name__, static_folder=str(_STATIC), static_url_path="/filmpulse-static"
)


@_filmpulse.before_app_request
def _begin_with_the_dashboards() -> Response | None:
    if request.path in ("/", "/superset/welcome/"):
        return redirect(url_for("DashboardModelView.list"))
    return None


@_filmpulse.before_app_request
def _limit_filter_states() -> None:
    import visitors

    visitors.refuse_long_filter_state()


@_filmpulse.after_app_request
def _keep_to_limits(response: Response) -> Response:
    import visitors

    visitors.drop_old_filter_states(response)
    visitors.hide_choices(response)
    return visitors.tell_the_wait(response)


BLUEPRINTS = [_filmpulse]
