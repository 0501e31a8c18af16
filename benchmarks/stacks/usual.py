"""What a newcomer would build from the documentation: FastAPI, pydantic, the async ORM of SQLAlchemy, aiosqlite.

Written to be quick within that: a token brings its workspace in the same query, the designs come in one, nothing is
read again after the commit, the answer is serialised by pydantic.
"""

import os
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Header, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, ConfigDict, Field, PlainSerializer
from pydantic.alias_generators import to_camel
from sqlalchemy import JSON, DateTime, ForeignKey, ForeignKeyConstraint, String, event, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, joinedload, mapped_column, relationship

from benchmarks.stacks.database import BUSY_SECONDS, DATABASE_VARIABLE, PRAGMAS, VERSION
from testamur.ids import new_id


class Base(DeclarativeBase):
    pass


class Workspace(Base):
    __tablename__ = "workspaces"

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    name: Mapped[str] = mapped_column(String(255))
    slug: Mapped[str] = mapped_column(String(63))


class AccessToken(Base):
    __tablename__ = "access_tokens"

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    secret_hash: Mapped[str] = mapped_column(String(64))
    revoked_at: Mapped[datetime | None] = mapped_column(DateTime)

    workspace: Mapped[Workspace] = relationship()


class Design(Base):
    __tablename__ = "designs"

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    name: Mapped[str] = mapped_column(String(255))
    type: Mapped[str] = mapped_column(String(16))


