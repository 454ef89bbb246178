"""Take the pictures in docs/images from a running local instance: `make screenshots`.

    python superset/screenshots.py INSTANCE

Runs in the project's environment. One picture is one whole tab, 1440 px wide, as a guest sees it.
"""

from __future__ import annotations

import sys
from pathlib import Path

import httpx
from viewer import Theme, Viewer, layouts

IMAGES = Path(__file__).resolve().parents[1] / "docs" / "images"
NAMES = {"movie-reception": "reception", "compare-movies": "compare", "pipeline": "pipeline"}
THEMES: tuple[Theme, ...] = ("light", "dark")


def main() -> None:
    """Take them all, or none: they are written once the last one is taken."""
    from filmpulse import local
    from filmpulse.errors import FilmpulseError

    instance = sys.argv[1]
    start = "make demo" if instance == "demo" else "make up"
    folder = local.DEFAULT_ROOT / instance
    if not (folder / "stack.json").exists():
        sys.exit(f"There is no instance `{instance}`: `{start}` first.")
    try:
        stack = local.read_stack(folder)
    except FilmpulseError as error:
        sys.exit(str(error))
    address = stack.urls["superset"]
    if address is None:
        sys.exit(f"`{instance}` has no Superset: {stack.left_out['superset']}.")
    try:
        httpx.get(f"{address}/health", trust_env=False).raise_for_status()
    except httpx.HTTPError:
        sys.exit(f"The Superset of `{instance}` does not run: `{start}` first.")
    with Viewer(address) as viewer:
        viewer.sign_in("guest", stack.superset_passwords["guest"])
        taken = _taken(viewer)
    IMAGES.mkdir(exist_ok=True)
    for name, picture in taken.items():
        (IMAGES / name).write_bytes(picture)
        sys.stdout.write(f"docs/images/{name}  {len(picture) / 1024:.0f} KiB\n")


def _taken(viewer: Viewer) -> dict[str, bytes]:
    """Return each picture by its file's name."""
    taken = {}
    for theme in THEMES:
        viewer.use_theme(theme)
        for layout in layouts():
            seen = viewer.open(layout.slug)
            undrawn = [title for title, how in seen.charts.items() if how != "drawn"]
            if undrawn:
                sys.exit(f"{layout.slug}: nothing to be seen in {', '.join(undrawn)}.")
            taken[f"{NAMES[layout.slug]}-{theme}.png"] = viewer.picture()
            if (layout.slug, theme) == ("movie-reception", "light"):
                viewer.open_tab("Aspects in depth")
                taken["aspects-light.png"] = viewer.picture()
    return taken


if __name__ == "__main__":
    main()
