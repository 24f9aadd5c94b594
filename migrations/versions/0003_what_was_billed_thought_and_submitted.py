"""What was billed, what was thought, prices by tier and hour, and works that lie with a provider's batch API"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None


def upgrade() -> None:
    _submissions()
    _usage()
    _thinking()
    _prices()
    op.add_column('run', sa.Column(
        'left_out', postgresql.ARRAY(sa.String()), server_default=sa.text("'{}'"), nullable=False,
        comment='Settings that its endpoint refused and that were left out, since samples do not depend on them'))


def _submissions() -> None:
    op.create_table(
        'submission',
        sa.Column('id', sa.BigInteger(), primary_key=True),
        sa.Column('llm_id', sa.BigInteger(), sa.ForeignKey('llm.id'), nullable=False),
        sa.Column('name', sa.String(), nullable=False,
                  comment="The file's name at the provider: looked up before anything is sent again"),
        sa.Column('lines', sa.Integer(), server_default=sa.text("'0'"), nullable=False, comment='Samples asked for'),
        sa.Column('file', sa.String(), comment="The provider's id of the file, once it has it"),
        sa.Column('batch', sa.String(), comment="The provider's id of the batch, once it has it"),
        sa.Column('status', sa.String(), server_default=sa.text("'made'"), nullable=False,
                  comment='made, then what the provider says: validating, in_progress, completed, ...'),
        sa.Column('error', sa.String(), comment='What went wrong with it as a whole'),
        sa.Column('learned', postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False,
                  comment="Fields that its lines' refusals taught: what to call them, or null: left out"),
        sa.Column('made_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=True,
                  comment='When its works were chosen'),
        sa.Column('sent_at', sa.DateTime(timezone=True),
                  comment='When the provider was last told to begin: it may have, whatever came back'),
        sa.Column('submitted_at', sa.DateTime(timezone=True), comment='When the provider was known to have it'),
        sa.Column('asked_at', sa.DateTime(timezone=True), comment='When the provider was last asked for it'),
        sa.Column('over_at', sa.DateTime(timezone=True), comment='When the provider first said that it is over'),
        sa.Column('ended_at', sa.DateTime(timezone=True), comment='When all its lines were fetched or known to be lost'),
        sa.UniqueConstraint('name'),
        comment="Lines of many works that lie with a provider's batch API under one name.",
    )
    op.create_index('ix_submission_llm_id', 'submission', ['llm_id'])
    op.create_table(
        'submission_line',
        sa.Column('work_id', sa.BigInteger(), sa.ForeignKey('work.id', ondelete='CASCADE'), primary_key=True),
        sa.Column('sample_index', sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column('submission_id', sa.BigInteger(), sa.ForeignKey('submission.id'), nullable=False),
        sa.Column('tries', sa.Integer(), server_default=sa.text("'1'"), nullable=False,
                  comment='Submissions that held it so far'),
        sa.Column('answer', postgresql.JSONB(), comment="The provider's answer, kept until its work has all of them"),
        sa.Column('error', sa.String(), comment="Why the provider's last try failed"),
        comment="A sample that a provider's batch API was asked for; gone once its work's samples are stored.",
    )
    op.create_index('ix_submission_line_submission_id', 'submission_line', ['submission_id'])
    op.add_column('work', sa.Column(
        'submission_id', sa.BigInteger(), sa.ForeignKey('submission.id'),
        comment="Where its lines lie with a provider's batch API: it is ready, and asked for when due"))
    op.create_index('work_submitted', 'work', ['submission_id'],
                    postgresql_where=sa.text('submission_id is not null'))


def _usage() -> None:
    """Unknown is null: of attempts that gave nothing, of judging, and of endpoints that did not say."""
    for name, kind, comment in (
        ('requests', sa.Integer(), 'Requests that its engine took up; null where none is known of'),
        ('lost_requests', sa.Integer(),
         'Of those, requests whose answer never came whole: what they were billed is not in the sums'),
        ('billed_prompt_tokens', sa.BigInteger(),
         'Prompt tokens summed over its requests, as billed; null where one did not say'),
        ('cached_prompt_tokens', sa.BigInteger(),
         'Of those, the tokens that the provider had in its cache; null where one did not say'),
        ('thinking_tokens', sa.BigInteger(),
         'Of those, the tokens of what was thought; null where a request did not say'),
    ):
        op.add_column('attempt', sa.Column(name, kind, comment=comment))
    for name, comment in (
        ('prompt_tokens', 'Prompt tokens, counted once for the batch; null where unknown'),
        ('completion_tokens', 'New tokens of all its samples, as billed where it was; null where unknown'),
        ('flops', "FLOPs of its completions; the prompt's are counted once a problem; null where unknown"),
    ):
        op.alter_column('attempt', name, nullable=True, server_default=None, comment=comment)
    op.execute("""
        update attempt set
            prompt_tokens = case when counted then nullif(prompt_tokens, 0) end,
            completion_tokens = case when counted then nullif(completion_tokens, 0) end,
            flops = case when counted and sized then nullif(flops, 0) end
        from (
            select attempt.id, work.kind = 'generate' and attempt.ok is true as counted,
                llm.active_parameters is not null as sized
            from attempt join work on work.id = attempt.work_id
            join run on run.id = work.run_id join llm on llm.id = run.llm_id
        ) as done
        where done.id = attempt.id
    """)


def _thinking() -> None:
    op.add_column('run', sa.Column(
        'thinking', sa.String(), server_default=sa.text("'none'"), nullable=False,
        comment='How what its llm thought is split from what it answered: none, tags, end-tag or server; reverify changes it'))
    op.alter_column('sample', 'text', comment='The completion as it came; null where an import had none')
    op.add_column('sample', sa.Column(
        'thinking', sa.String(),
        comment='What was thought, where the server gave it in a field of its own; else it stands in text'))
    op.add_column('sample', sa.Column('thinking_tokens', sa.Integer(), comment='Within completion_tokens'))
    # nothing was split: all of a text is answer, said without a rewrite of the table
    op.add_column('extraction', sa.Column(
        'answer_from', sa.Integer(), server_default='0',
        comment="Characters of the sample's text before its answer: what was thought; null where thinking did not end"))
    op.alter_column('extraction', 'answer_from', server_default=None)
    op.add_column('analysis_diversity', sa.Column('unended_share', sa.Double()))


def _prices() -> None:
    op.add_column('price', sa.Column(
        'tier', sa.String(), server_default=sa.text("'standard'"), nullable=False,
        comment="standard, or batch: what the provider's batch API costs"))
    op.add_column('price', sa.Column(
        'from_time', sa.Time(), comment='UTC time of day from which it holds; null is all day'))
    op.add_column('price', sa.Column('to_time', sa.Time(), comment='UTC time of day until which it holds'))
    op.alter_column('price', 'since', comment='First day it holds, from midnight UTC')
    op.create_index('price_of_llm', 'price', ['llm', 'tier', 'since'])
    op.alter_column('run', 'stopped_by',
                    comment='The stopping rule that ended it early; `unmeasured` where its budget could not be kept')


def downgrade() -> None:
    raise NotImplementedError("a dump from before is the way back")
