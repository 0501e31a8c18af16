def sign_in_url(base_url: str, token: str) -> str:
    """The token is in the query, which is never logged."""
    return f"{base_url}/my/sign-in?token={token}"
