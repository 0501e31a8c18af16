import uuid


def to_public_id(text: str) -> str | None:
    """The form in which public ids are stored, or None if the text cannot be one."""
    try:
        return str(uuid.UUID(text)) if len(text) == 36 else None
    except ValueError:
        return None
