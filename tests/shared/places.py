"""Where the page of every screen is found, in the middle of an institute's year."""

from dataclasses import dataclass
from urllib.parse import quote

from people import PASSWORD
from sample_world import ARABIC_NAME, LONG_NAME, NAMES, fill
from sqlalchemy import text

from testamur.accounts.editing import ask_for_address, make_address_link, make_password_link, update_account
from testamur.accounts.inviting import list_invitations, make_invitation_link
from testamur.accounts.queries import get_account
from testamur.accounts.second_factor import begin_second_factor
from testamur.change_requests.asking import ask_for_change
from testamur.change_requests.asking import make_link as make_request_link
from testamur.clock import now
from testamur.credentials.queries import get_credential
from testamur.dashboard.routes import SCREENS
from testamur.recipient_accounts import signing_in as recipients

# Screens that answer with a file, with a part of a page or with another page; their own tests look at them.
NOT_PAGES = {
    "/",
    "/w/{workspace}/credentials/export",
    "/w/{workspace}/credentials/download",
    "/w/{workspace}/audit-log.csv",
    "/w/{workspace}/designs/{id}/export",
    "/w/{workspace}/designs/{id}/versions/{number}/{sample}.webp",
    "/w/{workspace}/emails/preview",
    "/w/{workspace}/issue/sample",
    "/w/{workspace}/issue/imports/{id}/progress",
    "/w/{workspace}/issue/imports/{id}/results",
}


@dataclass(frozen=True)
class Place:
    """An address of a screen, and the cookies of whoever sees a page there."""

    screen: str
    address: str
    cookies: tuple[tuple[str, str], ...] = ()


