"""`monkeys show`: one sample, with its prompt, candidate and verdict."""

from typing import TYPE_CHECKING

import click

from cli.options import Number, engine_options, table_options
from cli.output import harmless, print_rows
from verifiers.errors import UserError
from verifiers.ranges import whole
from verifiers.thinking import parted

if TYPE_CHECKING:
    from models.questions.samples import SampleShown

TALLY = ("problem_key", "samples", "correct", "incorrect", "no_answer", "undecided", "correct_share", "first_correct")

FACTS = (
    "prompt_tokens", "completion_tokens", "thinking_tokens", "finish_reason", "logprob", "seed", "worker", "engine",
    "engine_version", "engine_seed", "sampled_at",
)  # fmt: skip


@click.command()
@click.argument("named", metavar="RUN")
@click.argument("problem", required=False)
@click.argument("index", type=Number(whole(0)), required=False)
@click.option("--outcome", help="The first sample with this outcome, where no INDEX is given.")
@click.option("--log", is_flag=True, help="What judging its candidate printed, where that is kept.")
@table_options
def show(named: str, problem: str | None, index: int | None, outcome: str | None, log: bool, form: str | None) -> None:
    """Read a sample of RUN: its prompt, what was thought and answered, candidate and verdict. Without PROBLEM: the
    run's problems.

    \b
    Example:
      monkeys show 1 sums-042
      monkeys show 1 sums-042 17
      monkeys show 1 sums-042 --outcome correct
      monkeys show 1 sums-042 17 --log
    """
    from models.questions.find import find_problem, find_run
    from models.questions.samples import find_sample, problem_tallies

    if log and (problem is None or form):
        raise UserError("--log shows one sample's, as text: give a PROBLEM, and neither --json nor --csv.")
    run = find_run(named)
    if problem is None:
        tallies = problem_tallies(run.id)
        flag = ("biased_by",) if any(row.biased_by for row in tallies) else ()
        print_rows(tallies, form, (*TALLY, *flag))
        return
    sample = find_sample(run.id, find_problem(run.id, problem), problem, index, outcome)
    if log:
        _print_log(sample)
    elif form:
        print_rows([sample], form)
    else:
        _print(sample)


def _print(sample: "SampleShown") -> None:
    def section(title: str, text: str | None) -> None:
        click.secho(f"── {title} " + "─" * max(0, 76 - len(title)), fg="cyan")
        click.echo(harmless(text) if text is not None else "(none)")

    if sample.system is not None:
        section("system", sample.system)
    arguments = ", ".join(engine_options(sample.chat_template_args or {}))
    section("prompt" + (f" with {harmless(arguments)}" if arguments else ""), sample.prompt)
    whole = f"sample {sample.sample_index} of {harmless(sample.problem_key)}"
    thought, answer = _parts(sample)
    if thought is None:
        section(whole, answer)
    else:
        section(f"{whole}: what was thought", thought)
        section("what was answered", answer)
    how = f" (found by {sample.candidate_how})" if sample.candidate_how and sample.candidate else ""
    section(f"candidate{how}", sample.candidate)
    outcome = sample.outcome or "not verified yet"
    colour = {"correct": "green", "not verified yet": "yellow"}.get(outcome, "red")
    click.secho(f"── verdict by {sample.verifier} {sample.version} ", fg="cyan", nl=False)
    click.secho(outcome, fg=colour, nl=False)
    detail = sample.detail or (sample.candidate_how if sample.candidate is None else None)
    click.echo(f": {harmless(detail)}" if detail else "")
    for name in FACTS:
        value = getattr(sample, name)
        if value is not None:
            click.echo(f"   {name}: {harmless(str(value))}")


def _print_log(sample: "SampleShown") -> None:
    from models.questions.samples import log_of

    log = log_of(sample)
    if log is None:
        which = f"sample {sample.sample_index} of {harmless(sample.problem_key)}"
        why = "its verifier kept none"
        if sample.outcome is None:
            why = "it is not verified yet"
        elif sample.candidate is None:
            why = "it holds nothing that could be judged"
        click.echo(f"There is no log of {which}: {why}.", err=True)
    else:
        click.echo(harmless(log))


def _parts(sample: "SampleShown") -> tuple[str | None, str | None]:
    """What was thought, in the text and apart from it, and what was answered; None where there is none of it."""
    if sample.outcome is None or sample.text is None:
        return sample.thinking, sample.text  # where its answer begins is not known yet
    return parted(sample.text, sample.thinking, sample.answer_from)
