"""Alembic's entry: run the numbered SQL files on the connection that `migrate` hands over."""

from alembic import context

connection = context.config.attributes["connection"]
context.configure(
    connection=connection, version_table="schema_revision", version_table_schema="ops"
)
with context.begin_transaction():
    context.run_migrations()
