"""Human studies of the judge"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "studies",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("release_version", sa.String(), nullable=False),
        sa.Column("release_digest", sa.String(length=64), nullable=False),
        sa.Column("run", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("mode", sa.String(), nullable=False),
        sa.Column("rubric_version", sa.String(), nullable=False),
        sa.Column("rubric_sha256", sa.String(length=64), nullable=False),
        sa.Column("seed", sa.Integer(), nullable=False),
        sa.Column("stratify", sa.String(), nullable=False),
        sa.Column("annotators", sa.Integer(), nullable=False),
        sa.Column("author", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("closed_at", sa.DateTime(), nullable=True),
        sa.Column("closed_by", sa.String(), nullable=False),
        sa.Column("frozen_sha256", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_studies")),
        sa.UniqueConstraint("name", name=op.f("uq_studies_name")),
    )
    op.create_table(
        "study_texts",
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["study_id"], ["studies.id"], name=op.f("fk_study_texts_study_id_studies")),
        sa.PrimaryKeyConstraint("study_id", "kind", name=op.f("pk_study_texts")),
    )
    op.create_table(
        "study_items",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("item_number", sa.Integer(), nullable=False),
        sa.Column("asked", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("task_id", sa.Integer(), nullable=True),
        sa.Column("consensus_task_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["consensus_task_id"], ["tasks.id"], name=op.f("fk_study_items_consensus_task_id_tasks")
        ),
        sa.ForeignKeyConstraint(["item_number"], ["items.number"], name=op.f("fk_study_items_item_number_items")),
        sa.ForeignKeyConstraint(["study_id"], ["studies.id"], name=op.f("fk_study_items_study_id_studies")),
        sa.ForeignKeyConstraint(["task_id"], ["tasks.id"], name=op.f("fk_study_items_task_id_tasks")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_study_items")),
        sa.UniqueConstraint("consensus_task_id", name=op.f("uq_study_items_consensus_task_id")),
        sa.UniqueConstraint("task_id", name=op.f("uq_study_items_task_id")),
    )
    with op.batch_alter_table("study_items", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_study_items_item_number"), ["item_number"], unique=False)
        batch_op.create_index(batch_op.f("ix_study_items_study_id"), ["study_id"], unique=False)

    op.create_table(
        "study_keys",
        sa.Column("study_item_id", sa.Integer(), nullable=False),
        sa.Column("sample", sa.Integer(), nullable=False),
        sa.Column("stratum", sa.String(), nullable=False),
        sa.Column("weight", sa.Float(), nullable=False),
        sa.Column("judged", sa.Text(), nullable=True),
        sa.Column("known", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["study_item_id"], ["study_items.id"], name=op.f("fk_study_keys_study_item_id_study_items")
        ),
        sa.PrimaryKeyConstraint("study_item_id", name=op.f("pk_study_keys")),
    )
