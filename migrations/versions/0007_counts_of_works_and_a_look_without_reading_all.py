"""Counts of works that every change of a work keeps, and indexes by which a look reads no more works than it finds"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None

COUNTED = 'run_id, queue, kind, verifier_id, open_works, failed_works, samples, correct'

COUNT = """
    select run_id, queue, kind, verifier_id,
        coalesce(sum(sign) filter (where state in ('ready', 'published', 'leased')), 0) as open_works,
        coalesce(sum(sign) filter (where state = 'failed'), 0) as failed_works,
        coalesce(sum(sign * (select size from batch where batch.id = batch_id)) filter (where state = 'done'), 0)
            as samples,
        coalesce(sum(sign * correct), 0) as correct
    from {works}
    where exists (select from run where run.id = run_id)
    group by run_id, queue, kind, verifier_id
"""

CHANGED = 'open_works <> 0 or failed_works <> 0 or samples <> 0 or correct <> 0'

OLD, NEW = ('(select {sign} as sign, * from {name})'.format(**each)
            for each in ({'sign': -1, 'name': 'old_works'}, {'sign': 1, 'name': 'new_works'}))


def upgrade() -> None:
    op.drop_index('work_ready', 'work')
    for name, columns, where in (
        ('work_ready', ['queue', 'id'], "state = 'ready' and not_before is null"),
        ('work_waiting', ['queue', 'not_before'], "state = 'ready' and not_before is not null"),
        ('work_sampled', ['ended_at'], "kind = 'generate' and state = 'done'"),
        ('work_refused', ['queue'], "state in ('ready', 'published') and last_error is not null"),
    ):
        op.create_index(name, 'work', columns, postgresql_where=sa.text(where))
    # what was published stays in its indexes until the next vacuum, and every look passes by it
    op.execute('alter table work set (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02)')
    _tables()
    op.execute(f"""
        insert into work_count ({COUNTED}) {COUNT.format(works='(select 1 as sign, * from work) as each')}
    """)
    _triggers()


def _tables() -> None:
    # no foreign key to run: to check it would lock the run's row for everyone who ends a work, after the work's own
    for table, comment, said in (
        ('work_count', 'How many works a run has by queue, kind and verifier, so that nobody counts works; add what '
         'work_change holds.', ('Works that are ready, published or leased', 'Works set aside',
                                'Samples of works that are done', 'Samples judged correct')),
        ('work_change', 'What a statement changed of work_count: nobody waits for a row that all change. The sweeper '
         'adds it there.', (None,) * 4),
    ):
        op.create_table(
            table,
            sa.Column('id', sa.BigInteger(), primary_key=True, autoincrement=True),
            sa.Column('run_id', sa.BigInteger(), nullable=False),
            sa.Column('queue', sa.String(), nullable=False),
            sa.Column('kind', postgresql.ENUM(name='kind', create_type=False), nullable=False, comment='As in work'),
            sa.Column('verifier_id', sa.BigInteger()),
            *(sa.Column(name, sa.BigInteger(), nullable=False, comment=each)
              for name, each in zip(('open_works', 'failed_works', 'samples', 'correct'), said)),
            comment=comment,
        )
    op.create_unique_constraint('work_count_run_id_queue_kind_verifier_id_key', 'work_count',
                                ['run_id', 'queue', 'kind', 'verifier_id'], postgresql_nulls_not_distinct=True)


def _triggers() -> None:
    changes = {
        'INSERT': NEW,
        'DELETE': OLD,
        'UPDATE': f'({OLD[1:-1]} union all {NEW[1:-1]})',
    }
    branches = '\n'.join(
        f"""if tg_op = '{change}' then
            insert into work_change ({COUNTED})
            select {COUNTED} from ({COUNT.format(works=f'{works} as each')}) as counted where {CHANGED};
        end if;"""
        for change, works in changes.items()
    )
    op.execute(f"""
        create function count_works() returns trigger language plpgsql as $$
        begin
            {branches}
            return null;
        end $$
    """)
    op.execute("comment on function count_works is 'Notes in work_change what a statement changed of works'")
    for change, tables in (
        ('insert', 'new table as new_works'),
        ('update', 'old table as old_works new table as new_works'),
        ('delete', 'old table as old_works'),
    ):
        op.execute(f"""
            create trigger count_works_{change} after {change} on work referencing {tables}
            for each statement execute function count_works()
        """)
    op.execute("""
        create function forget_counts() returns trigger language plpgsql as $$
        begin
            delete from work_count where run_id in (select id from old_runs);
            delete from work_change where run_id in (select id from old_runs);
            return null;
        end $$
    """)
    op.execute("comment on function forget_counts is 'A run that is deleted takes its counts along'")
    op.execute("""
        create trigger forget_counts after delete on run referencing old table as old_runs
        for each statement execute function forget_counts()
    """)


def downgrade() -> None:
    raise NotImplementedError("a dump from before is the way back")
