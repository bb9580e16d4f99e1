import click
@click.command()
def contracts() -> None:
    """x"""
@click.command()
def import_() -> None:
    """x"""
