"""`monkeys down`: the end of the local stack; its data stays."""

import click


@click.command()
def down() -> None:
    """Stop the local stack to its last process. What was sampled stays; `monkeys up` goes on with it.

    \b
    Example:
      monkeys down
    """
    from cli.stack.control import take_down
    from cli.stack.state import elsewhere
    from models.settings import settings

    home = settings().home
    told = "The stack is down." if take_down() else f"Nothing was running in {home}.{elsewhere(home)}"
    click.echo(told, err=True)
