"""`monkeys audit`: where two verifiers disagree."""

from typing import Any

import click

from cli.options import table_options
from cli.output import print_rows

CONFIDENCE_Z = 1.959963984540054


@click.command()
@click.argument("run")
@click.option("--verifier", help="The verifier beside the one that counts. Default: the only other one of the run.")
@click.option("--examples", type=click.IntRange(0), default=5, show_default=True, help="Disagreements to show.")
@table_options
def audit(run: str, verifier: str | None, examples: int, form: str | None) -> None:
    """Compare the counting verifier of RUN with another one: counts, shares with bounds, and examples.

    If the other verifier is right, `accepts wrongly` is the counting verifier's false-positive share of the samples
    that the other refuses, and `refuses wrongly` its false-negative share of those it accepts; each with the upper end
    of a 95 % Wilson interval over distinct candidates. --json and --csv print every disagreement.

    \b
    Example:
      monkeys reverify 1 --verifier paper
      monkeys audit 1 --verifier paper
    """
    from models.database import query
    from models.questions.find import find_run

    found = find_run(run)
    other = _other(found, verifier)
    rows = query(
        """
        select problem.key as problem, ours.text as candidate, theirs.text as other_candidate,
            a.outcome as outcome, b.outcome as other_outcome,
            count(*) as samples, min(mine.sample_index) as sample_index
        from extraction as mine
        join extraction as yours using (run_id, problem_id, sample_index)
        join problem on problem.id = mine.problem_id
        left join candidate as ours on ours.id = mine.candidate_id
        left join candidate as theirs on theirs.id = yours.candidate_id
        left join verdict as a on a.candidate_id = mine.candidate_id and a.verifier_id = mine.verifier_id
        left join verdict as b on b.candidate_id = yours.candidate_id and b.verifier_id = yours.verifier_id
        where run_id = %(run)s and mine.verifier_id = %(ours)s and yours.verifier_id = %(theirs)s
            and a.outcome is distinct from 'infrastructure_error'
            and b.outcome is distinct from 'infrastructure_error'
        group by 1, 2, 3, 4, 5
        order by samples desc, 1, 2
        """,
        {"run": found["id"], "ours": found["verifier_id"], "theirs": other["id"]},
    )
    disagreements = [row for row in rows if _right(row["outcome"]) != _right(row["other_outcome"])]
    if form:
        print_rows(disagreements, form, ["problem", "sample_index", "samples", "candidate", "outcome",
                                         "other_candidate", "other_outcome"])  # fmt: skip
        return
    samples = sum(row["samples"] for row in rows)
    agreed = samples - sum(row["samples"] for row in disagreements)
    share = f"{agreed / max(samples, 1):.3%}"
    click.echo(f"run {found['id']}: {samples:,} samples judged by both; they agree on {agreed:,} ({share})")
    print_rows(
        [_share("accepts wrongly", rows, other_right=False), _share("refuses wrongly", rows, other_right=True)], None
    )
    if disagreements[:examples]:
        click.echo(f"\nThe most frequent disagreements (`monkeys show {found['id']} PROBLEM INDEX` reads one):")
        print_rows(disagreements[:examples], None, ["problem", "sample_index", "samples", "candidate", "outcome",
                                                    "other_candidate", "other_outcome"])  # fmt: skip


def _other(run: dict[str, Any], name: str | None) -> dict[str, Any]:
    """The verifier to compare with; UserError where the run has none, or several and no name was given."""
    from models.database import query
    from verifiers.errors import UserError

    verifiers = query(
        """
        select id, name, version from verifier where id = any(%s) and id <> %s and (%s::text is null or name = %s)
        order by id desc
        """,
        (run["other_verifiers"], run["verifier_id"], name, name),
    )
    if not verifiers:
        wanted = f"by {name!r}" if name else "by a second verifier"
        raise UserError(
            f"Run {run['id']} is not judged {wanted}; `monkeys reverify {run['id']} --verifier NAME` adds one."
        )
    if name is None and len(verifiers) > 1:
        raise UserError(f"Run {run['id']} has several other verifiers; choose with --verifier.")
    return dict(verifiers[0])


def _share(name: str, rows: list[Any], *, other_right: bool) -> dict[str, Any]:
    """How often the counting verifier says otherwise where the other one says `other_right`."""
    among = [row for row in rows if _right(row["other_outcome"]) is other_right]
    against = [row for row in among if _right(row["outcome"]) is not other_right]
    samples, of = sum(row["samples"] for row in against), sum(row["samples"] for row in among)
    return {
        "counting verifier": name,
        "samples": samples,
        "of": of,
        "share": samples / of if of else None,
        "candidates": len(against),
        "of candidates": len(among),
        "at most (95 %)": _wilson_high(len(against), len(among)),
    }


def _wilson_high(found: int, of: int) -> float | None:
    """The upper end of Wilson's 95 % interval of a share."""
    if not of:
        return None
    z, share = CONFIDENCE_Z, found / of
    middle = share + z * z / (2 * of)
    half = z * float((share * (1 - share) / of + z * z / (4 * of * of)) ** 0.5)
    return (middle + half) / (1 + z * z / of)


def _right(outcome: str | None) -> bool:
    return outcome == "correct"
