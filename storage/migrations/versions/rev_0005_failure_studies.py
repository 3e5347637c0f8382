"""Studies of how answers fail"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("studies", sa.Column("kind", sa.String(length=32), nullable=False, server_default="judge"))
