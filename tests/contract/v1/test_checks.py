"""The check before issuing finds what was planted, and nothing else."""

import io

import openpyxl
import pytest
from databases import on_one_database

# Letters that no bundled font has: Gujarati, Lao, Cherokee, Tibetan, a Lao tone mark on a Latin letter.
MISSING = ["જય પટેલ", "ສົມຊາຍ", "ᏣᎳᎩ", "བཀྲ་ཤིས", "Ada\u0ec8"]
TOO_LONG = [
    "Wolfeschlegelsteinhausenbergerdorff" * 5,
    "W" * 250,
    "Konstantinopolitanische " * 10,
    "漢" * 250,
    "पद्मावती" * 30,
]
NAMES = [
    "Ada Lovelace",
    "Žofie Đặng-Müller",
    "Ελένη Παπαδοπούλου",
    "Юрий Щербаков",
    "محمد الفارسي",
    "שרה כהן-לוי",
    "अनन्या शर्मा",
    "শ্রেয়া চট্টোপাধ্যায়",
    "கிருஷ்ணமூர்த்தி",
    "ปิยะวรรณ ศรีสุข",
    "ნინო წერეთელი",
    "Անահիտ Հովհաննիսյան",
    "ሠላማዊት ኃይሉ",
    "张伟",
    "山田太郎",
    "김민준",
    "Ada 🎓 Lovelace",
    "Pablo Diego José Francisco de Paula Juan Nepomuceno María de los Remedios",
]


def planted():
    """500 names, and the kind of fault by the row of those that have one."""
    names = [NAMES[number % len(NAMES)] for number in range(500)]
    faults = {}
    for at, (name, kind) in enumerate([*((n, "glyph") for n in MISSING), *((n, "overflow") for n in TOO_LONG)]):
        row = 17 + at * 47
        names[row - 1] = name
        faults[row] = kind
    return names, faults


@pytest.fixture
def certificate_group(api, tenant):
    return api("POST", "/groups", {"name": "Markets", "designIds": [tenant.certificate_id]}, status=201)


@on_one_database
@pytest.mark.timeout(300)
def test_every_planted_fault_among_500_rows_is_found_and_nothing_else(api, certificate_group):
    names, faults = planted()
    items = [{"recipient": {"name": name[:255]}} for name in names]
    found = api("POST", f"/groups/{certificate_group['id']}/check", {"items": items})
    assert found["checked"] == 500
    assert {finding["row"]: finding["kind"] for finding in found["findings"]} == faults
    assert all(finding["attributes"] == ["recipient.name"] for finding in found["findings"])
    assert api("GET", "/credentials")["data"] == []


def test_an_uploaded_spreadsheet_is_checked_with_its_lines(api, certificate_group):
    sheet = openpyxl.Workbook()
    sheet.active.append(("Name", "issue_date"))
    for name, day in [("Ada", None), (MISSING[0], None), ("Bob", "yesterday"), (TOO_LONG[0], None)]:
        sheet.active.append((name, day))
    content = io.BytesIO()
    sheet.save(content)
    path = f"/imports?groupId={certificate_group['id']}"
    made = api("POST", path, status=201, content=content.getvalue())
    found = api("GET", f"/imports/{made['id']}/check")
    assert (found["checked"], found["nextRow"]) == (4, None)
    assert [(finding["row"], finding["kind"]) for finding in found["findings"]] == [
        (3, "glyph"),
        (4, "invalid"),
        (5, "overflow"),
    ]
    assert "issue_date" in found["findings"][1]["message"]
    rest = api("GET", f"/imports/{made['id']}/check?fromRow=5")
    assert [finding["row"] for finding in rest["findings"]] == [5]
    api("GET", f"/imports/{made['id']}/check?fromRow=x", status=400)


def test_attributes_without_a_value_are_told_unless_the_design_has_a_fallback(api):
    text = {"type": "text", "x": 5, "y": 5, "width": 90, "height": 10, "name": "mentor"}
    elements = [
        {**text, "text": "[custom.mentor]"},
        {**text, "y": 20, "text": '[custom.mentor|or "the team"]'},
    ]
    document = {"version": 1, "page": {"width": 100, "height": 60}, "elements": elements}
    design = api("POST", "/designs", {"name": "x", "type": "certificate", "document": document}, status=201)
    group = api("POST", "/groups", {"name": "x", "designIds": [design["id"]]}, status=201)
    items = [
        {"recipient": {"name": "Ada"}, "customAttributes": {"custom.mentor": "Grace"}},
        {"recipient": {"name": "Bob"}},
        {"recipient": {"name": ""}},
        {"recipient": {"name": "Cy"}, "customAttributes": {"custom.unknown": "x"}},
    ]
    found = api("POST", f"/groups/{group['id']}/check", {"items": items})["findings"]
    assert [(finding["row"], finding["kind"]) for finding in found] == [(2, "missing"), (3, "invalid"), (4, "invalid")]
    assert found[0] == {
        "row": 2,
        "recipientName": "Bob",
        "kind": "missing",
        "designId": design["id"],
        "element": "elements[0] (mentor)",
        "attributes": ["custom.mentor"],
        "message": "[custom.mentor] has no value",
    }


def test_a_check_is_of_the_own_workspace_and_of_a_bounded_list(api, client, other_tenant, certificate_group):
    path = f"/v1/groups/{certificate_group['id']}/check"
    body = {"items": [{"recipient": {"name": "Ada"}}]}
    assert client.post(path, headers=other_tenant.headers, json=body).status_code == 404
    api("POST", f"/groups/{certificate_group['id']}/check", {"items": []}, status=400)
    too_many = {"items": body["items"] * 1001}
    assert "1001" in api("POST", f"/groups/{certificate_group['id']}/check", too_many, status=400)["error"]["message"]
