"""`monkeys flaky`: are the verifiers themselves well?"""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli.completion import complete_benchmarks, complete_runs, complete_subsets, complete_verifiers
from cli.options import Number, table_options
from cli.output import print_rows
from verifiers.errors import Unavailable, UserError
from verifiers.files import FORMS
from verifiers.ranges import real, whole

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.questions.flaky import Flaw
    from tasks.runs.flaky import Suspects

REPEATS = 11
"""As the paper judged each right solution of SWE-bench Lite (arXiv 2407.21787, appendix B)."""

SHARE = 0.01

COLUMNS = (
    "problem", "finding", "judgements", "outcomes", "verdict", "infrastructure_errors", "candidate_id", "detail",
)  # fmt: skip


@click.command()
@click.argument("benchmark", required=False, shell_complete=complete_benchmarks)
@click.option("--data", type=click.Path(path_type=Path), help=f"Problems from a file: {FORMS}.")
@click.option("--subset", shell_complete=complete_subsets, help="A named subset of BENCHMARK.")
@click.option("--problem", "problems", multiple=True, help="Only this problem (may be given again).")
@click.option("--limit", type=Number(whole(1)), help="Only the first so many problems.")
@click.option(
    "--verifier",
    shell_complete=complete_verifiers,
    help="The verifier to judge by. Default: the one that counts by default.",
)
@click.option(
    "--run",
    "named",
    metavar="RUN",
    shell_complete=complete_runs,
    help="Judge candidates of this run, by the verifier that counts.",
)
@click.option(
    "--share",
    type=Number(real(0, 1, above=True)),
    help=f"Of a run: this share of its distinct candidates. Default: {SHARE}.",
)
@click.option("--benchmark", "own", help="Of a run: your own benchmark, given again; its code is run. See enqueue.")
@click.option(
    "--repeats",
    type=Number(whole(1)),
    default=REPEATS,
    show_default=True,
    help="Judgements of each, all calls together.",
)
@click.option("-c", "--concurrency", type=Number(whole(1)), help="Processes. Default: cores; for patches, by memory.")
@click.option("--network", is_flag=True, help="Let patches reach the network, as the official harness does.")
@click.option("--save", type=click.Path(path_type=Path), help="Write what was found as JSONL, for `--known`.")
@table_options
def flaky(
    benchmark: str | None,
    named: str | None,
    share: float | None,
    own: str | None,
    repeats: int,
    concurrency: int | None,
    network: bool,
    save: Path | None,
    form: str | None,
    data: Path | None,
    subset: str | None,
    problems: tuple[str, ...],
    limit: int | None,
    verifier: str | None,
) -> None:
    """Judge the right solution of each problem of BENCHMARK again and again, here, and print whose outcome varies and
    which fail always. Or, with --run, candidates of a run.

    Every judgement is stored as it comes: a call that was stopped is taken up by the next one, a higher --repeats adds
    what is lacking, and several hosts can share one. Judgements that failed by our fault are counted apart, and tried
    again by the next call. The verdicts stay; the view flakiness has all that was found, and `--without-known` leaves
    such problems out.

    \b
    Example:
      monkeys flaky humaneval
      monkeys flaky swebench-lite --data rows.jsonl --repeats 11 --save flaky.jsonl
      monkeys flaky --run 1 --share 0.01 --repeats 3
    """
    from models.questions.flaky import flaws_of
    from models.schema import check_schema

    check_schema()
    chosen = {"data": data, "subset": subset, "problems": problems, "limit": limit, "verifier": verifier}
    suspects = _suspects(benchmark, chosen, named, share, own)
    if save is not None:
        save.open("a").close()  # now, and not after hours
    judged = _judge(suspects, repeats, concurrency, network=network)
    flaws = [*flaws_of(suspects.verifier_id, suspects.candidates), *_unreadable(suspects)]
    if flaws or form:
        print_rows(flaws, form, COLUMNS)
    if save is not None:
        _save(flaws, save)
    click.echo(_told(suspects, judged, flaws), err=True)


def _suspects(
    benchmark: str | None, chosen: dict[str, Any], named: str | None, share: float | None, own: str | None
) -> "Suspects":
    """The right solutions of a benchmark's chosen problems, or candidates of a run."""
    from models.questions.find import find_run
    from tasks.runs.flaky import ReferenceRequest, drawn, references
    from verifiers.benchmarks import find_benchmark

    if benchmark is not None and named is None:
        if share is not None or own is not None:
            raise UserError("--share and --benchmark go with --run RUN.")
        return references(ReferenceRequest(benchmark, **chosen))
    if named is None or benchmark is not None:
        raise UserError("Give a BENCHMARK, whose right solutions are judged, or --run RUN, whose candidates are.")
    if any(chosen.values()):
        raise UserError("--data, --subset, --problem, --limit and --verifier go with a BENCHMARK, not with --run.")
    return drawn(find_run(named), share or SHARE, None if own is None else find_benchmark(own))


def _judge(suspects: "Suspects", repeats: int, concurrency: int | None, *, network: bool) -> int:
    """Judge what lacks, telling how far it is; return how many judgements that was."""
    from tasks.runs.flaky import missing_repeats
    from tasks.runs.side_by_side import judge_side_by_side
    from tasks.stored import prepare_verifiers
    from tasks.workers.process import default_concurrency

    wanted = missing_repeats(suspects, repeats)
    if not wanted:
        return 0
    prepare_verifiers(network=network)
    if lacks := suspects.verifier.lacks():
        raise Unavailable(f"Nothing can be judged here: {lacks.rstrip('.')}.")
    processes = concurrency or default_concurrency([suspects.verifier.queue])
    judged = 0
    with click.progressbar(length=len(wanted), label="Judging", file=sys.stderr) as bar:
        for done in judge_side_by_side(wanted, processes, network=network):
            judged += done
            bar.update(1)
    return judged


def _unreadable(suspects: "Suspects") -> list["Flaw"]:
    """Right solutions in which the verifier finds nothing to judge; nothing of them is stored."""
    from models.questions.flaky import Flaw

    said = "the verifier finds no candidate in it"
    return [Flaw(key, "fails", 0, {"no_answer": 1}, None, 0, True, detail=said) for key in suspects.unreadable]


def _save(flaws: "Sequence[Flaw]", file: Path) -> None:
    rows = [{"problem": flaw.problem, "why": flaw.why} for flaw in flaws if flaw.finding != "undecided"]
    file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")


def _told(suspects: "Suspects", judged: int, flaws: "Sequence[Flaw]") -> str:
    varying = len({flaw.problem for flaw in flaws if flaw.finding == "varies"})
    undecided = sum(flaw.finding == "undecided" for flaw in flaws)
    told = f"{suspects.problems:,} problems, judged {judged:,} times, {varying:,} flaky"
    if suspects.are_references:
        failing = sum(flaw.finding == "fails" for flaw in flaws)
        told += f", {failing:,} failing, {suspects.without_reference:,} without a right solution"
    else:
        told += f", {len(suspects.candidates):,} candidates"
    return told + (f"; {undecided:,} could not be judged, by our fault" if undecided else "") + "."
