from msgspec import UNSET, UnsetType

from testamur.api.v1.operations import Call, Operation
from testamur.api.v1.paging import answer_page
from testamur.delivery.templates import (
    create_email_template,
    delete_email_template,
    get_email_template,
    list_email_templates,
    update_email_template,
)
from testamur.wire.v1.email_templates import (
    CreateEmailTemplate,
    UpdateEmailTemplate,
    WireEmailTemplate,
    to_email_template,
)
from testamur.wire.v1.paging import WirePage

_TAG = "Email templates"


def list_(call: Call) -> WirePage[WireEmailTemplate]:
    return answer_page(call, "email-templates", list_email_templates, to_email_template)


def get(call: Call) -> WireEmailTemplate:
    with call.platform.database.read() as tx:
        return to_email_template(get_email_template(tx, call.workspace.id, call.id))


def create(call: Call) -> WireEmailTemplate:
    body = call.body(CreateEmailTemplate)
    call.plan.require("email_templates")
    with call.platform.database.write() as tx:
        template = create_email_template(
            tx,
            call.workspace.id,
            kind=body.kind,
            name=body.name,
            subject=body.subject,
            body=body.body,
            sender_name=body.sender_name,
            reply_to=body.reply_to,
            is_default=body.is_default,
            at=call.at,
        )
        call.record(tx, template.id)
    return to_email_template(template)


def update(call: Call) -> WireEmailTemplate:
    template_id, body = call.id, call.body(UpdateEmailTemplate)
    with call.platform.database.write() as tx:
        template = update_email_template(
            tx,
            call.workspace.id,
            template_id,
            name=None if isinstance(body.name, UnsetType) else body.name,
            subject=None if isinstance(body.subject, UnsetType) else body.subject,
            body=None if isinstance(body.body, UnsetType) else body.body,
            sender_name=body.sender_name,
            reply_to=body.reply_to,
            is_default=None if body.is_default is UNSET else body.is_default,
            at=call.at,
        )
        call.record(tx)
    return to_email_template(template)


def delete(call: Call) -> None:
    with call.platform.database.write() as tx:
        delete_email_template(tx, call.workspace.id, call.id)
        call.record(tx)


OPERATIONS = [
    Operation(
        method="GET",
        path="/email-templates",
        name="listEmailTemplates",
        summary="List email templates",
        tag=_TAG,
        run=list_,
        answer=WirePage[WireEmailTemplate],
        is_list=True,
        is_extension=True,
    ),
    Operation(
        method="POST",
        path="/email-templates",
        name="createEmailTemplate",
        action="email_template.created",
        summary="Add an email template",
        tag=_TAG,
        run=create,
        status=201,
        body=CreateEmailTemplate,
        answer=WireEmailTemplate,
        errors=(402,),
        is_extension=True,
    ),
    Operation(
        method="GET",
        path="/email-templates/{id}",
        name="getEmailTemplate",
        summary="Get an email template",
        tag=_TAG,
        run=get,
        answer=WireEmailTemplate,
        errors=(404,),
        is_extension=True,
    ),
    Operation(
        method="PATCH",
        path="/email-templates/{id}",
        name="updateEmailTemplate",
        action="email_template.updated",
        summary="Update an email template",
        tag=_TAG,
        run=update,
        body=UpdateEmailTemplate,
        answer=WireEmailTemplate,
        errors=(404,),
        is_extension=True,
    ),
    Operation(
        method="DELETE",
        path="/email-templates/{id}",
        name="deleteEmailTemplate",
        action="email_template.deleted",
        summary="Delete an email template",
        description="One that a credential template uses cannot be deleted.",
        tag=_TAG,
        run=delete,
        status=204,
        errors=(404, 409),
        is_extension=True,
    ),
]
