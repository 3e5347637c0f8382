"""What Alembic runs. The connection comes from `storage.schema`, never from a configuration file."""

from typing import Any, Literal

from alembic import context
from sqlmodel import AutoString

from storage.external_tables import ExternalProjectRow as ExternalProjectRow
from storage.tables import UtcDateTime, metadata


def _render_type(kind: str, value: Any, _autogen: Any) -> str | Literal[False]:
    """Write plain SQLAlchemy types into migrations: they must not change when our classes do."""
    if kind == "type" and isinstance(value, UtcDateTime):
        return "sa.DateTime()"
    if kind == "type" and isinstance(value, AutoString):
        return f"sa.String(length={value.length})" if value.length else "sa.String()"
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_item=_render_type,
    render_as_batch=True,  # SQLite cannot alter a column in place
)
with context.begin_transaction():
    context.run_migrations()
