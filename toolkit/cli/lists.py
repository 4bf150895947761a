"""The commands that list what there is: recipes and methods."""

from __future__ import annotations

import click

from toolkit.cli.options import common
from toolkit.cli.output import print_list


@click.command()
@common
def recipes(as_json: bool) -> None:
    """List the recipes that `export` can train."""
    from toolkit.trainer.catalog import recipe_summaries

    print_list("recipes", recipe_summaries(), as_json)


@click.command()
@common
def methods(as_json: bool) -> None:
    """List the methods of `quantize`."""
    from toolkit.quantizer.methods import method_summaries

    print_list("methods", method_summaries(), as_json)


COMMANDS = (recipes, methods)
