"""The signed form of credentials through their life, on both databases."""

from datetime import timedelta

import pytest

from testamur.clock import now
from testamur.credentials.badges import find_signed
from testamur.credentials.resigning import count_to_sign_anew, sign_again, sign_unsigned
from testamur.credentials.tables import signed_credentials
from testamur.openbadges.data_integrity import InvalidProof, verify_proof
from testamur.openbadges.documents import identity_hash
from testamur.openbadges.public_keys import from_multikey
from testamur.openbadges.timestamps import read_timestamp
from testamur.signing_keys.compromising import mark_compromised
from testamur.status_lists.queries import find_revoked_place, get_status_list, revoked_indexes
from testamur.workspaces.editing import update_workspace
from testamur.workspaces.queries import get_workspace

BODY = {"recipient": {"name": "Zoë 🙂 محمد", "email": "Zoe@Example.com"}, "issueDate": "2026-11-20"}


def key_of(method):
    return from_multikey(method.partition("#")[2])


@pytest.fixture
def issue(api, group):
    def run(**more):
        draft = api("POST", "/credentials", {"groupId": group["id"], **BODY, **more}, status=201)
        return api("POST", f"/credentials/{draft['id']}/issue")

    return run


@pytest.fixture
def signed(platform, tenant):
    def find(credential, workspace=tenant.workspace):
        with platform.database.read() as tx:
            return find_signed(tx, workspace.id, credential["id"])

    return find


def test_a_draft_has_no_signed_form(api, group, signed):
    draft = api("POST", "/credentials", {"groupId": group["id"], **BODY}, status=201)
    assert signed(draft) is None
    api("DELETE", f"/credentials/{draft['id']}", status=204)


def test_what_is_issued_is_signed_and_states_what_was_awarded(issue, signed, tenant, group):
    issued = issue(expiryDate="2027-11-20")
    found = signed(issued)
    document = found.parsed()
    verify_proof(document, key_of)
    assert document["id"] == f"http://testserver/credentials/{issued['publicId']}"
    assert document["issuer"]["id"] == "did:web:testserver:i:meridian" == found.did
    assert document["issuer"]["name"] == "Meridian Institute"
    assert document["validFrom"] == document["awardedDate"] == "2026-11-20T12:00:00Z"
    assert document["validUntil"] == "2027-11-20T23:59:59Z"
    subject = document["credentialSubject"]
    assert subject["name"] == "Zoë 🙂 محمد"
    hashed, name = subject["identifier"]
    assert hashed["identityHash"] == identity_hash("zoe@example.com", hashed["salt"])
    assert name["identityHash"] == "Zoë 🙂 محمد"
    assert subject["achievement"]["name"] == "Financial Markets"
    assert subject["achievement"]["id"].endswith(group["id"])
    assert b"example.com" not in found.document.lower()
    status = document["credentialStatus"]
    assert status["statusListIndex"] == str(found.list_index)
    assert status["statusListCredential"].endswith(found.list_id)


def test_no_two_credentials_can_be_told_to_be_of_one_person(issue, signed):
    first, second = (signed(issue()).parsed()["credentialSubject"] for _ in range(2))
    assert first["id"] != second["id"]
    assert first["identifier"][0]["identityHash"] != second["identifier"][0]["identityHash"]


def test_what_is_read_is_never_signed_anew(issue, signed, client):
    issued = issue()
    before = signed(issued)
    client.get(f"/credentials/{issued['publicId']}")
    assert signed(issued) == before


def test_a_correction_is_signed_as_the_next_version_of_the_same(api, issue, signed):
    issued = issue()
    before = signed(issued)
    api("PATCH", f"/credentials/{issued['id']}", {"recipient": {"name": "Zoë Ng"}, "expiryDate": "2028-01-01"})
    after = signed(issued)
    verify_proof(after.parsed(), key_of)
    old, new = before.parsed(), after.parsed()
    for name in ("id", "awardedDate", "credentialStatus"):
        assert new[name] == old[name]
    assert new["credentialSubject"]["id"] == old["credentialSubject"]["id"]
    assert new["issuer"] == old["issuer"]
    assert new["credentialSubject"]["identifier"][0] == old["credentialSubject"]["identifier"][0]
    assert new["credentialSubject"]["name"] == "Zoë Ng"
    assert read_timestamp(new["validFrom"]) > read_timestamp(old["validFrom"])
    assert (after.version, before.version) == (2, 1)
    api("PATCH", f"/credentials/{issued['id']}", {"recipient": {"name": "Zoë Ng"}})
    assert signed(issued) == after


