from testamur.designs.model import Design


def preview_key(design: Design) -> str:
    """Where the picture of a design with sample values is stored; another version has another key."""
    return f"designs/{design.workspace_id}/{design.id}/{design.version}.png"


def preview_url(base_url: str, design: Design) -> str:
    return f"{base_url}/files/{preview_key(design)}"
