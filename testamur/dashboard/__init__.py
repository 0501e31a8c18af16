"""The door for staff. Until the dashboard itself comes, it is one page that says what runs here."""
