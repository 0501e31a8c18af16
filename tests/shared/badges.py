"""Credentials of all kinds that an issuer could make: the fullest one, and random ones."""

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from testamur.openbadges.documents import (
    ACHIEVEMENT_TYPES,
    RESULT_STATUSES,
    RESULT_TYPES,
    TARGET_TYPES,
    Achievement,
    Alignment,
    Evidence,
    Image,
    Issuer,
    Recipient,
    Result,
    ResultDescription,
    RubricLevel,
    StatusEntry,
    achievement_credential,
)

AT = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
DID = "did:web:badges.example.org:i:acme"
WORDS = [
    "Ada", "O'Neil", 'the "great"', "back\\slash", "Zoë", "Łódź", "Мария", "Γεωργία", "محمد", "עברית", "नमस्ते", "தமிழ்",
    "ไทย", "한국어", "日本語", "中文", "\u202eltr\u202c", "\u2028", "\u2029", "\u0085", "tab\there", "two\nlines", "\r\n", "🙂", "👩‍👩‍👧", "\U0001d518\U0001d52b\U0001d526",
    "\uff26\uff55\uff4c\uff4c", "e\u0301", "ﬁ", "®", "<b>", "&amp;", "]]>", "{x}", "%20", "_:c14n0", "urn:x-slot:0:z", "\U0001f1ea\U0001f1fa", "-0", " ",
]  # fmt: skip


def full_credential() -> dict[str, Any]:
    """Every member there is, and no text twice, so that none can stand in for another."""
    skill = Alignment(
        target_name="Sewing",
        target_url="https://esco.example/skill/sewing",
        target_code="S1",
        target_description="Sews sections",
        target_framework="ESCO",
        target_type="CFItem",
    )
    level = RubricLevel(
        id="urn:uuid:00000000-0000-4000-8000-000000000001",
        name="Mastery",
        level="4",
        points="40",
        description="Works alone",
        alignments=(Alignment(target_name="Autonomy", target_url="https://esco.example/skill/autonomy"),),
    )
    grade = ResultDescription(
        id="urn:uuid:00000000-0000-4000-8000-000000000002",
        name="Final grade",
        result_type="LetterGrade",
        allowed_values=("D", "C", "B", "A"),
        required_value="C+",
        required_level="urn:uuid:00000000-0000-4000-8000-000000000003",
        value_min="0",
        value_max="100",
        rubric_levels=(level,),
        alignments=(Alignment(target_name="Grading", target_url="https://esco.example/skill/grading"),),
    )
    return achievement_credential(
        id="https://badges.example.org/credentials/x1",
        issuer=Issuer(
            id=DID,
            name="Acme",
            url="https://acme.example/",
            email="badges@acme.example",
            description="A school of crafts",
            image=Image(id="https://badges.example.org/logo.png", caption="Three books"),
        ),
        achievement=Achievement(
            id="https://badges.example.org/achievements/a1",
            name="Bookbinding I",
            description="Binding of books by hand",
            criteria_id="https://acme.example/courses/bookbinding",
            criteria_narrative="Bind *three* books.",
            type="CertificateOfCompletion",
            image=Image(id="https://badges.example.org/a1.png", caption="A bound book"),
            tags=("books", "glue"),
            alignments=(skill,),
            result_descriptions=(grade,),
            language="pt-BR",
        ),
        recipient=Recipient(
            id="urn:uuid:00000000-0000-4000-8000-000000000004",
            name="Ada Lovelace",
            email="Ada@Example.org ",
            email_salt="c2FsdA",
        ),
        valid_from=AT,
        valid_until=AT + timedelta(days=700),
        awarded=AT - timedelta(days=3),
        name="Bookbinding I, spring",
        description="Awarded in spring",
        image=Image(id="https://badges.example.org/x1.png", caption="Certificate of Ada"),
        narrative="Bound *four* books.",
        results=(
            Result(
                value="A-",
                result_description=grade.id,
                achieved_level=level.id,
                status="Completed",
                alignments=(Alignment(target_name="Glueing", target_url="https://esco.example/skill/glueing"),),
            ),
        ),
        evidence=(
            Evidence(
                id="https://acme.example/works/7",
                name="Fourth book",
                description="In leather",
                narrative="Bound in *May*.",
                genre="Photograph",
                audience="Public",
            ),
        ),
        credits_earned=2.5,
        license_number="L-77",
        role="Student",
        term="Spring 2026",
        status=StatusEntry(list_id="https://badges.example.org/i/acme/status/1", index=94567),
        refresh_address="https://badges.example.org/credentials/x1/newest",
    )


