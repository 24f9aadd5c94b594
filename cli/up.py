"""`monkeys up`: the local stack."""

import click


@click.command()
@click.option(
    "-m",
    "--model",
    "llms",
    multiple=True,
    default=["pocket-monkey"],
    show_default=True,
    help="An llm to serve: a hub name, a local folder, openai:NAME or replay:FILE (may be given again).",
)
def up(llms: tuple[str, ...]) -> None:
    """Start the local stack, or add what it lacks, and wait until it answers.

    PostgreSQL, Redis, the schema, a generate worker for each llm, verify workers, the sweeper and Flower run in the
    background until `monkeys down`. Where MONKEYS_DATABASE_URL or MONKEYS_BROKER_URL is set, that server is used.

    \b
    Example:
      monkeys up -m Qwen/Qwen2.5-0.5B-Instruct
    """
    from cli.stack import ensure_up
    from cli.stack.state import supervised
    from models.settings import settings

    try:
        ensure_up(llms)
        _serve_what_waits()
    except KeyboardInterrupt:
        if supervised(settings().home):
            click.echo("\nThe stack goes on starting; `monkeys status` shows it, `monkeys down` ends it.", err=True)
        raise SystemExit(1) from None
    click.echo(
        f"The stack is up. Flower: http://127.0.0.1:{settings().flower_port}  Stop it with: monkeys down", err=True
    )


def _serve_what_waits() -> None:
    """Have works of one's own benchmarks served that wait since the stack was last up; not what others' tables hold."""
    from cli.stack import ensure_queue
    from models.questions.health import waiting_queues
    from models.settings import settings
    from verifiers.benchmarks.own import is_own_queue

    if not settings().own_database:
        return
    for waiting in waiting_queues():
        if is_own_queue(waiting.queue) and ensure_queue(waiting.queue):
            click.echo(f"  a worker for {waiting.queue}, where {waiting.works:,} works wait, is started", err=True)
