"""Intervals of precision, and bands of these very problems in the place of a bootstrap's"""

import sqlalchemy as sa
from alembic import op

revision = '0008'
down_revision = '0007'
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name, end in (('low', 'Lower'), ('high', 'Upper')):
        op.add_column('analysis_precision', sa.Column(
            name, sa.Double(), comment=f'{end} end of the 95 % interval of success_rate; null where analysed before'))
    op.execute("delete from analysis_band where method = 'bootstrap'")
    op.alter_column('analysis_band', 'method', comment='these_problems or posterior')
    op.create_table_comment(
        'analysis_band', 'Computed by analyze: bands of coverage of these very problems; read them through coverage_band.')
    op.execute('drop function if exists t_975(bigint)')  # the first version kept no list of what it made


def downgrade() -> None:
    raise NotImplementedError("a dump from before is the way back")
