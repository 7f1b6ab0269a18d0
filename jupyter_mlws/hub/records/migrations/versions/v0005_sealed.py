"""Encrypted secrets of waiting containers, which the first tables did not have."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Tables that were created later have it from the beginning.
    columns = sa.inspect(op.get_bind()).get_columns("containers")
    if all(column["name"] != "sealed" for column in columns):
        op.add_column("containers", sa.Column("sealed", sa.Text))


def downgrade() -> None:
    """Leave the column: revision 0001 has it, too."""
