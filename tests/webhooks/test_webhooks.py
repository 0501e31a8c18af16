"""Webhooks as receivers get them: their bytes, their signatures, their retries; and where they may not go."""

import dataclasses
import hashlib
import hmac
import json
import shutil
import socket
import subprocess
import threading
import time

import pytest
from databases import on_one_database
from receiver import Receiver
from sqlalchemy import text
from standardwebhooks import Webhook

from testamur.outgoing.addresses import is_public
from testamur.webhooks.outbox import WAITS
from testamur.worker.work import work_off


@pytest.fixture
def receiver():
    made = Receiver()
    yield made
    made.server.shutdown()
    made.server.server_close()


def issue(api, group):
    body = {"groupId": group["id"], "recipient": {"name": "Ada"}}
    return api("POST", "/credentials/create-issue-send", body, status=201)


def deliveries(api, webhook):
    return api("GET", f"/webhooks/{webhook['id']}/deliveries?limit=100")["data"]


def due_now(platform):
    with platform.database.write() as tx:
        tx.execute(text("UPDATE webhook_deliveries SET next_attempt_at = event_created_at WHERE state = 'pending'"))


def test_events_of_a_life_arrive_with_ids_that_tell_their_order(api, group, platform, receiver):
    webhook = api("POST", "/webhooks", {"url": receiver.url}, status=201)
    made = issue(api, group)
    api("PATCH", f"/credentials/{made['id']}", {"recipient": {"name": "Ada L."}})
    api("PATCH", f"/credentials/{made['id']}", {"recipient": {"name": "Ada L."}})
    api("DELETE", f"/credentials/{made['id']}", status=204)
    work_off(platform)
    in_order = sorted(receiver.events, key=lambda event: event["id"])
    assert [event["type"] for event in in_order] == [
        "credential.created", "credential.issued", "credential.updated", "credential.deleted",
    ]  # fmt: skip
    assert all(event["data"] == {"resource": {"id": made["id"], "type": "credential"}} for event in in_order)
    assert [item["state"] for item in deliveries(api, webhook)] == ["delivered"] * 4
    work_off(platform)
    assert len(receiver.got) == 4


def test_a_signature_is_verified_by_others_and_the_bytes_survive_parsing(api, group, platform, receiver):
    webhook = api("POST", "/webhooks", {"url": receiver.url, "events": ["credential.issued"]}, status=201)
    issue(api, group)
    work_off(platform)
    ((headers, body),) = receiver.got
    secret = webhook["secret"]
    assert headers["X-Webhook-Signature"] == hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    assert json.dumps(json.loads(body), separators=(",", ":"), ensure_ascii=False).encode() == body
    lowered = {name.lower(): value for name, value in headers.items()}
    assert Webhook(secret).verify(body.decode(), lowered) == json.loads(body)
    with pytest.raises(Exception, match="signature"):
        Webhook(secret).verify(body.decode().replace("issued", "issueD"), lowered)
    if shutil.which("node"):
        script = (
            "const {createHmac}=require('crypto');const [s,b]=process.argv.slice(1);"
            "console.log(createHmac('sha256',s).update(JSON.stringify(JSON.parse(b)),'utf8').digest('hex'))"
        )
        shown = subprocess.run(
            ["node", "-e", script, secret, body.decode()], capture_output=True, text=True, check=True
        )
        assert shown.stdout.strip() == headers["X-Webhook-Signature"]


def test_a_rotated_secret_signs_beside_the_old_one(api, group, platform, receiver):
    webhook = api("POST", "/webhooks", {"url": receiver.url, "events": ["credential.issued"]}, status=201)
    rotated = api("POST", f"/webhooks/{webhook['id']}/rotate")
    assert rotated["secret"] != webhook["secret"]
    issue(api, group)
    work_off(platform)
    ((headers, body),) = receiver.got
    lowered = {name.lower(): value for name, value in headers.items()}
    for secret in (webhook["secret"], rotated["secret"]):
        assert Webhook(secret).verify(body.decode(), lowered)
    expected = hmac.new(rotated["secret"].encode(), body, hashlib.sha256).hexdigest()
    assert headers["X-Webhook-Signature"] == expected
    with platform.database.read() as tx:
        stored = str(tx.execute(text("SELECT * FROM webhook_endpoints")).all())
    assert webhook["secret"] not in stored
    assert rotated["secret"] not in stored
    shown = api("GET", f"/webhooks/{webhook['id']}")
    assert "secret" not in shown


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (500, "Answered 500"),
        (404, "Answered 404"),
        (302, "A redirect, which is not followed"),
        ("hang up", "broke the connection"),
    ],
)
def test_a_failed_delivery_is_tried_seven_times_under_one_id_and_can_be_asked_for_again(
    api, group, platform, receiver, status, error
):
    webhook = api("POST", "/webhooks", {"url": receiver.url, "events": ["credential.issued"]}, status=201)
    issue(api, group)
    receiver.status = status
    for number in range(1, len(WAITS) + 2):
        work_off(platform)
        assert len(receiver.got) == number
        work_off(platform)
        assert len(receiver.got) == number
        due_now(platform)
    work_off(platform)
    assert len(receiver.got) == 7
    assert len({event["id"] for event in receiver.events}) == 1
    (delivery,) = deliveries(api, webhook)
    assert (delivery["state"], len(delivery["attempts"])) == ("failed", 7)
    assert error in delivery["attempts"][0]["error"]
    receiver.status = 204
    api("POST", f"/webhook-deliveries/{delivery['id']}/redeliver")
    work_off(platform)
    assert deliveries(api, webhook)[0]["state"] == "delivered"
    assert receiver.events[-1]["id"] == receiver.events[0]["id"]


