import click
@click.command()
def sql() -> None:
    """x"""
@click.command()
def import_() -> None:
    """x"""
