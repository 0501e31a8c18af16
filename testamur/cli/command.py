"""The command itself: its sub-commands, and how a failure ends it."""

import sys
from collections.abc import Sequence
from importlib import import_module

import click

from testamur import __version__
from testamur.config import BadSetting
from testamur.errors import TestamurError

_EPILOG = "Settings are read from the environment (TESTAMUR_DATA_DIR, TESTAMUR_DATABASE_URL, TESTAMUR_BASE_URL, ...)."


# Where each command is, and what its own help begins with (a test compares): what one of them needs takes a second to
# load, so it is loaded only when that one is called.
COMMANDS = {
    "account": ("accounts:account_group", "Accounts of people who work in the dashboard."),
    "bootstrap": ("setup:bootstrap_command", "Make the first workspace, its owner, its designs and a token."),
    "check": ("check:check_command", "Check the rows of FILE (CSV, XLSX) before they are issued."),
    "design": ("designs:design_group", "Designs of certificates and badges."),
    "download": ("download:download_command", "Write all certificates that a template has issued into one ZIP."),
    "issue": ("issue:issue_command", "Issue a credential for each row of FILE (CSV, XLSX)."),
    "keys": ("keys:keys_group", "Keys that credentials are signed with."),
    "log": ("log:log_group", "The transparency log of all that is signed and revoked."),
    "migrate": ("migrate:migrate_command", "Bring the database to the newest shape of its tables."),
    "recipient": ("recipients:recipient_group", "Recipients of credentials."),
    "serve": ("serve:serve_command", "Serve the API, the public pages and the dashboard."),
    "status-lists": ("status_lists:status_lists_group", "Where it stands that credentials are revoked."),
    "storage": ("storage:storage_group", "Pictures, rendered credentials and uploads."),
    "token": ("tokens:token_group", "Access tokens of the API."),
    "verify": ("verify:verify_command", "Verify an Open Badge of anybody (3.0, or hosted 2.0)."),
    "worker": ("worker:worker_command", "Send mails and webhooks, run imports and schedules."),
    "workspace": ("workspaces:workspace_group", "Workspaces: the tenants of this server."),
}


class _Commands(click.Group):
    """A group that loads a command when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(f"testamur.cli.{module}"), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in COMMANDS.items()])


@click.group(
    cls=_Commands, epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(__version__, prog_name="testamur")
def testamur() -> None:
    """Issue digital credentials: certificates and badges that anyone can verify.

    Start with `testamur serve`: the first start makes a workspace, its owner's account and an access token.
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Exit code 0 if done, 1 if it failed, 2 for a wrong call or setting. Without arguments, those of this process."""
    try:
        testamur.main(arguments, prog_name="testamur", standalone_mode=False)
    except click.exceptions.Abort:
        sys.exit(130)
    except click.exceptions.Exit as done:
        sys.exit(done.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except BadSetting as error:
        _fail(str(error), 2)
    except TestamurError as error:
        _fail(error.message, 1)
    except OSError as error:
        _fail(f"{error.filename or 'A file'}: {error.strerror}", 1)
    except Exception as error:
        # Loaded by now, if it was the database or the master key that failed.
        from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415

        from testamur.encryption import WrongMasterKey  # noqa: PLC0415

        if isinstance(error, WrongMasterKey):
            _fail(str(error), 1)
        if not isinstance(error, SQLAlchemyError):
            raise
        _fail(f"The database cannot be used: {str(getattr(error, 'orig', error)).strip()}", 1)


def _fail(message: str, code: int) -> None:
    click.echo(f"testamur: {message}", err=True)
    sys.exit(code)