def find_places(site, platform, client, tenants, person, second_factor, work):
    """All pages of all screens, and those of the wallet. `tenants`: one that is filled, and one that lies beside it."""
    tenant, other_tenant = tenants
    owner = person(tenant, email="amara_okafor@meridian.example")
    world = fill(platform, client, tenant, owner, work)
    origin = {"Origin": site.url}
    # Of several workspaces one is chosen.
    with platform.database.write() as tx:
        tx.execute(
            text("INSERT INTO memberships SELECT :workspace, account_id, role, created_at FROM memberships WHERE account_id = :account"),
            {"workspace": other_tenant.workspace.id, "account": owner.account_id},
        )  # fmt: skip
    unproven = person(tenant, "viewer", "noor_haddad@meridian.example")
    setting_up = person(tenant, "viewer", "piotr_zielinski@meridian.example")
    with_code = person(tenant, "viewer", "lucia_ferreira@meridian.example")
    second_factor(with_code)
    begun = client.post(
        "/sign-in", data={"email": with_code.email, "password": PASSWORD}, headers=origin, follow_redirects=False
    )
    begun_cookies = tuple(begun.cookies.items())
    client.cookies.clear()
    chosen = world.credentials[0]
    public_ids = dict(zip(NAMES, (item["publicId"] for item in world.credentials), strict=True))
    with platform.database.write() as tx:
        tx.execute(
            text("UPDATE account_sessions SET confirmed_at = '2026-01-01 00:00:00.000000' WHERE account_id = :id"),
            {"id": unproven.account_id},
        )
        begin_second_factor(
            tx, get_account(tx, setting_up.account_id), site="here", master_key=platform.master_key, at=now()
        )
        (invitation,) = list_invitations(tx, tenant.workspace.id, at=now())
        _, invited = make_invitation_link(tx, invitation.id, at=now())
        forgot = make_password_link(tx, owner.account_id, at=now())
        account = update_account(tx, owner.account_id, name="Amara Okafor", at=now())
        moved = make_address_link(
            tx, owner.account_id, ask_for_address(tx, account, "amara@meridian.example", at=now()), at=now()
        )
        credential = get_credential(tx, tenant.workspace.id, world.credentials[2]["id"])
        asked = ask_for_change(tx, credential, kind="name", proposed=LONG_NAME, message="As in my passport", at=now())
        _, correction = make_request_link(tx, tenant.workspace.id, asked.id, credential.recipient.email, at=now())
        address = "recipient01@example.org"
        own_link = recipients.make_link(tx, address, at=now())
        mine = recipients.sign_in(tx, own_link.token, at=now())
        own_link = recipients.make_link(tx, address, at=now())

    def of(screen):
        return f"/w/{tenant.workspace.slug}{screen}"

    template, design, webhook = world.templates["Financial Markets"], world.designs[0], world.webhooks[0]
    credential_id, recipient, ready = chosen["id"], chosen["recipient"]["id"], world.imports[1]
    given = {
        "/new-password": [f"/new-password?token={forgot}", "/new-password?token=over"],
        "/new-address": [f"/new-address?token={moved}", "/new-address?token=over"],
        "/invitation": [f"/invitation?token={invited}", "/invitation?token=over"],
        "/w/{workspace}/credentials": [
            of("/credentials"),
            of("/credentials?status=revoked"),
            of("/credentials?q=nobody+of+this+name"),
        ],
        "/w/{workspace}/credentials/{id}": [
            of(f"/credentials/{world.credentials[number]['id']}") for number in (0, 4, 10, 34)
        ],
        "/w/{workspace}/credentials/{id}/edit": [of(f"/credentials/{credential_id}/edit")],
        "/w/{workspace}/credentials/{id}/again": [of(f"/credentials/{credential_id}/again")],
        "/w/{workspace}/credentials/bulk": [
            of(f"/credentials/bulk?action=revoke&id={credential_id}&id={world.credentials[4]['id']}")
        ],
        "/w/{workspace}/templates/{id}": [of(f"/templates/{template}")],
        "/w/{workspace}/templates/{id}/edit": [of(f"/templates/{template}/edit")],
        "/w/{workspace}/designs/{id}": [of(f"/designs/{design}")],
        "/w/{workspace}/developers/webhooks/{id}": [of(f"/developers/webhooks/{webhook}")],
        "/w/{workspace}/developers/webhooks/{id}/edit": [of(f"/developers/webhooks/{webhook}/edit")],
        "/w/{workspace}/issue": [of(f"/issue?template={template}"), of("/issue")],
        "/w/{workspace}/issue/done/{id}": [of(f"/issue/done/{credential_id}")],
        "/w/{workspace}/issue/imports/{id}": [of(f"/issue/imports/{id_}") for id_ in world.imports],
        "/w/{workspace}/issue/imports/{id}/columns": [of(f"/issue/imports/{ready}/columns")],
        "/w/{workspace}/issue/imports/{id}/preview": [of(f"/issue/imports/{ready}/preview?row=3")],
        "/w/{workspace}/emails/{id}": [of(f"/emails/{world.emails[0]}")],
        "/w/{workspace}/requests/{id}": [of(f"/requests/{id_}") for id_ in (world.requests[0], world.requests[3])],
        "/w/{workspace}/recipients/{id}": [of(f"/recipients/{recipient}")],
        "/w/{workspace}/recipients/{id}/erase": [of(f"/recipients/{recipient}/erase")],
    }
    cookies = {
        "/sign-in/code": begun_cookies,
        "/account/confirm": (("session", unproven.session),),
        "/account/second-factor": (("session", setting_up.session),),
    }
    found = []
    for screen in SCREENS:
        path = screen.full_path
        if screen.method != "GET" or path in NOT_PAGES:
            continue
        plain = [] if "{" in screen.path else [path.replace("{workspace}", tenant.workspace.slug)]
        addresses = given.pop(path, plain)
        assert addresses, f"Tell by what address a page of {path} is found"
        usual = () if screen.asker == "anybody" else (("session", owner.session),)
        found += [Place(path, address, cookies.get(path, usual)) for address in addresses]
    assert given == {}
    states = [NAMES[0], ARABIC_NAME, NAMES[10], NAMES[31]]
    found += [Place("/credentials/{public_id}", f"/credentials/{public_ids[name]}") for name in states]
    of_credential = f"/credentials/{public_ids[NAMES[0]]}"
    found += [
        Place("/verify?url", f"/verify?url={quote(site.url + of_credential, safe='')}"),
        Place("/credentials/{public_id}/correction", f"{of_credential}/correction"),
        Place("/corrections/confirm", f"/corrections/confirm?token={correction}"),
        Place("/verify", "/verify"),
        Place("/i/{slug}", f"/i/{tenant.workspace.slug}"),
        Place("/my", "/my"),
        Place("/my/sign-in", f"/my/sign-in?token={own_link.token}"),
        Place("/my/credentials", "/my/credentials", (("recipient", mine),)),
        Place("/nothing", "/nothing"),
    ]
    return found
