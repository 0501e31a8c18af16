import click

from testamur.config import read_settings
from testamur.logs import configure_logs
from testamur.web.platform import open_platform
from testamur.web.starting import start


@click.command("migrate")
def migrate_command() -> None:
    """Bring the database to the newest shape of its tables."""
    settings = read_settings()
    configure_logs(settings.log_level, settings.log_format)
    platform = open_platform(settings)
    try:
        applied = start(platform)
    finally:
        platform.close()
    click.echo(f"Applied {', '.join(applied)}" if applied else "The database is up to date")
