import click
@click.command()
def status() -> None:
    """x"""
@click.command()
def import_() -> None:
    """x"""
