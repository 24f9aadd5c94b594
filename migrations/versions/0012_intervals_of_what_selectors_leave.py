"""Intervals of what selectors leave on the table"""

import sqlalchemy as sa
from alembic import op

revision = '0012'
down_revision = '0011'
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name, comment in (
        ('gap_low', 'Lower end of the 95 % interval of coverage less success_rate; null where analysed before'),
        ('gap_high', 'Upper end of it; null where analysed before'),
    ):
        op.add_column('analysis_precision', sa.Column(name, sa.Double(), comment=comment))


def downgrade() -> None:
    raise NotImplementedError("a dump from before is the way back")
