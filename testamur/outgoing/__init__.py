"""Requests that this server makes to others: to the public internet, and into no network of our own."""
