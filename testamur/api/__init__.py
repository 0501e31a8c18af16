"""The door for programs: the public JSON API, its description and its reference page."""
