"""``telemachus``: the command line for whoever runs the platform.

Exit codes: 0 fine; 1 something is not as it should be; 2 the command, an address, a file or a setting is wrong, and
nothing was changed; 3 Kafka or MongoDB did not answer.
"""

import logging
import sys
from functools import partial
from typing import Annotated

import typer

from . import dlq, outboxes, topics
from .doctor import doctor
from .replay import replay
from .screen import console
from .settings import read_settings
from .trouble import Exit, Trouble

app = typer.Typer(name="telemachus", no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__)
app.add_typer(dlq.app, name="dlq")
app.add_typer(outboxes.app, name="outbox")
app.add_typer(topics.app, name="topics")
app.command()(doctor)
app.command()(replay)


@app.callback()
def root(
    context: typer.Context,
    local: Annotated[
        bool, typer.Option("--local", help="The stack that `make up` or `make demo` started on this machine.")
    ] = False,
) -> None:
    """Reads the same TELEMACHUS_* settings as the services."""
    context.obj = partial(read_settings, local=local)
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # what matters of it is told as an error


root.__doc__ = __doc__


def main() -> int:
    """Run a command; what it cannot do is told with what to do next, and without a stack trace."""
    try:
        app()
    except Trouble as trouble:
        errors = console(errors=True)
        errors.print(trouble.what, style="bold red", markup=False, soft_wrap=True)
        errors.print(f"Next: {trouble.next_step}", markup=False, soft_wrap=True)
        return int(trouble.code)
    return int(Exit.FINE)


if __name__ == "__main__":
    sys.exit(main())
