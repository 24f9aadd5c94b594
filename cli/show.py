"""`monkeys show`: one sample, with its prompt, candidate and verdict."""

from typing import Any

import click

from cli.options import table_options
from cli.output import harmless, print_rows


@click.command()
@click.argument("run")
@click.argument("problem", required=False)
@click.argument("index", type=int, required=False)
@click.option("--outcome", help="The first sample with this outcome, where no INDEX is given.")
@table_options
def show(run: str, problem: str | None, index: int | None, outcome: str | None, form: str | None) -> None:
    """Read a sample of RUN: its prompt, text, candidate and verdict. Without PROBLEM: the run's problems.

    \b
    Example:
      monkeys show 1 sums-042
      monkeys show 1 sums-042 17
      monkeys show 1 sums-042 --outcome correct
    """
    from models.questions.find import find_problem, find_run

    found = find_run(run)
    if problem is None:
        _problems(found["id"], form)
        return
    sample = _sample(found["id"], find_problem(found["id"], problem), problem, index, outcome)
    if form:
        print_rows([sample], form)
    else:
        _print(sample)


def _problems(run_id: int, form: str | None) -> None:
    from models.database import query

    rows = query(
        """
        select problem_key, samples, correct, incorrect, no_answer, undecided, correct_share, first_correct
        from problem_tally join prompt using (run_id, problem_id) where run_id = %s order by position
        """,
        (run_id,),
    )
    print_rows(rows, form)


def _sample(run_id: int, problem_id: int, key: str, index: int | None, outcome: str | None) -> dict[str, Any]:
    from models.database import query
    from verifiers.errors import UserError

    rows = query(
        """
        select sample_detail.*, prompt.text as prompt, attempt.worker, attempt.engine, attempt.engine_version,
            attempt.engine_seed, attempt.finished_at as sampled_at
        from sample_detail
        join prompt using (run_id, problem_id)
        left join attempt on attempt.id = sample_detail.attempt_id
        where run_id = %(run)s and problem_id = %(problem)s
            and (%(index)s::int is null or sample_index = %(index)s)
            and (%(outcome)s::text is null or outcome::text = %(outcome)s)
        order by sample_index limit 1
        """,
        {"run": run_id, "problem": problem_id, "index": index, "outcome": outcome},
    )
    if not rows:
        wanted = f"sample {index}" if index is not None else f"{outcome} sample" if outcome else "sample"
        raise UserError(f"Run {run_id} has no {wanted} of problem {key!r} yet.")
    return rows[0]


def _print(sample: dict[str, Any]) -> None:
    def section(title: str, text: str | None) -> None:
        click.secho(f"── {title} " + "─" * max(0, 76 - len(title)), fg="cyan")
        click.echo(harmless(text) if text is not None else "(none)")

    section("prompt", sample["prompt"])
    section(f"sample {sample['sample_index']} of {harmless(sample['problem_key'])}", sample["text"])
    how = f" (found by {sample['candidate_how']})" if sample["candidate_how"] else ""
    section(f"candidate{how}", sample["candidate"])
    outcome = sample["outcome"] or "not verified yet"
    colour = {"correct": "green", "not verified yet": "yellow"}.get(outcome, "red")
    click.secho(f"── verdict by {sample['verifier']} ", fg="cyan", nl=False)
    click.secho(outcome, fg=colour, nl=False)
    click.echo(f": {harmless(sample['detail'])}" if sample["detail"] else "")
    facts = ("prompt_tokens", "completion_tokens", "finish_reason", "logprob", "seed", "worker", "engine",
             "engine_version", "engine_seed", "sampled_at")  # fmt: skip
    for name in facts:
        if sample[name] is not None:
            click.echo(f"   {name}: {harmless(str(sample[name]))}")
