"""`monkeys reverify`: judge a run's samples again, without sampling again."""

import click

from verifiers.errors import UserError


@click.command()
@click.argument("run")
@click.option("--verifier", help="Judge by this verifier too. Default: a newer version of the one that counts.")
@click.option("--use", is_flag=True, help="Have it count once every sample has its verdict.")
@click.option("--infrastructure", is_flag=True, help="Judge again only what failed by our fault.")
def reverify(run: str, verifier: str | None, use: bool, infrastructure: bool) -> None:
    """Judge RUN's samples by another verifier or a newer version, or again where judging failed by our fault.

    \b
    Example:
      monkeys reverify 1 --verifier paper
      monkeys reverify 1 --verifier paper --use
      monkeys reverify 1 --infrastructure
    """
    from models.find import find_run
    from tasks import changes

    if infrastructure and (verifier or use):
        raise UserError("--infrastructure goes without --verifier and --use.")
    found = find_run(run)
    if infrastructure:
        works = changes.judge_again(found["id"])
        click.echo(f"{works:,} works of run {found['id']} are judged again.", err=True)
        return
    made = changes.reverify(found["id"], verifier, use=use)
    then = "it counts from now on" if made.counts else "it counts once it is through" if use else "it does not count"
    click.echo(f"Run {found['id']}: {made.works:,} works to be judged by {made.verifier}; {then}.", err=True)
