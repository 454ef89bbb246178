"""The text for a person about a running instance: addresses, log-ins, memory."""

from __future__ import annotations

import shlex

from rich.markup import escape

from filmpulse.local.instance import ADMIN, GUEST, VIEWER, Stack
from filmpulse.local.processes import memory
from filmpulse.web.mount import PREFIX


def addresses(stack: Stack) -> str:
    """Return addresses and log-ins as lines of rich markup, those for people first."""
    login = _login(stack.airflow_user, stack.airflow_password)
    viewer = _login(VIEWER, stack.viewer_password)
    urls = stack.urls | stack.public_urls
    lines = [("movies", f"{urls['airflow']}{PREFIX}/   {login}  or  {viewer}")]
    if urls["superset"]:
        logins = (_login(each, stack.superset_passwords[each]) for each in (ADMIN, GUEST))
        lines.append(("dashboards", f"{urls['superset']}   {'  or  '.join(logins)}"))
    lines.append(("Airflow", f"{urls['airflow']}   the same log-ins"))
    if stack.urls["sample_site"]:
        lines.append(("sample site", str(stack.urls["sample_site"])))
    lines += [("left out", f"{part}: {why}") for part, why in stack.left_out.items()]
    lines.append(("memory", str(memory(stack.dir))))
    lines.append(("shell", f"source {escape(shlex.quote(str(stack.dir / 'env.sh')))}"))
    return "\n".join(f"  {title:<11}  {text}" for title, text in lines)


def _login(user: str, password: str) -> str:
    return f"user [bold]{user}[/bold]  password [bold]{escape(password)}[/bold]"
