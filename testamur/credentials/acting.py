"""The same done to many credentials, one after the other: what cannot be done to one keeps none of the others."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Literal, get_args

import msgspec

from testamur.credentials.deleting import delete_credential
from testamur.credentials.issuing import issue_credential
from testamur.credentials.revoking import revoke_credential, unrevoke_credential
from testamur.credentials.sending import queue_delivery, send_credential
from testamur.db import Transaction
from testamur.errors import NotFound, PaymentRequired, TestamurError
from testamur.plans import UNLIMITED, Plan
from testamur.signing_keys.signers import Signers
from testamur.workspaces.model import Workspace

Act = Literal["issue", "issue_send", "send", "revoke", "reinstate", "delete"]
ACTS: tuple[Act, ...] = get_args(Act)


class Outcome(msgspec.Struct, frozen=True):
    """The ids of those that it was done to; why it was not done to others, with how many these are; and why it ended
    before all were tried (the year's allowance is used up), if it did.
    """

    done: list[str]
    refused: Mapping[str, int]
    stopped: str | None = None


def act_on_credentials(
    tx: Transaction,
    workspace: Workspace,
    act: Act,
    credential_ids: Sequence[str],
    *,
    reason: str | None = None,
    occasion: str,
    signers: Signers,
    plan: Plan = UNLIMITED,
    at: datetime,
) -> Outcome:
    """Give it some hundred at a time. Done again with the same `occasion` (an id), it mails nobody twice, and everything
    else is refused for what it was done to. Files of what is to be deleted are to be deleted before.
    """
    base_url = signers.base_url

    def issue(credential_id: str) -> None:
        issued = issue_credential(tx, workspace, credential_id, signers=signers, plan=plan, at=at)
        if act == "issue_send":
            queue_delivery(tx, workspace, [issued], base_url=base_url, is_repeatable=False, at=at)

    acts: Mapping[Act, Callable[[str], object]] = {
        "issue": issue,
        "issue_send": issue,
        "send": lambda id_: send_credential(tx, workspace, id_, base_url=base_url, occasion=occasion, at=at),
        "revoke": lambda id_: revoke_credential(tx, workspace.id, id_, reason=reason, at=at),
        "reinstate": lambda id_: unrevoke_credential(tx, workspace.id, id_, at=at),
        "delete": lambda id_: delete_credential(tx, workspace.id, id_, at=at),
    }
    done: list[str] = []
    refused: Counter[str] = Counter()
    for credential_id in credential_ids:
        try:
            # A point to come back to: what was written of one goes if it is refused.
            with tx.begin_nested():
                acts[act](credential_id)
        except PaymentRequired as refusal:
            return Outcome(done, dict(refused), refusal.message)
        except NotFound:
            refused["It was deleted meanwhile"] += 1
        except TestamurError as refusal:
            refused[refusal.message] += 1
        else:
            done.append(credential_id)
    return Outcome(done, dict(refused))