def random_credential(structure: Random, texts: Random) -> dict[str, Any]:  # noqa: C901 - one function a struct
    """Two of the same `structure` have the same members; what they say comes from `texts`."""

    def text() -> str:
        return " ".join(texts.choices(WORDS, k=texts.randint(1, 4))) + str(texts.randint(0, 9))

    def maybe(value: Any, absent: Any = "") -> Any:
        return value if structure.random() < 0.5 else absent

    def address(kind: str) -> str:
        return f"https://example.org/{kind}/{texts.randint(0, 10**9)}{maybe('?a=%C3%A9&b=1#x')}"

    def image() -> Image | None:
        return maybe(Image(id=address("pictures"), caption=maybe(text())), None)

    def several(make: Any, most: int = 3) -> tuple[Any, ...]:
        return tuple(make() for _ in range(structure.choice([0, 0, 1, 2, most])))

    def word(words: frozenset[str]) -> str:
        return structure.choice(["", "ext:Own", *sorted(words)])

    def alignment() -> Alignment:
        return Alignment(
            target_name=text(),
            target_url=address("skills"),
            target_code=maybe(text()),
            target_description=maybe(text()),
            target_framework=maybe(text()),
            target_type=word(TARGET_TYPES),
        )

    def level() -> RubricLevel:
        return RubricLevel(
            id=f"urn:uuid:{UUID(int=texts.getrandbits(128))}",
            name=text(),
            level=maybe(text()),
            points=maybe(text()),
            description=maybe(text()),
            alignments=several(alignment, 1),
        )

    def description() -> ResultDescription:
        return ResultDescription(
            id=f"urn:uuid:{UUID(int=texts.getrandbits(128))}",
            name=text(),
            result_type=word(RESULT_TYPES) or "Result",
            allowed_values=several(text, 5),
            required_value=maybe(text()),
            required_level=maybe(address("levels")),
            value_min=maybe("0"),
            value_max=maybe("100"),
            rubric_levels=several(level, 2),
            alignments=several(alignment, 1),
        )

    descriptions = several(description, 2)

    def result() -> Result:
        return Result(
            value=text(),
            result_description=structure.choice(["", *(each.id for each in descriptions)]),
            achieved_level=maybe(address("levels")),
            status=structure.choice(["", *sorted(RESULT_STATUSES)]),
            alignments=several(alignment, 1),
        )

    def evidence() -> Evidence:
        return Evidence(
            id=maybe(address("works")),
            name=text(),
            description=maybe(text()),
            narrative=maybe(text()),
            genre=maybe(text()),
            audience=maybe(text()),
        )

    return achievement_credential(
        id=f"urn:uuid:{UUID(int=texts.getrandbits(128))}",
        issuer=Issuer(
            id=DID, name=text(), url=maybe(address("about")), email=maybe("a@b.example"), description=maybe(text())
        ),
        achievement=Achievement(
            id=address("achievements"),
            name=text(),
            description=text(),
            criteria_id=maybe(address("criteria")),
            criteria_narrative=text(),
            type=word(ACHIEVEMENT_TYPES),
            image=image(),
            tags=several(text, 6),
            alignments=several(alignment),
            result_descriptions=descriptions,
            language=maybe("zh-Hant-TW"),
        ),
        recipient=Recipient(
            id=f"urn:uuid:{UUID(int=texts.getrandbits(128))}",
            name=maybe(text()),
            email=maybe(f"{texts.randint(0, 9**9)}@example.org"),
            email_salt=maybe(f"{texts.getrandbits(64):x}"),
        ),
        valid_from=AT + timedelta(seconds=texts.randint(0, 10**8)),
        valid_until=maybe(AT + timedelta(days=9_000), None),
        awarded=maybe(AT, None),
        name=maybe(text()),
        description=maybe(text()),
        image=image(),
        narrative=maybe(text()),
        results=several(result),
        evidence=several(evidence),
        credits_earned=structure.choice([None, 0, 1, 3.0, 2.5, 2.675, 0.001, 120]),
        license_number=maybe(text()),
        role=maybe(text()),
        term=maybe(text()),
        status=maybe(StatusEntry(list_id="https://example.org/i/acme/status/1", index=texts.randrange(131_072)), None),
        refresh_address=maybe(address("newest")),
    )