def test_a_pinned_credential_keeps_its_achievement_when_it_is_corrected(api, group, issue, signed):
    api("PATCH", f"/groups/{group['id']}/settings", {"designPolicy": "pinned"})
    issued = issue()
    api("PATCH", f"/groups/{group['id']}", {"name": "Something Else"})
    api("PATCH", f"/credentials/{issued['id']}", {"recipient": {"name": "Zoë Ng"}})
    document = signed(issued).parsed()
    assert document["credentialSubject"]["achievement"]["name"] == document["name"] == "Financial Markets"
    assert document["credentialSubject"]["name"] == "Zoë Ng"


def test_revoking_sets_the_bit_and_taking_it_back_clears_it(api, issue, signed, platform):
    issued = issue()
    place = signed(issued)

    def bits():
        with platform.database.read() as tx:
            return revoked_indexes(tx, get_status_list(tx, place.list_id))

    api("POST", f"/credentials/{issued['id']}/revoke", {"reason": "Plagiarism"})
    assert bits() == [place.list_index]
    api("POST", f"/credentials/{issued['id']}/unrevoke")
    assert bits() == []
    assert signed(issued) == place


def test_deleting_leaves_the_bit_and_nothing_personal(api, issue, signed, platform):
    issued = issue()
    place = signed(issued)
    api("DELETE", f"/credentials/{issued['id']}", status=204)
    assert signed(issued) is None
    with platform.database.read() as tx:
        assert revoked_indexes(tx, get_status_list(tx, place.list_id)) == [place.list_index]
        left = find_revoked_place(tx, issued["publicId"])
        assert (left.list_id, left.index) == (place.list_id, place.list_index)


def test_attributes_are_stated_as_what_they_mean_and_others_stay_out(api, group, issue, signed):
    for tag in ("grade", "hours", "project", "secret", "role"):
        api("POST", "/attributes", {"tag": f"custom.{tag}", "name": tag, "type": "text"}, status=201)
    skill = {"name": "Bond pricing", "url": "https://example.org/bonds", "code": "B1", "framework": "Ours"}
    meanings = {
        "custom.grade": {"means": "result", "name": "Final grade", "resultType": "LetterGrade"},
        "custom.hours": {"means": "credits"},
        "custom.project": {"means": "evidence"},
        "custom.role": {"means": "role"},
    }
    achievement = {"type": "Course", "tags": ["finance", "bonds"], "skills": [skill], "attributes": meanings}
    api("PATCH", f"/groups/{group['id']}/settings", {"achievement": achievement, "criteria": "Passed **all**"})
    values = {"custom.grade": "A", "custom.hours": "40", "custom.project": "https://example.org/work"}
    issued = issue(customAttributes={**values, "custom.secret": "hush", "custom.role": "Lead"})
    found = signed(issued)
    document = found.parsed()
    verify_proof(document, key_of)
    subject = document["credentialSubject"]
    described = subject["achievement"]["resultDescription"][0]
    assert (described["name"], described["resultType"]) == ("Final grade", "LetterGrade")
    assert subject["result"] == [{"type": ["Result"], "resultDescription": described["id"], "value": "A"}]
    assert (subject["creditsEarned"], subject["role"]) == (40, "Lead")
    assert document["evidence"][0]["id"] == "https://example.org/work"
    assert subject["achievement"]["alignment"][0]["targetCode"] == "B1"
    assert subject["achievement"]["achievementType"] == "Course"
    assert set(subject["achievement"]["tag"]) == {"finance", "bonds"}
    assert b"hush" not in found.document
    failed = api("PATCH", f"/credentials/{issued['id']}", {"customAttributes": {"custom.hours": "many"}}, status=400)
    assert failed["error"]["details"][0]["path"] == ["customAttributes", "custom.hours"]
    assert signed(issued) == found


