"""One object of sampling settings, why a work was cancelled, which reward models are to score, rows that go with a run"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None

OF_RUN = (
    'prompt', 'work', 'analysis', 'analysis_precision', 'analysis_fit', 'analysis_forecast', 'analysis_diversity',
    'analysis_band',
)

SETTINGS = {
    'temperature': ('double precision', None, 'Null where an import did not say'),
    'top_p': ('double precision', '1', 'Nucleus sampling; 1 is off'),
    'top_k': ('integer', None, 'Most likely tokens that are drawn from; null is off'),
    'min_p': ('double precision', None, "Least share of the likeliest token's probability; null is off"),
    'max_tokens': ('integer', None, 'Most new tokens of a sample; null where an import did not say'),
    'stop': ('jsonb', "'[]'::jsonb", 'Stop strings'),
    'include_stop': ('boolean', 'false', "Whether a sample's text keeps the stop string"),
    'chat': ('boolean', 'false', "Whether prompts go through the llm's chat template, else raw"),
    'token_logprobs': ('boolean', 'false', "Whether each token's logprob is kept"),
    'seeded': ('boolean', 'false', 'Whether each sample has a seed of its own'),
}

COMMENTS = {
    'analysis_precision':
        'Computed by analyze: how often a selector picks a right sample of k; read it through precision_at_k.',
    'analysis_fit': 'Computed by analyze: a curve fitted to coverage; read it through coverage_fit.',
    'analysis_forecast': 'Computed by analyze: coverage at larger k; read it through forecast.',
    'analysis_diversity':
        'Computed by analyze: how many distinct candidates k samples of a problem give; read it through diversity.',
    'analysis_band':
        'Computed by analyze: bootstrap and posterior bands of coverage; read them through coverage_band.',
    'verdict': "A verifier's outcome for a candidate: judged once, however many samples gave it.",
}


def upgrade() -> None:
    op.create_table(
        'made_view',
        sa.Column('name', sa.String(), primary_key=True),
        sa.Column('place', sa.Integer(), nullable=False, comment='In the order they were made'),
        comment='Views and functions that the last migration made, so that the next one finds those it has no more.',
    )
    _settings()
    _cancelled_by()
    _reward_models()
    _cascades()
    for table, comment in COMMENTS.items():
        op.create_table_comment(table, comment)
    op.alter_column('attempt', 'ok', comment='Whether it finished its work; null while it runs')
    # an attempt whose work was taken over before the sweeper saw its lease end
    op.execute("""
        update attempt set ok = false, error = 'its worker was lost'
        from work where work.id = attempt.work_id and attempt.ok is null
            and not (work.state = 'leased' and attempt.id = (
                select max(id) from attempt as newest where newest.work_id = work.id))
    """)


def _settings() -> None:
    op.add_column('run', sa.Column(
        'sampling', postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False,
        comment='Sampling settings as one object, of which the columns up to seeded are made'))
    # a number that is none was taken once: no engine can do anything with it, and JSON has no such number
    fields = ', '.join(
        f"'{name}', case when {name} not in ('NaN', 'Infinity', '-Infinity') then {name} end"
        if kind == 'double precision' else f"'{name}', {name}" for name, (kind, _, _) in SETTINGS.items())
    op.execute(f"update run set sampling = jsonb_strip_nulls(jsonb_build_object({fields})) where not imported")
    for name, (kind, default, comment) in SETTINGS.items():
        op.drop_column('run', name)
        value = f"(sampling -> '{name}')" if kind == 'jsonb' else f"((sampling ->> '{name}'))::{kind}"
        read = f"coalesce({value}, {default})" if default else value
        null = 'not null' if default else ''
        op.execute(f"alter table run add column {name} {kind} generated always as ({read}) stored {null}")
        op.alter_column('run', name, comment=comment)


def _cancelled_by() -> None:
    op.add_column('work', sa.Column(
        'cancelled_by', sa.String(), nullable=True,
        comment='Why it was cancelled: person, verifier (a newer one replaced its own), or the stopping rule'))
    op.execute("""
        update work set cancelled_by = case
            when work.kind = 'verify' and work.verifier_id <> run.verifier_id
                and work.verifier_id <> all(run.other_verifiers) then 'verifier'
            when work.ended_at = run.cancelled_at then 'person'  -- in one transaction
            when work.kind = 'generate' and run.stopped_by is not null then run.stopped_by
            else 'person' end
        from run where run.id = work.run_id and work.state = 'cancelled'
    """)


def _reward_models() -> None:
    op.add_column('run', sa.Column(
        'reward_models', postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False,
        comment='Reward models that are to score its samples: name -> Celery queue'))
    op.execute("""
        update run set reward_models = asked.models
        from (
            select run_id, jsonb_object_agg(reward_model, queue) as models from work where kind = 'score' group by run_id
        ) as asked
        where run.id = asked.run_id
    """)


def _cascades() -> None:
    """What belongs to a run goes with it."""
    for table in OF_RUN:
        _cascade(table, 'run', ['run_id'], ['id'])
    _cascade('batch', 'prompt', ['run_id', 'problem_id'], ['run_id', 'problem_id'])
    _cascade('work', 'batch', ['batch_id'], ['id'])
    _cascade('attempt', 'work', ['work_id'], ['id'])


def _cascade(table: str, other: str, columns: list[str], others: list[str]) -> None:
    name = f"{table}_{'_'.join(columns)}_fkey"
    op.drop_constraint(name, table, type_='foreignkey')
    op.create_foreign_key(name, table, other, columns, others, ondelete='CASCADE')


def downgrade() -> None:
    raise NotImplementedError("a dump from before is the way back")
