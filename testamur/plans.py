"""Plans: what a workspace may use. A workspace without a plan may use everything, as much as it likes."""

from typing import Literal

import msgspec

from testamur.errors import PaymentRequired

Feature = Literal["expiry", "custom_attributes", "webhooks", "email_templates", "imports"]


class Plan(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Limits and features; None is no limit, and None for the features is all of them."""

    credentials_per_year: int | None = None
    designs_per_template: int | None = None
    features: frozenset[Feature] | None = None

    def require(self, feature: Feature) -> None:
        """Raises PaymentRequired if the plan does not have the feature."""
        if self.features is not None and feature not in self.features:
            raise PaymentRequired(f"Your plan does not include {feature.replace('_', ' ')}")


UNLIMITED = Plan()
