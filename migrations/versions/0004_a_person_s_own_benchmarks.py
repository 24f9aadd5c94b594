"""A person's own benchmarks: where they come from, and the code that their verifiers are"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.alter_column('benchmark', 'name', comment="gsm8k, math, ... or that of a person's own")
    op.add_column('benchmark', sa.Column(
        'origin', sa.String(), comment="Of a person's own: the file or the module that it comes from"))
    op.alter_column('verifier', 'queue',
                    comment="The Celery queue of its works: verify, verify.docker, or that of a person's own benchmark")
    op.add_column('verifier', sa.Column(
        'code', postgresql.JSONB(), comment="Of a person's own: attribute, digest, and source or module and folder"))


def downgrade() -> None:
    raise NotImplementedError("a dump from before is the way back")
