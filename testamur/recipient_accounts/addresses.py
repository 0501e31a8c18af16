import string

_ASCII_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


def account_address(email: str) -> str:
    """The form under which two spellings of an address are one account.

    Only letters of ASCII may differ in case. Full case folding is for searching: it takes straße.example for
    strasse.example and the Kelvin sign for a k, which are other people's domains and mailboxes.
    """
    return email.strip().translate(_ASCII_LOWER)
