"""Every process that does works or sweeps has a row, which says what it last did"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        'worker',
        sa.Column('id', sa.BigInteger(), primary_key=True, autoincrement=True),
        sa.Column('kind', sa.String(), nullable=False, comment='generate, verify, score or sweep'),
        sa.Column('name', sa.String(), nullable=False, comment='As Celery and Flower name it'),
        sa.Column('queues', postgresql.ARRAY(sa.String()), server_default=sa.text("'{}'"), nullable=False,
                  comment='The Celery queues that it serves'),
        sa.Column('host', sa.String(), nullable=False),
        sa.Column('pid', sa.Integer(), nullable=False, comment='Process id on its host'),
        sa.Column('machine', sa.String(), nullable=False,
                  comment='Boot and pid namespace, within which pid and started_ticks tell a process'),
        sa.Column('started_ticks', sa.BigInteger(), nullable=False,
                  comment='Start of its process in clock ticks since boot'),
        sa.Column('code_version', sa.String(), nullable=False,
                  comment='Version of monkeys, with the commit where it is known'),
        sa.Column('judges', postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False,
                  comment='What it can judge by: sandbox, packages, Lean, Docker'),
        sa.Column('state', sa.String(), server_default=sa.text("'starting'"), nullable=False,
                  comment='starting, serving, idle, leaving, left as it was asked to, or failed'),
        sa.Column('started_at', sa.DateTime(timezone=True), server_default=sa.func.now(), comment='When it began'),
        sa.Column('last_did_at', sa.DateTime(timezone=True), comment='When it last took up or ended a work, or swept'),
        sa.Column('lease_until', sa.DateTime(timezone=True),
                  comment='Until when it said that it lives; past it stands still, or is lost'),
        sa.Column('last_error', sa.String(), comment='Why it failed, or what it waits for'),
        sa.CheckConstraint("state in ('starting', 'serving', 'idle', 'leaving', 'left', 'failed')", name='worker_state'),
        comment='A process that does works or sweeps, living or gone: what it last did says whether it stands still.',
    )
    op.create_index('worker_alive', 'worker', ['lease_until'],
                    postgresql_where=sa.text("state not in ('left', 'failed')"))
    # no foreign key: to check it would write a lock into the worker's row with every claim
    op.add_column('attempt', sa.Column('worker_id', sa.BigInteger(), comment='The worker whose process made it'))


def downgrade() -> None:
    raise NotImplementedError("a dump from before is the way back")
