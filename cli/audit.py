"""`monkeys audit`: where two verifiers disagree."""

from typing import TYPE_CHECKING

import click

from cli.options import Number, run_argument, table_options
from cli.output import print_rows
from verifiers.ranges import whole

if TYPE_CHECKING:
    from models.questions.audit import WrongShare

COLUMNS = ("problem", "sample_index", "samples", "candidate", "outcome", "other_candidate", "other_outcome")


@click.command()
@run_argument
@click.option("--verifier", help="The verifier beside the one that counts. Default: the only other one of the run.")
@click.option("--examples", type=Number(whole(0)), default=5, show_default=True, help="Disagreements to show.")
@table_options
def audit(named: str | None, verifier: str | None, examples: int, form: str | None) -> None:
    """Compare the counting verifier of RUN with another one: counts, shares with bounds, and examples.

    If the other verifier is right, `accepts wrongly` is the counting verifier's false-positive share of the samples
    that the other refuses, and `refuses wrongly` its false-negative share of those it accepts; each with its 95 %
    interval for new problems of the same kind. Coverage is then shown less what is accepted wrongly, if that share is
    the same for every problem; where it falls as k grows, it is not. --json and --csv print every disagreement.

    \b
    Example:
      monkeys reverify 1 --verifier paper
      monkeys audit 1 --verifier paper
    """
    from models.questions.audit import corrected_coverage, judged_twice, other_verifier, wrong_share
    from models.questions.find import find_run

    run = find_run(named)
    judged = judged_twice(run, other_verifier(run, verifier).id)
    disagreements = [row for row in judged if row.right != row.other_right]
    if form:
        print_rows(disagreements, form, COLUMNS)
        return
    samples = sum(row.samples for row in judged)
    agreed = samples - sum(row.samples for row in disagreements)
    share = f"{agreed / max(samples, 1):.3%}"
    click.echo(f"run {run.id}: {samples:,} samples judged by both; they agree on {agreed:,} ({share})")
    shares = {
        "accepts wrongly": wrong_share(judged, other_right=False),
        "refuses wrongly": wrong_share(judged, other_right=True),
    }
    print_rows([_line(name, share) for name, share in shares.items()], None)
    wrongly = shares["accepts wrongly"]
    if wrongly.of:
        click.echo("\nCoverage, and what is left of it if that share of every problem's wrong samples is accepted:")
        print_rows(corrected_coverage(run, wrongly), None)
    if disagreements[:examples]:
        click.echo(f"\nThe most frequent disagreements (`monkeys show {run.id} PROBLEM INDEX` reads one):")
        print_rows(disagreements[:examples], None, COLUMNS)


def _line(name: str, share: "WrongShare") -> dict[str, object]:
    """A line of the table, by its heads."""
    return {
        "counting verifier": name,
        "samples": share.samples,
        "of": share.of,
        "share": share.share,
        "candidates": share.candidates,
        "of candidates": share.of_candidates,
        "at least (95 %)": share.at_least,
        "at most (95 %)": share.at_most,
    }
