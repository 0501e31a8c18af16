"""An institute in the middle of its year: all that screens can show, with the same names in each run.

It is made through the API, as its users make it; what the API has no words for, through the slices.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from receiver import Receiver
from sqlalchemy import case, update
from starlette.testclient import TestClient

from testamur.accounts.creating import add_member, create_account
from testamur.accounts.inviting import invite
from testamur.accounts.queries import find_membership
from testamur.change_requests.answering import decline_request, resolve_request
from testamur.change_requests.asking import ask_for_change, confirm, make_link
from testamur.clock import now
from testamur.credentials.queries import get_credential
from testamur.credentials.sending import set_delivery_states
from testamur.credentials.tables import credentials
from testamur.interactions.model import InteractionType
from testamur.interactions.recording import record_interaction
from testamur.statistics.counting import count, keep
from testamur.web.platform import Platform
from testamur.workspaces.editing import update_workspace

LONG_NAME = "Maximiliane Wilhelmine Freifrau von Schwarzenberg-Hohenlohe zu Langenburg und Waldenburg"
ARABIC_NAME = "نور الهدى عبد الرحمن"
NAMES = (
    *("Ada Okonkwo", "Zoë Müller-Lüdenscheidt", ARABIC_NAME, "José María Núñez", LONG_NAME, "Siobhán O'Connor"),
    *("Łukasz Żółciński", "Αικατερίνη Παπαδοπούλου", "Nguyễn Thị Minh Khai", "Олександра Шевченко", "Ngozi Eze"),
    *("Björn Åkesson", "Élodie Lefèvre", "Giulia Rossi", "İrem Yılmaz", "Jan de Vries", "Priya Ramanathan"),  # noqa: RUF001 - as it is written.
    *("Kwame Mensah", "Leilani Kealoha", "Marta Kovač", "Tomáš Dvořák", "Ingrid Sørensen", "Rui Gonçalves"),
    *("Sofia Andersson", "Aoife Byrne", "Dragana Petrović", "Farah Haddad", "Grace Kim", "Henrik Virtanen"),
    *("Ilse Janssens", "Juan Pablo Torres", "Katarzyna Nowak", "Liam Walsh", "Mei Tanaka", "Noah Fischer"),
    *("Olga Ivanova", "Pedro Almeida", "Rania Saleh", "Samuel Adeyemi", "Tereza Horáková"),
)


@dataclass
class World:
    """The ids of what was made."""

    templates: dict[str, str] = field(default_factory=dict)
    designs: list[str] = field(default_factory=list)
    # In the order of NAMES; each as the API gives it.
    credentials: list[dict[str, Any]] = field(default_factory=list)
    webhooks: list[str] = field(default_factory=list)
    imports: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    emails: list[str] = field(default_factory=list)
    attributes: list[str] = field(default_factory=list)
    colleagues: list[str] = field(default_factory=list)


def fill(platform: Platform, client: TestClient, tenant: Any, owner: Any, work: Callable[[], None]) -> World:
    """Fill the workspace of a tenant. `work` does what waits for the worker."""
    return _Filling(platform, client, tenant, owner, work).run()


class _Filling:
    def __init__(self, platform: Platform, client: TestClient, tenant: Any, owner: Any, work: Any) -> None:
        self._platform, self._client, self._tenant, self._owner, self._work = platform, client, tenant, owner, work
        self._world = World(designs=[tenant.certificate_id, tenant.badge_id])
        self._mentor: dict[str, str] = {}

    def run(self) -> World:
        receiver = Receiver()
        try:
            self._describe_issuer()
            self._make_team()
            self._define_attributes()
            self._make_templates()
            self._make_webhooks(receiver)
            self._issue()
            self._work()
            receiver.status = 500
            self._change_states()
            self._work()
            self._import()
            self._work()
            self._ask_for_changes()
            self._look_at_pages()
            self._work()
            self._let_time_pass()
            for webhook, name in zip(self._world.webhooks, ("learning", "archive"), strict=True):
                self._call("PATCH", f"/webhooks/{webhook}", {"url": f"https://{name}.meridian.example/hooks"})
        finally:
            receiver.server.shutdown()
            receiver.server.server_close()
        return self._world

    def _call(self, method: str, path: str, body: Any = None, *, status: int = 200, **options: Any) -> Any:
        if body is not None:
            options["json"] = body
        answer = self._client.request(method, f"/v1{path}", headers=self._tenant.headers, **options)
        assert answer.status_code == status, (path, answer.text)
        return answer.json() if answer.content else None

    def _describe_issuer(self) -> None:
        with self._platform.database.write() as tx:
            update_workspace(
                tx,
                self._tenant.workspace.id,
                website_url="https://meridian.example",
                support_email="registrar@meridian.example",
                description="Courses in finance, project work and safety since 1987.",
                brand_color="#1f5f5b",
                at=now(),
            )

    def _make_team(self) -> None:
        workspace = self._tenant.workspace
        people = (("Tomás Herrera", "admin"), ("Wanjiru Kamau", "manager"), ("Emil Lindqvist", "viewer"))
        with self._platform.database.write() as tx:
            for name, role in people:
                email = f"{name.split()[0].lower().replace('á', 'a')}@meridian.example"
                account = create_account(tx, email=email, name=name, password_hash=None, at=now())
                add_member(tx, workspace.id, account.id, role, at=now())
                self._world.colleagues.append(account.id)
            by = find_membership(tx, self._owner.account_id, workspace.slug)
            assert by is not None
            invite(tx, by, email="new.colleague@meridian.example", role="designer", at=now())

    def _define_attributes(self) -> None:
        for name, tag, kind in (
            ("Final grade", "custom.grade", "number"),
            ("Date of the exam", "custom.exam", "date"),
            ("Portrait", "custom.portrait", "image"),
        ):
            made = self._call("POST", "/attributes", {"name": name, "tag": tag, "type": kind}, status=201)
            self._world.attributes.append(made["id"])

    def _make_templates(self) -> None:
        certificate, badge = self._world.designs
        for name in ("modern", "arabic", "professional"):
            self._world.designs.append(self._call("POST", f"/gallery/{name}/designs", status=201)["id"])
        modern, arabic, professional = self._world.designs[2:]
        delivery = {
            "kind": "delivery",
            "name": "Course certificates",
            "subject": "Your certificate for [group.name]",
            "body": "Dear [recipient.name],\n\ncongratulations. Your certificate is ready.",
        }
        self._world.emails.append(self._call("POST", "/email-templates", delivery, status=201)["id"])
        for name, designs in (
            ("Financial Markets", [certificate, badge]),
            ("إدارة المشاريع", [arabic]),
            ("First Aid at Work", [modern]),
            ("Advanced Open-Water Navigation and Seamanship for Long-Distance Crews", [professional, badge]),
        ):
            body = {"name": name, "designIds": designs, "learningEventUrl": "https://meridian.example/courses"}
            self._world.templates[name] = self._call("POST", "/groups", body, status=201)["id"]
        settings = {
            "description": "How prices of bonds, shares and currencies come about, and what moves them.",
            "criteria": "Ten weekly assignments and a written examination of three hours.",
            "expiry": {"number": 2, "unit": "years"},
            "emailTemplates": {"delivery": self._world.emails[0]},
            "achievement": {
                "tags": ["finance", "economics"],
                "skills": [{"name": "Bond pricing", "url": "https://meridian.example/skills/bond-pricing"}],
                "attributes": {"custom.grade": {"means": "result", "resultType": "LetterGrade"}},
            },
        }
        self._call("PATCH", f"/groups/{self._world.templates['Financial Markets']}/settings", settings)
        self._call("PATCH", f"/groups/{self._world.templates['إدارة المشاريع']}/settings", {"language": "ar"})

    def _make_webhooks(self, receiver: Receiver) -> None:
        for events in (["credential.issued"], ["credential.issued", "credential.updated"]):
            made = self._call("POST", "/webhooks", {"url": receiver.url, "events": events}, status=201)
            self._world.webhooks.append(made["id"])

    def _issue(self) -> None:
        names = list(self._world.templates.values())
        markets, arabic = names[0], names[1]
        items = []
        for number, name in enumerate(NAMES):
            template = arabic if name == ARABIC_NAME else names[2 + number % 2] if number % 3 == 2 else markets
            item: dict[str, Any] = {
                "groupId": template,
                "recipient": {"name": name, "email": f"recipient{number + 1:02}@example.org"},
                "issueDate": f"2026-{1 + number % 9:02}-{1 + number % 27:02}",
                "customAttributes": {"custom.mentor": "Prof. Jane Doe", "custom.grade": f"{1 + number % 3}.3"},
            }
            if number in {30, 31, 32, 33}:
                item |= {"issueDate": "2023-03-01", "expiryDate": "2025-03-01"}
            if number == 28:
                item |= {"expiryDate": (now() + timedelta(days=10)).date().isoformat()}
            if number == 29:
                del item["recipient"]["email"]
            items.append(item)
        made = self._bulk(items[:4], "send") + self._bulk(items[4:34], "issue") + self._bulk(items[34:], "draft")
        self._world.credentials = made

    def _bulk(self, items: list[dict[str, Any]], action: str) -> list[dict[str, Any]]:
        results = self._call("POST", "/credentials/bulk", {"items": items, "action": action})["results"]
        assert all(result["error"] is None for result in results), results
        return [result["credential"] for result in results]

    def _change_states(self) -> None:
        ids = [credential["id"] for credential in self._world.credentials]
        for number in (10, 20):
            self._call("POST", f"/credentials/{ids[number]}/revoke", {"reason": "Issued by mistake"})
        for number in (34, 35):
            at = (now() + timedelta(days=30)).strftime("%Y-%m-%dT08:00:00.000Z")
            self._call("POST", f"/credentials/{ids[number]}/schedule", {"issueAt": at, "send": True})
        # A correction makes a second version.
        self._call("PATCH", f"/credentials/{ids[0]}", {"customAttributes": {"custom.mentor": "Prof. Mary Somerville"}})

    def _import(self) -> None:
        rows = ["recipient.name,recipient.email,custom.mentor"]
        rows += [f"{name},learner{number}@example.org,Jane Doe" for number, name in enumerate(NAMES[20:30])]
        rows.append("Wrong Address,not an address,Jane Doe")
        content = "\n".join(rows).encode()
        template = self._world.templates["First Aid at Work"]
        for start in ("true", "false"):
            query = {"groupId": template, "start": start, "fileName": "spring.csv"}
            made = self._call("POST", "/imports", content=content, params=query, status=201)
            self._world.imports.append(made["id"])

    def _ask_for_changes(self) -> None:
        asked = (
            (1, "name", "Zoë Müller-Lüdenscheid", "There is no t at the end."),
            (3, "name", "José María Núñez García", "Both of my surnames, please, as in my passport."),
            (6, "other", "", "Could the date of the exam stand on it?"),
            (8, "name", "Nguyen Thi Minh Khai", ""),
        )
        workspace_id = self._tenant.workspace.id
        for number, kind, proposed, message in asked:
            with self._platform.database.write() as tx:
                credential = get_credential(tx, workspace_id, self._world.credentials[number]["id"])
                request = ask_for_change(tx, credential, kind=kind, proposed=proposed, message=message, at=now())
                _, secret = make_link(tx, workspace_id, request.id, credential.recipient.email, at=now())
                confirm(tx, secret, at=now())
                self._world.requests.append(request.id)
        with self._platform.database.write() as tx:
            resolve_request(tx, workspace_id, self._world.requests[2], at=now())
            decline_request(
                tx, workspace_id, self._world.requests[3], reason="We write names as in the register.", at=now()
            )

    def _look_at_pages(self) -> None:
        workspace_id = self._tenant.workspace.id
        kinds: tuple[InteractionType, ...]
        kinds = ("credential_viewed", "credential_downloaded", "credential_link_copied", "credential_verified")
        with self._platform.database.write() as tx:
            for number, credential in enumerate(self._world.credentials[:28]):
                for kind in kinds[: 1 + number % len(kinds)]:
                    moment = now() - timedelta(days=(number * 5) % 23, hours=number % 7)
                    record_interaction(
                        tx,
                        workspace_id,
                        credential_id=credential["id"],
                        event_type=kind,
                        triggered_by="recipient" if number % 3 else "guest",
                        triggered_at=moment,
                        at=now(),
                    )
            set_delivery_states(tx, workspace_id, {self._world.credentials[3]["id"]: "bounced"})

    def _let_time_pass(self) -> None:
        """What was made just now was made in the weeks before, and is counted."""
        with self._platform.database.write() as tx:
            for number, credential in enumerate(self._world.credentials):
                moment = now() - timedelta(days=23 + (number * 11) % 7 if number < 8 else (number * 11) % 27, hours=1)
                tx.execute(
                    update(credentials)
                    .where(credentials.c.id == credential["id"])
                    .values(created_at=moment, issued_at=case((credentials.c.issued_at.is_not(None), moment)))
                )
            keep(tx, count(tx, at=now()))
