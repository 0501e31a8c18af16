def ask_url(page_url: str) -> str:
    """Where a correction of the credential with this page is asked for."""
    return f"{page_url}/correction"


def confirm_url(base_url: str, secret: str) -> str:
    """The secret is in the query, which is never logged."""
    return f"{base_url}/corrections/confirm?token={secret}"
