import click
@click.command()
def simulate() -> None:
    """x"""
@click.command()
def import_() -> None:
    """x"""
