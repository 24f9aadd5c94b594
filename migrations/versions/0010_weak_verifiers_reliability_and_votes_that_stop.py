"""Two verifiers' judgements of the same samples, measures of reliability, votes that stop, and how votes were weighed"""

import sqlalchemy as sa
from alembic import op

revision = '0010'
down_revision = '0009'
branch_labels = None
depends_on = None


def _keys(*more: sa.Column) -> list:
    """What every computed table has, and more of its key; a run takes its rows along."""
    columns = [sa.Column('run_id', sa.BigInteger(), nullable=False),
               sa.Column('verifier_id', sa.BigInteger(), nullable=False), *more]
    return [
        *columns,
        sa.ForeignKeyConstraint(['run_id'], ['run.id'], ondelete='CASCADE'),
        sa.ForeignKeyConstraint(['verifier_id'], ['verifier.id']),
        sa.PrimaryKeyConstraint(*(column.name for column in columns)),
    ]


def upgrade() -> None:
    op.add_column('analysis_precision', sa.Column(
        'flag', sa.String(), comment='What was done to the scores or how they were weighed, where one must know'))
    op.create_table(
        'analysis_reliability',
        *_keys(
            sa.Column('measure', sa.String(), nullable=False),
            sa.Column('reward_model', sa.String(), nullable=False),
            sa.Column('k', sa.Integer(), nullable=False),
            sa.Column('share', sa.Double(), nullable=False,
                      comment='Of the k samples, where the measure asks for one; else 0'),
        ),
        sa.Column('value', sa.Double(), nullable=False),
        sa.Column('stderr', sa.Double()),
        sa.Column('low', sa.Double()),
        sa.Column('high', sa.Double()),
        comment="Computed by analyze: other measures of a run's samples; read it through reliability.",
    )
    op.create_table(
        'analysis_stopping',
        *_keys(sa.Column('k', sa.Integer(), nullable=False, comment='Samples that a problem is given at most')),
        sa.Column('sure', sa.Double(), nullable=False, comment='The chance at which it stops'),
        sa.Column('samples', sa.Double(), nullable=False, comment='Samples paid a problem, in the mean'),
        sa.Column('samples_stderr', sa.Double()),
        sa.Column('success_rate', sa.Double(), nullable=False),
        sa.Column('stderr', sa.Double()),
        sa.Column('simulation_stderr', sa.Double(), nullable=False,
                  comment='The part of stderr that the simulation adds'),
        comment='Computed by analyze: majority votes that stop when they are sure; read it through '
        'adaptive_consistency.',
    )
    op.create_table(
        'analysis_confusion',
        *_keys(
            sa.Column('other_verifier_id', sa.BigInteger(), nullable=False, comment='The larger id of the two'),
            sa.Column('problem_id', sa.BigInteger(), nullable=False),
        ),
        *(sa.Column(name, sa.BigInteger(), nullable=False, comment=said) for name, said in (
            ('both_accept', 'Samples that both accept'),
            ('only_first', 'Samples that only verifier_id accepts'),
            ('only_other', 'Samples that only other_verifier_id accepts'),
            ('neither', 'Samples that none of them accepts'),
            ('undecided', 'Samples that one of them judged neither way'),
            ('decided', 'Samples that verifier_id had decided then'),
            ('other_decided', 'Samples that other_verifier_id had decided then'),
        )),
        sa.ForeignKeyConstraint(['other_verifier_id'], ['verifier.id']),
        sa.ForeignKeyConstraint(['problem_id'], ['problem.id']),
        comment='Computed by analyze: how two verifiers judged the same samples; read it through '
        'problem_confusion.',
    )


def downgrade() -> None:
    raise NotImplementedError("a dump from before is the way back")
