"""What a run's rules may say: that a plan chose by outcomes which problems have more samples"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0011'
down_revision = '0010'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.alter_column(
        'run', 'stop_rule', existing_type=postgresql.JSONB(astext_type=sa.Text()), existing_nullable=False,
        existing_server_default=sa.text("'{}'::jsonb"),
        comment='Stopping rules: when_solved, usd, gpu_hours, flops; planned, where outcomes chose who has more than n; '
        'extending_to, the n that all problems of such a run are being brought to',
    )


def downgrade() -> None:
    raise NotImplementedError("a dump from before is the way back")
