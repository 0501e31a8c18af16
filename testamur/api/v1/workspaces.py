from testamur.api.v1.operations import Call, Operation
from testamur.wire.v1.workspaces import Me, WireWorkspace, to_me, to_workspace

_TAG = "Workspace"


def get_workspace(call: Call) -> WireWorkspace:
    return to_workspace(call.workspace)


def get_me(call: Call) -> Me:
    return to_me(call.workspace, call.token)


OPERATIONS = [
    Operation(
        method="GET",
        path="/workspace",
        name="getWorkspace",
        summary="Get the workspace",
        tag=_TAG,
        run=get_workspace,
        answer=WireWorkspace,
    ),
    Operation(
        method="GET",
        path="/me",
        name="getMe",
        summary="Get the workspace and the access token of this request",
        tag=_TAG,
        run=get_me,
        answer=Me,
    ),
]
