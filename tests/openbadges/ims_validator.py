"""Runs the IMS validator of Open Badges 2.0 on the address of an assertion, as a program of its own.

It is of 2020: it expects an older PyLD, whose document loaders took one argument, and asks the network for the context
that it brings along. Both are mended here; what it checks is its own. Prints its report as JSON.
"""

import json
import sys

from openbadges import verifier
from openbadges.verifier.openbadges_context import OPENBADGES_CONTEXT_V2_DICT, OPENBADGES_CONTEXT_V2_URI
from openbadges.verifier.utils import CachableDocumentLoader


class _Loader(CachableDocumentLoader):
    def __call__(self, url: str, *_: object) -> dict[str, object]:
        if url == OPENBADGES_CONTEXT_V2_URI:
            document = {"contextUrl": None, "documentUrl": url, "document": OPENBADGES_CONTEXT_V2_DICT}
        else:
            document = super().__call__(url)
        return {"contentType": "application/ld+json", **document}


def main(assertion_url: str, email: str) -> None:
    verifier.verifier.CachableDocumentLoader = _Loader
    result = verifier.verify(assertion_url, recipient_profile={"email": email} if email else None)
    json.dump(result["report"], sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
