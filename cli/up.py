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
    from cli.stack.state import flower_url, supervised
    from models.settings import settings

    for llm in llms:
        _say_what_is_known(llm)
    try:
        ensure_up(llms)
        _serve_further()
    except KeyboardInterrupt:
        if supervised(settings().home):
            click.echo("\nThe stack goes on starting; `monkeys status` shows it, `monkeys down` ends it.", err=True)
        raise SystemExit(1) from None
    click.echo(f"The stack is up. Flower: {flower_url(settings().home)}  Stop it with: monkeys down", err=True)


def _say_what_is_known(llm: str) -> None:
    """Refuse an llm that no worker could load, before anything starts; print what else is known of it."""
    from cli.stack.state import supervised
    from models.settings import settings
    from tasks.engines import engine_of, full_name
    from tasks.engines.known import check_known
    from verifiers.benchmarks.benchmark import Sampling
    from verifiers.errors import UserError

    notes = check_known(full_name(llm), {})
    if engine_of(llm) == "openai":
        if settings().openai_api_key is None and not supervised(settings().home):
            raise UserError(f"OPENAI_API_KEY is not set, which workers of {llm} take from here; set it first.")
        from tasks.engines.engine import Load
        from tasks.engines.openai_probe import probe

        notes += probe(Load(llm), Sampling(temperature=1.0, max_tokens=1)).notes
    for note in notes:
        click.echo(note, err=True)


def _serve_further() -> None:
    """Have runs with a queue of their own go on that the stack had when it went down; not those of others' tables."""
    from cli.stack import ensure_queue
    from models.questions.health import further_queues
    from models.settings import settings

    for queue in further_queues() if settings().own_database else []:
        if ensure_queue(queue):
            click.echo(f"  a worker of {queue} starts", err=True)
