"""Intervals of fitted parameters, and what laws that lie far apart say"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0009'
down_revision = '0008'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('analysis_fit', sa.Column(
        'parameters_low', postgresql.JSONB(), comment='Lower ends of their 95 % intervals'))
    op.add_column('analysis_fit', sa.Column('parameters_high', postgresql.JSONB(), comment='Upper ends of them'))
    op.add_column('analysis_forecast', sa.Column(
        'flag', sa.String(), comment='What other laws say, where they lie far apart'))


def downgrade() -> None:
    raise NotImplementedError("a dump from before is the way back")
