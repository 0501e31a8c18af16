"""The command itself: its sub-commands, and how a failure ends it."""

import sys

import click
from sqlalchemy.exc import SQLAlchemyError

from testamur import __version__
from testamur.cli.check import check_command
from testamur.cli.designs import design_group
from testamur.cli.download import download_command
from testamur.cli.issue import issue_command
from testamur.cli.keys import keys_group
from testamur.cli.serve import migrate_command, serve_command
from testamur.cli.setup import bootstrap_command
from testamur.cli.storage import storage_group
from testamur.cli.tokens import token_group
from testamur.cli.verify import verify_command
from testamur.cli.worker import worker_command
from testamur.cli.workspaces import workspace_group
from testamur.config import BadSetting
from testamur.encryption import WrongMasterKey
from testamur.errors import TestamurError

_EPILOG = "Settings are read from the environment (TESTAMUR_DATA_DIR, TESTAMUR_DATABASE_URL, TESTAMUR_BASE_URL, ...)."


@click.group(epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="testamur")
def testamur() -> None:
    """Issue digital credentials: certificates and badges that anyone can verify.

    Start with `testamur serve`: the first start makes a workspace, an access token and two designs, and tells them.
    """


for command in (
    serve_command,
    worker_command,
    migrate_command,
    bootstrap_command,
    workspace_group,
    token_group,
    keys_group,
    design_group,
    check_command,
    issue_command,
    download_command,
    verify_command,
    storage_group,
):
    testamur.add_command(command)


def main() -> None:
    """Exit code 0 if done, 1 if it failed, 2 for a wrong call or setting."""
    try:
        testamur.main(prog_name="testamur", standalone_mode=False)
    except click.exceptions.Abort:
        sys.exit(130)
    except click.exceptions.Exit as done:
        sys.exit(done.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except BadSetting as error:
        _fail(str(error), 2)
    except WrongMasterKey as error:
        _fail(str(error), 1)
    except TestamurError as error:
        _fail(error.message, 1)
    except SQLAlchemyError as error:
        _fail(f"The database cannot be used: {str(getattr(error, 'orig', error)).strip()}", 1)
    except OSError as error:
        _fail(f"{error.filename or 'A file'}: {error.strerror}", 1)


def _fail(message: str, code: int) -> None:
    click.echo(f"testamur: {message}", err=True)
    sys.exit(code)