class GroupDesign(Base):
    __tablename__ = "credential_template_designs"
    __table_args__ = (
        ForeignKeyConstraint(
            ["workspace_id", "credential_template_id"],
            ["credential_templates.workspace_id", "credential_templates.id"],
        ),
        ForeignKeyConstraint(["workspace_id", "design_id"], ["designs.workspace_id", "designs.id"]),
    )

    credential_template_id: Mapped[str] = mapped_column(String(26), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[str] = mapped_column(String(26))
    design_id: Mapped[str] = mapped_column(String(26))

    design: Mapped[Design] = relationship(overlaps="designs")


class Group(Base):
    __tablename__ = "credential_templates"

    id: Mapped[str] = mapped_column(String(26), primary_key=True, default=new_id)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    name: Mapped[str] = mapped_column(String(255))
    learning_event_url: Mapped[str | None] = mapped_column(String(2048))
    created_at: Mapped[datetime] = mapped_column(DateTime)
    updated_at: Mapped[datetime] = mapped_column(DateTime)

    designs: Mapped[list[GroupDesign]] = relationship(
        order_by=GroupDesign.position, cascade="all, delete-orphan", overlaps="design"
    )

    def first_of(self, type_: str) -> str | None:
        return next((item.design_id for item in self.designs if item.design.type == type_), None)


class Recipient(Base):
    __tablename__ = "recipients"

    id: Mapped[str] = mapped_column(String(26), primary_key=True, default=new_id)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    name: Mapped[str] = mapped_column(String(255))
    email: Mapped[str | None] = mapped_column(String(254))
    email_key: Mapped[str | None] = mapped_column(String(254))
    created_at: Mapped[datetime] = mapped_column(DateTime)
    updated_at: Mapped[datetime] = mapped_column(DateTime)


class Credential(Base):
    __tablename__ = "credentials"
    __table_args__ = (
        ForeignKeyConstraint(["workspace_id", "recipient_id"], ["recipients.workspace_id", "recipients.id"]),
        ForeignKeyConstraint(
            ["workspace_id", "credential_template_id"],
            ["credential_templates.workspace_id", "credential_templates.id"],
        ),
    )

    id: Mapped[str] = mapped_column(String(26), primary_key=True, default=new_id)
    public_id: Mapped[str] = mapped_column(String(36), default=lambda: str(uuid.uuid4()))
    workspace_id: Mapped[str] = mapped_column(String(26))
    credential_template_id: Mapped[str] = mapped_column(String(26))
    recipient_id: Mapped[str] = mapped_column(String(26))
    recipient_name: Mapped[str] = mapped_column(String(255))
    recipient_email: Mapped[str | None] = mapped_column(String(254))
    recipient_name_key: Mapped[str] = mapped_column(String(600))
    recipient_email_key: Mapped[str | None] = mapped_column(String(600))
    state: Mapped[str] = mapped_column(String(16))
    issue_date: Mapped[date] = mapped_column()
    expiry_date: Mapped[date | None] = mapped_column()
    custom_attributes: Mapped[dict[str, str]] = mapped_column(JSON)
    delivery_state: Mapped[str] = mapped_column(String(16))
    issued_at: Mapped[datetime | None] = mapped_column(DateTime)
    created_at: Mapped[datetime] = mapped_column(DateTime)
    updated_at: Mapped[datetime] = mapped_column(DateTime)


class Email(Base):
    __tablename__ = "emails"

    id: Mapped[str] = mapped_column(String(26), primary_key=True, default=new_id)
    workspace_id: Mapped[str] = mapped_column(String(26))
    credential_id: Mapped[str] = mapped_column(String(26))
    credential_template_id: Mapped[str] = mapped_column(String(26))
    kind: Mapped[str] = mapped_column(String(32))
    intent: Mapped[str] = mapped_column(String(100))
    to_name: Mapped[str] = mapped_column(String(255))
    to_address: Mapped[str] = mapped_column(String(254))
    values: Mapped[dict[str, str]] = mapped_column(JSON)
    state: Mapped[str] = mapped_column(String(16))
    attempts: Mapped[int] = mapped_column()
    next_attempt_at: Mapped[datetime] = mapped_column(DateTime)
    created_at: Mapped[datetime] = mapped_column(DateTime)


class GroupIn(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel)

    name: Annotated[str, Field(min_length=1, max_length=255)]
    design_ids: Annotated[list[str], Field(min_length=1, max_length=50)]
    learning_event_url: Annotated[str | None, Field(max_length=2048)] = None


Moment = Annotated[
    datetime, PlainSerializer(lambda at: f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03}Z", return_type=str)
]


class GroupOut(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True)

    id: str
    name: str
    learning_event_url: str | None
    design_ids: list[str]
    certificate_design_id: str | None
    badge_design_id: str | None
    created_at: Moment
    updated_at: Moment


engine = create_async_engine(
    f"sqlite+aiosqlite:///{os.environ[DATABASE_VARIABLE]}", connect_args={"timeout": BUSY_SECONDS}
)
new_session = async_sessionmaker(engine, expire_on_commit=False)


@event.listens_for(engine.sync_engine, "connect")
def _prepare(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    for pragma in PRAGMAS:
        cursor.execute(pragma)
    cursor.close()


async def get_session() -> AsyncIterator[AsyncSession]:
    async with new_session() as session:
        yield session


Session = Annotated[AsyncSession, Depends(get_session)]


async def current_workspace(
    session: Session,
    given: Annotated[HTTPAuthorizationCredentials, Depends(HTTPBearer())],
    certifier_version: Annotated[str | None, Header()] = None,
) -> Workspace:
    token = await session.scalar(
        select(AccessToken)
        .where(
            AccessToken.secret_hash == sha256(given.credentials.encode()).hexdigest(), AccessToken.revoked_at.is_(None)
        )
        .options(joinedload(AccessToken.workspace))
    )
    if token is None:
        raise HTTPException(401, "A valid authentication token was not provided with the request")
    if certifier_version != VERSION:
        raise HTTPException(400, "The Certifier-Version header's value is invalid")
    return token.workspace


app = FastAPI()


@app.post("/v1/groups", status_code=201)
async def create_group(
    body: GroupIn, session: Session, workspace: Annotated[Workspace, Depends(current_workspace)]
) -> GroupOut:
    found = await session.scalars(
        select(Design).where(Design.workspace_id == workspace.id, Design.id.in_(body.design_ids))
    )
    designs = {design.id: design for design in found}
    if designs.keys() != set(body.design_ids):
        raise HTTPException(404, "The requested resource does not exist")
    at = datetime.now(UTC).replace(tzinfo=None)
    group = Group(
        workspace_id=workspace.id,
        name=body.name,
        learning_event_url=body.learning_event_url,
        created_at=at,
        updated_at=at,
        designs=[
            GroupDesign(position=position, workspace_id=workspace.id, design=designs[design_id])
            for position, design_id in enumerate(body.design_ids)
        ],
    )
    session.add(group)
    await session.commit()
    return GroupOut(
        id=group.id,
        name=group.name,
        learning_event_url=group.learning_event_url,
        design_ids=[item.design_id for item in group.designs],
        certificate_design_id=group.first_of("certificate"),
        badge_design_id=group.first_of("badge"),
        created_at=group.created_at,
        updated_at=group.updated_at,
    )


class RecipientIn(BaseModel):
    name: Annotated[str, Field(min_length=1, max_length=255)]
    email: Annotated[str | None, Field(max_length=254)] = None


class CredentialIn(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel)

    group_id: str
    recipient: RecipientIn


class RecipientOut(RecipientIn):
    id: str


class CredentialOut(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True)

    id: str
    public_id: str
    group_id: str
    status: str
    recipient: RecipientOut
    issue_date: date
    expiry_date: date | None
    attributes: dict[str, str]
    custom_attributes: dict[str, str]
    created_at: Moment
    updated_at: Moment


@app.post("/v1/credentials/create-issue-send", status_code=201)
async def create_issue_send(
    body: CredentialIn, session: Session, workspace: Annotated[Workspace, Depends(current_workspace)]
) -> CredentialOut:
    group = await session.scalar(select(Group).where(Group.workspace_id == workspace.id, Group.id == body.group_id))
    if group is None:
        raise HTTPException(404, "The requested resource does not exist")
    at = datetime.now(UTC).replace(tzinfo=None)
    given = body.recipient
    key = None if given.email is None else given.email.casefold()
    recipient = await session.scalar(
        select(Recipient).where(Recipient.workspace_id == workspace.id, Recipient.email_key == key)
    )
    if recipient is None or key is None:
        recipient = Recipient(
            workspace_id=workspace.id, name=given.name, email=given.email, email_key=key, created_at=at, updated_at=at
        )
        session.add(recipient)
        await session.flush()
    credential = Credential(
        workspace_id=workspace.id,
        credential_template_id=group.id,
        recipient_id=recipient.id,
        recipient_name=given.name,
        recipient_email=given.email,
        recipient_name_key=given.name.casefold(),
        recipient_email_key=key,
        state="issued",
        issue_date=at.date(),
        expiry_date=None,
        custom_attributes={},
        delivery_state="sending",
        issued_at=at,
        created_at=at,
        updated_at=at,
    )
    session.add(credential)
    await session.flush()
    if given.email is not None:
        values = {
            "recipient.name": given.name,
            "recipient.email": given.email,
            "group.name": group.name,
            "issuer.name": workspace.name,
            "certificate.uuid": credential.public_id,
            "certificate.issued_on": f"{at:%d %B %Y}",
            "credential.url": f"https://example.org/credentials/{credential.public_id}?recipient=true",
        }
        session.add(
            Email(
                workspace_id=workspace.id,
                credential_id=credential.id,
                credential_template_id=group.id,
                kind="delivery",
                intent=f"delivery:{credential.id}:issued",
                to_name=given.name,
                to_address=given.email,
                values=values,
                state="queued",
                attempts=0,
                next_attempt_at=at,
                created_at=at,
            )
        )
    await session.commit()
    return CredentialOut(
        id=credential.id,
        public_id=credential.public_id,
        group_id=group.id,
        status="issued",
        recipient=RecipientOut(id=recipient.id, name=given.name, email=given.email),
        issue_date=credential.issue_date,
        expiry_date=None,
        attributes={"recipient.name": given.name},
        custom_attributes={},
        created_at=at,
        updated_at=at,
    )
