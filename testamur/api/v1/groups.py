from msgspec import UNSET, UnsetType

from testamur.api.v1.operations import Call, Operation
from testamur.api.v1.paging import answer_page
from testamur.credential_templates.editing import create_credential_template, update_credential_template
from testamur.credential_templates.model import CredentialTemplate
from testamur.credential_templates.queries import get_credential_template, list_credential_templates
from testamur.db import Transaction
from testamur.designs.queries import find_designs
from testamur.errors import Invalid
from testamur.ids import normalize_id
from testamur.imports.deleting import delete_template
from testamur.rendering.document import DesignType
from testamur.wire.v1.groups import CreateGroup, Group, UpdateGroup, to_group
from testamur.wire.v1.paging import WirePage

_TAG = "Credential templates"


def create_group(call: Call) -> Group:
    body = call.body(CreateGroup)
    with call.platform.database.write() as tx:
        template = create_credential_template(
            tx,
            call.workspace.id,
            name=body.name,
            design_ids=_design_ids_to_create(tx, call.workspace.id, body),
            learning_event_url=body.learning_event_url or None,
            plan=call.plan,
            at=call.at,
        )
        call.record(tx, template.id)
    return to_group(template)


def list_groups(call: Call) -> WirePage[Group]:
    return answer_page(call, "groups", list_credential_templates, to_group)


def get_group(call: Call) -> Group:
    with call.platform.database.read() as tx:
        return to_group(get_credential_template(tx, call.workspace.id, call.id))


def update_group(call: Call) -> Group:
    template_id, body = call.id, call.body(UpdateGroup)
    with call.platform.database.write() as tx:
        before = get_credential_template(tx, call.workspace.id, template_id)
        template = update_credential_template(
            tx,
            call.workspace.id,
            template_id,
            name=None if isinstance(body.name, UnsetType) else body.name,
            design_ids=_design_ids_to_update(tx, before, body),
            learning_event_url=body.learning_event_url,
            plan=call.plan,
            at=call.at,
        )
        call.record(tx)
    return to_group(template)


def delete_group(call: Call) -> None:
    with call.platform.database.write() as tx:
        delete_template(tx, call.workspace.id, call.id)
        call.record(tx)


def _design_ids_to_create(tx: Transaction, workspace_id: str, body: CreateGroup) -> list[str]:
    """The designs in order, from either shape of the request; null in the legacy shape is the same as absent."""
    legacy: dict[DesignType, str] = {}
    if isinstance(body.certificate_design_id, str):
        legacy["certificate"] = body.certificate_design_id
    if isinstance(body.badge_design_id, str):
        legacy["badge"] = body.badge_design_id
    if not isinstance(body.design_ids, UnsetType):
        if legacy:
            raise _both_shapes()
        return body.design_ids
    if not legacy:
        raise Invalid("Required", ("design_ids",))
    _check_types(tx, workspace_id, legacy)
    return list(legacy.values())


def _design_ids_to_update(tx: Transaction, before: CredentialTemplate, body: UpdateGroup) -> list[str] | None:
    """The designs in order, None to leave them. In the legacy shape a value replaces the first design of its type,
    and null removes it.
    """
    given: dict[DesignType, str | None] = {}
    if body.certificate_design_id is not UNSET:
        given["certificate"] = body.certificate_design_id
    if body.badge_design_id is not UNSET:
        given["badge"] = body.badge_design_id
    if not isinstance(body.design_ids, UnsetType):
        if given:
            raise _both_shapes()
        return body.design_ids
    if not given:
        return None
    _check_types(tx, before.workspace_id, {type_: id_ for type_, id_ in given.items() if id_ is not None})
    design_ids = before.design_ids
    for type_, new in given.items():
        old = before.first_of(type_)
        new_id = normalize_id(new) if new is not None else None
        if new_id is not None and new_id in design_ids and new_id != old:
            # The design stands further back already: it moves into the slot instead of standing twice.
            design_ids.remove(new_id)
        if old is not None:
            design_ids[design_ids.index(old) : design_ids.index(old) + 1] = [] if new is None else [new]
        elif new is not None:
            design_ids.insert(0 if type_ == "certificate" else len(design_ids), new)
    return design_ids


def _check_types(tx: Transaction, workspace_id: str, legacy: dict[DesignType, str]) -> None:
    ids = {type_: normalize_id(given) for type_, given in legacy.items()}
    found = find_designs(tx, workspace_id, [id_ for id_ in ids.values() if id_ is not None])
    for type_, id_ in ids.items():
        design = found.get(id_ or "")
        if design is not None and design.type != type_:
            raise Invalid(f"Must be a design of type {type_}, is a {design.type}", (f"{type_}_design_id",))


def _both_shapes() -> Invalid:
    return Invalid("Must not be given together with certificateDesignId or badgeDesignId", ("design_ids",))


OPERATIONS = [
    Operation(
        method="POST",
        path="/groups",
        name="createGroup",
        action="credential_template.created",
        summary="Create a credential template",
        tag=_TAG,
        run=create_group,
        status=201,
        body=CreateGroup,
        answer=Group,
        errors=(402, 404),
    ),
    Operation(
        method="GET",
        path="/groups",
        name="listGroups",
        summary="List credential templates",
        tag=_TAG,
        run=list_groups,
        answer=WirePage[Group],
        is_list=True,
    ),
    Operation(
        method="GET",
        path="/groups/{id}",
        name="getGroup",
        summary="Get a credential template",
        tag=_TAG,
        run=get_group,
        answer=Group,
        errors=(404,),
    ),
    Operation(
        method="PATCH",
        path="/groups/{id}",
        name="updateGroup",
        action="credential_template.updated",
        summary="Update a credential template",
        description="What is left out stays as it is; designIds, if given, replaces the whole ordered list.",
        tag=_TAG,
        run=update_group,
        body=UpdateGroup,
        answer=Group,
        errors=(402, 404),
    ),
    Operation(
        method="DELETE",
        path="/groups/{id}",
        name="deleteGroup",
        action="credential_template.deleted",
        summary="Delete a credential template",
        description="A credential template that has credentials cannot be deleted; delete these first.",
        tag=_TAG,
        run=delete_group,
        status=204,
        errors=(404, 409),
    ),
]
