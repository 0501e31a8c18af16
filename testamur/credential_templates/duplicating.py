from datetime import datetime

from testamur.credential_templates.editing import create_credential_template, update_credential_template
from testamur.credential_templates.model import CredentialTemplate
from testamur.credential_templates.queries import get_credential_template
from testamur.db import Transaction
from testamur.delivery.templates import choose_email_template, chosen_email_templates
from testamur.plans import UNLIMITED, Plan


def duplicate_credential_template(
    tx: Transaction, workspace_id: str, template_id: str, *, name: str, plan: Plan = UNLIMITED, at: datetime
) -> CredentialTemplate:
    """A new template with the designs, settings and emails that this one has now. Raises NotFound, Invalid, PaymentRequired."""
    source = get_credential_template(tx, workspace_id, template_id)
    made = create_credential_template(
        tx,
        workspace_id,
        name=name,
        design_ids=source.design_ids,
        learning_event_url=source.learning_event_url,
        description=source.description,
        criteria=source.criteria,
        expiry_rule=source.expiry_rule,
        language=source.language,
        plan=plan,
        at=at,
    )
    for kind, email_template_id in chosen_email_templates(tx, workspace_id, source.id).items():
        choose_email_template(tx, workspace_id, made.id, kind, email_template_id)
    policy, achievement = source.design_policy, source.achievement
    return update_credential_template(
        tx, workspace_id, made.id, design_policy=policy, achievement=achievement, plan=plan, at=at
    )
