"""Intervals of what selectors leave on the table, and what a forecast's flag says"""

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
    op.alter_column('analysis_forecast', 'flag', comment='That the data refute the law, or what other laws say')


def downgrade() -> None:
    raise NotImplementedError("a dump from before is the way back")
