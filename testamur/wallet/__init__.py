"""The door for recipients and verifiers: the public page of a credential, and its files. Nobody signs in here."""
