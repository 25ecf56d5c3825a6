"""``telemachus`` as the tests call it."""

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from telemachus.__main__ import app
from telemachus.trouble import Trouble
from typer.testing import CliRunner, Result


@dataclass(frozen=True)
class Commands:
    """``telemachus`` with the settings of the small service."""

    env: dict[str, str]

    async def run(self, *arguments: str | Path, **env: str) -> Result:
        """Whatever comes of it."""
        words = [str(argument) for argument in arguments]
        return await asyncio.to_thread(lambda: CliRunner().invoke(app, words, env=self.env | env))

    async def json(self, *arguments: str | Path) -> Any:
        """What it prints, which must be JSON, whatever its exit code."""
        result = await self.run(*arguments, "--json")
        assert result.exit_code == 0 or isinstance(result.exception, SystemExit), result.exception
        return json.loads(result.stdout)

    async def refused(self, *arguments: str | Path) -> Trouble:
        """The trouble it ends with."""
        result = await self.run(*arguments)
        assert isinstance(result.exception, Trouble), result.output
        return result.exception
