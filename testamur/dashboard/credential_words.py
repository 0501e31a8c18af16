"""How the screens about credentials call what the code calls by a word of its own."""

from collections.abc import Mapping

from testamur.web.translating import marked

STATUS_NAMES: Mapping[str, str] = {
    "draft": marked("Draft"),
    "scheduled": marked("Scheduled"),
    "issued": marked("Issued"),
    "expired": marked("Expired"),
    "revoked": marked("Revoked"),
}
STATUS_KINDS: Mapping[str, str] = {"issued": "good", "scheduled": "info", "expired": "warn", "revoked": "bad"}
DELIVERY_NAMES: Mapping[str, str] = {
    "not_sent": marked("Not sent"),
    "not_provided": marked("No address"),
    "sending": marked("Sending"),
    "sent": marked("Sent"),
    "bounced": marked("Bounced"),
    "opened": marked("Opened"),
}
EMAIL_NAMES: Mapping[str, str] = {
    "delivery": marked("Credential"),
    "expiry_reminder": marked("Reminder of the expiry"),
    "expired": marked("Notice of the expiry"),
}
EMAIL_STATES: Mapping[str, str] = {
    "queued": marked("Waiting to be sent"),
    "sent": marked("Sent"),
    "bounced": marked("Not delivered"),
    "opened": marked("Opened"),
}
INTERACTION_NAMES: Mapping[str, str] = {
    "credential_viewed": marked("Viewed"),
    "credential_shared_to_linkedin": marked("Shared on LinkedIn"),
    "credential_added_to_linkedin_profile": marked("Added to a LinkedIn profile"),
    "credential_shared_to_facebook": marked("Shared on Facebook"),
    "credential_shared_to_twitter": marked("Shared on X"),
    "credential_shared_to_messenger": marked("Shared by Messenger"),
    "credential_shared_to_whatsapp": marked("Shared by WhatsApp"),
    "credential_shared_to_pinterest": marked("Shared on Pinterest"),
    "credential_shared_to_telegram": marked("Shared by Telegram"),
    "credential_shared_to_weibo": marked("Shared on Weibo"),
    "credential_downloaded": marked("Downloaded"),
    "credential_link_copied": marked("Link copied"),
    "credential_verified": marked("Verified"),
}
WORDS = {
    "STATUS_NAMES": STATUS_NAMES,
    "STATUS_KINDS": STATUS_KINDS,
    "DELIVERY_NAMES": DELIVERY_NAMES,
    "EMAIL_NAMES": EMAIL_NAMES,
    "EMAIL_STATES": EMAIL_STATES,
    "INTERACTION_NAMES": INTERACTION_NAMES,
}
