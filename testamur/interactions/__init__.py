"""Interactions: what recipients and guests did with a credential's page, recorded by the page and by the API."""
