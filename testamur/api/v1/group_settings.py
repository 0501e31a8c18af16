from msgspec import UnsetType

from testamur.api.v1.operations import Call, Operation
from testamur.credential_templates.editing import update_credential_template
from testamur.credential_templates.queries import get_credential_template
from testamur.delivery.templates import choose_email_template, chosen_email_templates
from testamur.errors import Invalid
from testamur.interactions.queries import summarize_template
from testamur.rendering.languages import DEFAULT_LANGUAGE
from testamur.wire.v1.group_settings import (
    GroupSettings,
    UpdateGroupSettings,
    to_achievement,
    to_group_settings,
    to_rule,
)
from testamur.wire.v1.interactions import InteractionSummary, to_summary

_TAG = "Credential templates"


def get(call: Call) -> GroupSettings:
    with call.platform.database.read() as tx:
        template = get_credential_template(tx, call.workspace.id, call.id)
        return to_group_settings(template, chosen_email_templates(tx, call.workspace.id, template.id))


def update(call: Call) -> GroupSettings:
    template_id, body = call.id, call.body(UpdateGroupSettings)
    with call.platform.database.write() as tx:
        template = update_credential_template(
            tx,
            call.workspace.id,
            template_id,
            description=body.description,
            criteria=body.criteria,
            expiry_rule=to_rule(body.expiry),
            language=None if isinstance(body.language, UnsetType) else body.language or DEFAULT_LANGUAGE,
            design_policy=body.design_policy or None,
            achievement=None if isinstance(body.achievement, UnsetType) else to_achievement(body.achievement),
            plan=call.plan,
            at=call.at,
        )
        if not isinstance(body.email_templates, UnsetType):
            call.plan.require("email_templates")
            for kind, chosen in body.email_templates.items():
                try:
                    choose_email_template(tx, call.workspace.id, template_id, kind, chosen)
                except Invalid as error:
                    raise error.under("email_templates", kind) from None
        call.record(tx)
        return to_group_settings(template, chosen_email_templates(tx, call.workspace.id, template_id))


def summarize(call: Call) -> InteractionSummary:
    with call.platform.database.read() as tx:
        template = get_credential_template(tx, call.workspace.id, call.id)
        return to_summary(summarize_template(tx, call.workspace.id, template.id))


OPERATIONS = [
    Operation(
        method="GET",
        path="/groups/{id}/settings",
        name="getGroupSettings",
        summary="Get a credential template's settings",
        tag=_TAG,
        run=get,
        answer=GroupSettings,
        errors=(404,),
        is_extension=True,
    ),
    Operation(
        method="PATCH",
        path="/groups/{id}/settings",
        name="updateGroupSettings",
        action="credential_template.updated",
        summary="Update a credential template's settings",
        description="Description, criteria, how long its credentials are valid, in which language dates and numbers are "
        "written on them, whether they keep the look they are issued with, which emails they send, and what their signed "
        "form says of the achievement.",
        tag=_TAG,
        run=update,
        body=UpdateGroupSettings,
        answer=GroupSettings,
        errors=(402, 404),
        is_extension=True,
    ),
    Operation(
        method="GET",
        path="/groups/{id}/summary",
        name="getGroupSummary",
        summary="Count what was done with a credential template's credentials",
        tag=_TAG,
        run=summarize,
        answer=InteractionSummary,
        errors=(404,),
        is_extension=True,
    ),
]
