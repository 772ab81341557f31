"""What Alembic runs to reach the database: inside a transaction it is handed, or on a file for drafting a step."""

from alembic import context
from sqlalchemy import Connection, create_engine

from bot.ledger.tables import Row


def _run(connection: Connection) -> None:
    # SQLite changes most things only by copying the table (batch); its DDL rolls back with the transaction.
    context.configure(
        connection=connection, target_metadata=Row.metadata, render_as_batch=True, transactional_ddl=True
    )
    with context.begin_transaction():
        context.run_migrations()


given: Connection | None = context.config.attributes.get("connection")
if given is not None:
    _run(given)
else:
    file = context.get_x_argument(as_dictionary=True)["ledger"]
    with create_engine(f"sqlite:///{file}").connect() as opened:
        _run(opened)
