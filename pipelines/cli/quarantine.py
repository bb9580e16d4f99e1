import click
@click.command()
def quarantine() -> None:
    """x"""
@click.command()
def import_() -> None:
    """x"""