def test_what_verifiers_disagree_on_is_refused_and_nothing_is_issued(api, group, signed):
    api("PATCH", f"/groups/{group['id']}/settings", {"achievement": {"tags": ["🙂", "\uff46"]}})
    draft = api("POST", "/credentials", {"groupId": group["id"], **BODY}, status=201)
    message = api("POST", f"/credentials/{draft['id']}/issue", status=400)["error"]["message"]
    assert "cannot be signed" in message
    assert api("GET", f"/credentials/{draft['id']}")["status"] == "draft"
    assert signed(draft) is None


def test_a_workspace_says_how_much_is_stated_of_people(platform, tenant, issue, signed):
    def change(**options):
        with platform.database.write() as tx:
            update_workspace(tx, tenant.workspace.id, at=now(), **options)

    change(names_in_credentials="hidden", emails_in_credentials="hidden")
    content = signed(issue()).document
    assert "Zoë".encode() not in content
    assert b"identifier" not in content
    change(emails_in_credentials="plain")
    assert signed(issue()).parsed()["credentialSubject"]["identifier"] == [
        {"type": "IdentityObject", "identityType": "emailAddress", "hashed": False, "identityHash": "zoe@example.com"}
    ]


def test_after_a_compromise_everything_is_signed_anew_under_the_same_ids(platform, tenant, issue, signed):
    issued = [issue() for _ in range(3)]
    before = [signed(each) for each in issued]
    with platform.database.write() as tx:
        done = mark_compromised(
            tx,
            tenant.workspace,
            before[0].key_id,
            sign_anew=count_to_sign_anew,
            master_key=platform.master_key,
            at=now(),
        )
        assert done.signed_anew == 3
        assert [sign_again(tx, platform.signers, limit=2, at=now()) for _ in range(3)] == [2, 1, 0]
    for each, old in zip(issued, before, strict=True):
        new = signed(each)
        assert new.key_id == done.replacement.id != old.key_id
        verify_proof(new.parsed(), key_of)
        assert new.parsed()["id"] == old.parsed()["id"]
        assert new.list_index == old.list_index
        assert read_timestamp(new.parsed()["validFrom"]) > read_timestamp(old.parsed()["validFrom"])


def test_what_was_issued_before_there_were_signatures_is_signed_later(api, platform, issue, signed):
    kept, revoked = issue(), issue()
    with platform.database.write() as tx:
        tx.execute(signed_credentials.delete())
    api("POST", f"/credentials/{revoked['id']}/revoke")
    with platform.database.write() as tx:
        assert [sign_unsigned(tx, platform.signers, limit=5, at=now()) for _ in range(2)] == [2, 0]
    verify_proof(signed(kept).parsed(), key_of)
    place = signed(revoked)
    with platform.database.read() as tx:
        assert revoked_indexes(tx, get_status_list(tx, place.list_id)) == [place.list_index]


def test_after_a_move_what_was_signed_stays_under_its_issuer(api, platform, tenant, issue, signed):
    old = issue()
    with platform.database.write() as tx:
        update_workspace(tx, tenant.workspace.id, slug="meridian-new", at=now())
        workspace = get_workspace(tx, tenant.workspace.id)
    new = issue()
    api("PATCH", f"/credentials/{old['id']}", {"recipient": {"name": "Zoë Ng"}})
    assert signed(old, workspace).did == "did:web:testserver:i:meridian"
    assert signed(new, workspace).did == "did:web:testserver:i:meridian-new"
    # A list is accepted only from the issuer of the credential.
    assert signed(old).list_id != signed(new).list_id


def test_another_workspace_finds_no_signed_credential(issue, signed, other_tenant):
    assert signed(issue(), other_tenant.workspace) is None


def test_one_that_was_corrected_after_its_expiry_is_not_valid_again(api, issue, signed):
    yesterday = now().date() - timedelta(days=1)
    issued = issue(issueDate=str(yesterday - timedelta(days=9)), expiryDate=str(yesterday))
    api("PATCH", f"/credentials/{issued['id']}", {"recipient": {"name": "Zoë Ng"}})
    document = signed(issued).parsed()
    assert read_timestamp(document["validFrom"]) < read_timestamp(document["validUntil"]) < now()


def test_a_changed_name_is_not_proved_by_the_old_proof(issue, signed):
    document = signed(issue()).parsed()
    document["credentialSubject"]["name"] = "Mallory"
    with pytest.raises(InvalidProof):
        verify_proof(document, key_of)