def raw_receiver(answer):
    """A server that answers each connection with whatever it is told, for as long as it likes."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=answer, args=(connection,), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    return listening


def endless(connection):
    with connection:
        connection.recv(65536)
        try:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 3000000000\r\n\r\n")
            while True:
                connection.sendall(b"x" * 65536)
        except OSError:
            pass


def silent(connection):
    with connection:
        connection.recv(65536)
        time.sleep(5)


def nonsense(connection):
    with connection:
        connection.recv(65536)
        connection.sendall(b"220 mail.example.com ESMTP\r\n")


@pytest.mark.parametrize(
    ("answer", "state", "error"),
    [
        (endless, "delivered", None),
        (silent, "pending", "No answer within"),
        (nonsense, "pending", "broke the connection"),
    ],
)
def test_a_strange_receiver_costs_little_and_holds_up_no_other(
    api, group, platform, receiver, monkeypatch, answer, state, error
):
    from testamur.webhooks import sending

    monkeypatch.setattr(sending, "ATTEMPT_SECONDS_MAX", 0.5)
    with raw_receiver(answer) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/"
        webhook = api("POST", "/webhooks", {"url": url, "events": ["credential.issued"]}, status=201)
        api("POST", "/webhooks", {"url": receiver.url, "events": ["credential.issued"]}, status=201)
        issue(api, group)
        began = time.monotonic()
        work_off(platform)
        assert time.monotonic() - began < 4
    (delivery,) = deliveries(api, webhook)
    assert delivery["state"] == state
    assert error is None or error in delivery["attempts"][0]["error"]
    assert len(receiver.got) == 1


def test_a_webhook_that_is_switched_off_or_deleted_is_told_nothing(api, group, platform, receiver):
    webhook = api("POST", "/webhooks", {"url": receiver.url}, status=201)
    issue(api, group)
    api("PATCH", f"/webhooks/{webhook['id']}", {"isActive": False})
    work_off(platform)
    issue(api, group)
    assert [item["state"] for item in deliveries(api, webhook)] == ["failed", "failed"]
    api("DELETE", f"/webhooks/{webhook['id']}", status=204)
    work_off(platform)
    assert receiver.got == []


def test_another_workspaces_webhooks_do_not_exist(api, client, group, platform, receiver, other_tenant):
    webhook = api("POST", "/webhooks", {"url": receiver.url}, status=201)
    issue(api, group)
    work_off(platform)
    delivery = deliveries(api, webhook)[0]
    for method, path in (
        ("GET", f"/v1/webhooks/{webhook['id']}"),
        ("PATCH", f"/v1/webhooks/{webhook['id']}"),
        ("DELETE", f"/v1/webhooks/{webhook['id']}"),
        ("POST", f"/v1/webhooks/{webhook['id']}/rotate"),
        ("GET", f"/v1/webhooks/{webhook['id']}/deliveries"),
        ("POST", f"/v1/webhook-deliveries/{delivery['id']}/redeliver"),
    ):
        answer = client.request(method, path, headers=other_tenant.headers, json={})
        assert answer.status_code == 404, (method, path)
    assert client.get("/v1/webhooks", headers=other_tenant.headers).json()["data"] == []
    headers = other_tenant.headers
    body = {"name": "x", "designIds": [other_tenant.badge_id]}
    theirs = client.post("/v1/groups", headers=headers, json=body).json()
    before = len(receiver.got)
    client.post("/v1/credentials", headers=headers, json={"groupId": theirs["id"], "recipient": {"name": "x"}})
    work_off(platform)
    assert len(receiver.got) == before


@on_one_database
@pytest.mark.parametrize("url", ["ftp://example.com", "https://u:p@example.com/", "https://example.com/#x", "nonsense"])
def test_a_url_that_cannot_be_used_is_told(api, url):
    assert api("POST", "/webhooks", {"url": url}, status=400)["error"]["details"][0]["path"] == ["url"]
    assert api("GET", "/webhooks")["data"] == []


def test_private_networks_are_refused_when_it_is_sent(api, group, platform, receiver):
    guarded = dataclasses.replace(
        platform, settings=dataclasses.replace(platform.settings, allow_private_networks=False)
    )
    webhook = api("POST", "/webhooks", {"url": receiver.url.replace("127.0.0.1", "localhost")}, status=201)
    issue(api, group)
    work_off(guarded)
    assert receiver.got == []
    attempts = [item["attempts"][0]["error"] for item in deliveries(api, webhook)]
    assert attempts == ["The URL leads to a private network"] * 2


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1:248:1893:25c8:1946", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("::1", False),
        ("::", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:93.184.216.34", True),
        ("64:ff9b::7f00:1", False),
        ("2002:7f00:1::", False),
    ],
)
def test_which_addresses_are_public(address, expected):
    assert is_public(address) is expected
