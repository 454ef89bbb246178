"""The commands and their groups, which each module here fills."""

import typer

app = typer.Typer(
    help="How a film is being received, why, and how that is changing.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)
movies_app = typer.Typer(help="The movies that are tracked.", no_args_is_help=True)
app.add_typer(movies_app, name="movies")
inbox_app = typer.Typer(help="Saved pages and tables, on their way in.", no_args_is_help=True)
app.add_typer(inbox_app, name="inbox")
events_app = typer.Typer(help="What happened around a movie, shown in time.", no_args_is_help=True)
app.add_typer(events_app, name="events")
lists_app = typer.Typer(help="Title lists that you dropped in.", no_args_is_help=True)
app.add_typer(lists_app, name="lists")
import_app = typer.Typer(help="Reviews from files that you may use.", no_args_is_help=True)
app.add_typer(import_app, name="import")
backup_app = typer.Typer(help="Copies of the warehouse on S3.", no_args_is_help=True)
app.add_typer(backup_app, name="backup")
lake_app = typer.Typer(help="The lake, and copies of it.", no_args_is_help=True)
app.add_typer(lake_app, name="lake")
catalogue_app = typer.Typer(help="IMDb's titles and people, on this machine.", no_args_is_help=True)
app.add_typer(catalogue_app, name="catalogue")
