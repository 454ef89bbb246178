"""Take the pictures in docs/images from a running local instance: `make screenshots`.

Runs in the project's Python environment. A picture shows one whole tab as a guest sees it, 1440 px
wide.
"""

from __future__ import annotations

import sys

from superset_tools.bundle import ASSETS_FOLDER
from superset_tools.run import running
from superset_tools.viewer import Theme, Viewer, layouts

IMAGES = ASSETS_FOLDER.parents[1] / "docs" / "images"
NAMES = {
    "movie-reception": "reception",
    "compare-movies": "compare",
    "pipeline": "pipeline",
    "catalogue": "catalogue",
}
TABS = {
    "movie-reception": {"Aspects in depth": "aspects"},
    "catalogue": {tab: f"catalogue-{tab.lower()}" for tab in ("Years", "Runtime", "People")},
}
"""Other tabs of which a light picture is taken, and its name, by the dashboard's slug."""
THEMES: tuple[Theme, ...] = ("light", "dark")


def main() -> None:
    """Take all pictures, then write them: an error leaves the old ones."""
    stack = running(sys.argv[1])
    with Viewer(str(stack.urls["superset"])) as viewer:
        viewer.sign_in("guest", stack.superset_passwords["guest"])
        taken = _taken(viewer)
    IMAGES.mkdir(exist_ok=True)
    for name, picture in taken.items():
        (IMAGES / name).write_bytes(picture)
        sys.stdout.write(f"docs/images/{name}  {len(picture) / 1024:.0f} KiB\n")


def _taken(viewer: Viewer) -> dict[str, bytes]:
    """Return the pictures by file name."""
    taken = {}
    for theme in THEMES:
        viewer.use_theme(theme)
        for layout in layouts():
            seen = viewer.open(layout.slug)
            undrawn = [title for title, how in seen.charts.items() if how != "drawn"]
            if undrawn:
                sys.exit(f"{layout.slug}: nothing to be seen in {', '.join(undrawn)}.")
            taken[f"{NAMES[layout.slug]}-{theme}.png"] = viewer.picture()
            for tab, name in TABS.get(layout.slug, {}).items() if theme == "light" else ():
                viewer.open_tab(tab)
                taken[f"{name}-{theme}.png"] = viewer.picture()
    return taken


if __name__ == "__main__":
    main()
