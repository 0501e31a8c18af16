"""Running the import of a claim."""

from testamur.imports.running import run_claimed
from testamur.web.platform import Platform
from testamur.workspaces.allowance import plan_of


def run_import(platform: Platform, claim: str) -> None:
    settings = platform.settings
    run_claimed(
        platform.database,
        platform.storage,
        claim,
        plan_of=lambda workspace: plan_of(workspace, settings.plans),
        signers=platform.signers,
    )
    platform.wake_worker()
