"""The request that Testamur began with, ready to paste."""

import json
from collections.abc import Sequence


def first_request(base_url: str, *, token: str, design_ids: Sequence[str]) -> str:
    body = json.dumps({"name": "Financial Markets", "designIds": list(design_ids)}, ensure_ascii=False)
    return (
        f'curl -X POST "{base_url}/v1/groups" \\\n'
        f'  -H "Authorization: Bearer {token}" \\\n'
        '  -H "Certifier-Version: 2022-10-26" \\\n'
        '  -H "Content-Type: application/json" \\\n'
        f"  -d '{body}'"
    )
