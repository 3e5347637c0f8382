"""Imported photos, their uses and captions"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "photos",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("licence", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("file_name", sa.String(), nullable=False),
        sa.Column("batch", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["sha256"], ["blobs.sha256"], name=op.f("fk_photos_sha256_blobs")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_photos")),
        sa.UniqueConstraint("sha256", name=op.f("uq_photos_sha256")),
    )
    with op.batch_alter_table("photos", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_photos_batch"), ["batch"], unique=False)
    op.create_table(
        "photo_uses",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("item_number", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["item_number"], ["items.number"], name=op.f("fk_photo_uses_item_number_items")),
        sa.ForeignKeyConstraint(["sha256"], ["photos.sha256"], name=op.f("fk_photo_uses_sha256_photos")),
        sa.PrimaryKeyConstraint("sha256", "item_number", name=op.f("pk_photo_uses")),
    )
    with op.batch_alter_table("photo_uses", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_photo_uses_item_number"), ["item_number"], unique=False)
    op.create_table(
        "photo_captions",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("prompt_sha256", sa.String(length=64), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["sha256"], ["photos.sha256"], name=op.f("fk_photo_captions_sha256_photos")),
        sa.PrimaryKeyConstraint("sha256", "model", "prompt_sha256", name=op.f("pk_photo_captions")),
    )
