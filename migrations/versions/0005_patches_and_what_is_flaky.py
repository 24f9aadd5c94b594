"""Candidates that take long to judge are claimed, judgements made again are kept, and what judging printed"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None

LOG = 'What judging printed, zlib-compressed UTF-8; null where nothing is kept'


def upgrade() -> None:
    op.add_column('verdict', sa.Column('log', sa.LargeBinary(), comment=LOG))
    op.create_table(
        'claim',
        sa.Column('candidate_id', sa.BigInteger(), sa.ForeignKey('candidate.id'), primary_key=True),
        sa.Column('verifier_id', sa.BigInteger(), sa.ForeignKey('verifier.id'), primary_key=True),
        sa.Column('work_id', sa.BigInteger(), sa.ForeignKey('work.id', ondelete='CASCADE'), nullable=False),
        sa.Column('lease_token', sa.Uuid(), nullable=False, comment='As in work: another one there, and this claim is dead'),
        comment='A candidate that takes long to judge is being judged: the claim lives as long as the lease of its work.',
    )
    op.create_index('ix_claim_work_id', 'claim', ['work_id'])
    op.create_table(
        'rejudgement',
        sa.Column('id', sa.BigInteger(), primary_key=True, autoincrement=True),
        sa.Column('candidate_id', sa.BigInteger(), sa.ForeignKey('candidate.id'), nullable=False),
        sa.Column('verifier_id', sa.BigInteger(), sa.ForeignKey('verifier.id'), nullable=False),
        sa.Column('outcome', postgresql.ENUM(name='outcome', create_type=False),
                  comment="Null: another one than the verdict's, from before it was kept"),
        sa.Column('detail', sa.String(), comment='One line for a person'),
        sa.Column('cpu_seconds', sa.Double(), server_default=sa.text("'0'"), nullable=False, comment='CPU time of judging'),
        sa.Column('facts', postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False,
                  comment='How it was judged: isolation, limits, versions'),
        sa.Column('host', sa.String(), comment='Where'),
        sa.Column('code_version', sa.String(), comment='Version of monkeys, with the commit where it is known'),
        sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.func.now(), comment='When'),
        sa.Column('log', sa.LargeBinary(), comment=LOG),
        comment='A candidate judged once more, to see whether its verifier is stable; the verdict stays the first one.',
    )
    op.create_index('rejudgement_of_candidate', 'rejudgement', ['candidate_id', 'verifier_id'])
    # what was only counted so far: of those that disagreed the outcome is not known
    op.execute("""
        insert into rejudgement (candidate_id, verifier_id, outcome, created_at)
        select candidate_id, verifier_id, case when nth > disagreements then outcome end, null
        from verdict cross join lateral generate_series(1, reruns) as nth where reruns > 0
    """)
    op.drop_column('verdict', 'reruns')
    op.drop_column('verdict', 'disagreements')


def downgrade() -> None:
    raise NotImplementedError("a dump from before is the way back")
