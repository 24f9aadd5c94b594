"""`monkeys show`: one sample, with its prompt, candidate and verdict."""

from shutil import get_terminal_size
from typing import TYPE_CHECKING

import click

from cli.completion import complete_runs
from cli.options import Number, engine_options, table_options
from cli.output import harmless, print_rows
from verifiers.errors import UserError
from verifiers.outcome import Outcome
from verifiers.ranges import whole
from verifiers.thinking import parted

if TYPE_CHECKING:
    from models.questions.samples import SampleShown

INDEX = Number(whole(0))

TALLY = ("problem_key", "samples", "correct", "incorrect", "no_answer", "undecided", "correct_share", "first_correct")

FACTS = (
    "prompt_tokens", "completion_tokens", "thinking_tokens", "finish_reason", "logprob", "seed", "worker", "engine",
    "engine_version", "engine_seed", "sampled_at",
)  # fmt: skip


@click.command()
@click.argument("words", nargs=-1, metavar="[RUN] [PROBLEM] [INDEX]", shell_complete=complete_runs)
@click.option("--outcome", type=click.Choice(list(Outcome)), help="The first sample with this outcome.")
@click.option("--verifier", help="As this verifier of the run judges it. Default: the one that counts.")
@click.option("--log", is_flag=True, help="What judging its candidate printed, where that is kept.")
@table_options
def show(words: tuple[str, ...], outcome: Outcome | None, verifier: str | None, log: bool, form: str | None) -> None:
    """Read a sample of RUN: its prompt, what was thought and answered, candidate, verdict and the true answer. Without
    PROBLEM and --outcome: the run's problems.

    A first word that is no run's whole name or id is a PROBLEM of the last run; where it is both, it is the run.

    \b
    Example:
      monkeys show
      monkeys show sums-042
      monkeys show 1 sums-042 17
      monkeys show 1 --outcome incorrect
      monkeys show 1 sums-042 --outcome correct
      monkeys show 1 sums-042 17 --verifier paper
      monkeys show 1 sums-042 17 --log
    """
    from models.questions.find import find_place, find_problem, find_verifier_of
    from models.questions.samples import data_of, find_sample, problem_tallies
    from verifiers.benchmarks.reading import true_answer_of

    if len(words) > 3:
        raise UserError("show takes a RUN, a PROBLEM and an INDEX, and no more.")
    run, problem, given = find_place(words)
    index = None if given is None else int(INDEX.convert(given, click.Argument(["index"]), click.get_current_context()))
    if log and ((problem is None and outcome is None) or form):
        raise UserError("--log shows one sample's, as text: give a PROBLEM or --outcome, and neither --json nor --csv.")
    if problem is None and outcome is None:
        if verifier is not None:
            raise UserError("--verifier is of one sample: give a PROBLEM or --outcome too.")
        tallies = problem_tallies(run.id)
        flag = ("biased_by",) if any(row.biased_by for row in tallies) else ()
        print_rows(tallies, form, (*TALLY, *flag))
        return
    sample = find_sample(
        run.id,
        None if problem is None else find_problem(run.id, problem),
        index,
        outcome,
        find_verifier_of(run, verifier),
    )
    truth = true_answer_of(data_of(sample.problem_id))
    if log:
        _print_log(sample)
    elif form:
        print_rows([{**sample._asdict(), "true_answer": truth}], form)
    else:
        _print(sample, truth)


def _print(sample: "SampleShown", truth: str | None) -> None:
    if sample.system is not None:
        _section("system", sample.system)
    arguments = ", ".join(engine_options(sample.chat_template_args or {}))
    _section("prompt" + (f" with {harmless(arguments)}" if arguments else ""), sample.prompt)
    whole = f"sample {sample.sample_index} of {harmless(sample.problem_key)}"
    thought, answer = _parts(sample)
    if thought is not None:
        _section(f"{whole}: what was thought", thought)
    _section(whole if thought is None else "what was answered", answer, sample.candidate)
    how = f" (found by {sample.candidate_how})" if sample.candidate_how and sample.candidate else ""
    _section(f"candidate{how}", sample.candidate)
    if truth is not None:
        _section("true answer", truth)
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


def _section(title: str, text: str | None, marked: str | None = None) -> None:
    """A titled text; a terminal shows in bold the last place where `marked` stands in it."""
    width = min(get_terminal_size().columns, 80)
    click.secho(f"── {title} " + "─" * max(0, width - 4 - len(title)), fg="cyan")
    before, found, after = harmless(text if text is not None else "(none)").rpartition(harmless(marked or "\0"))
    click.echo(before + (click.style(found, bold=True) if found else "") + after)


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
