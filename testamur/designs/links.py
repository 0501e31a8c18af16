from testamur.designs.model import Design


def preview_key(workspace_id: str, design_id: str, version: int, ending: str = "png") -> str:
    """Where a picture of a design with sample values is stored; another version has another key."""
    return f"designs/{workspace_id}/{design_id}/{version}.{ending}"


def preview_url(base_url: str, design: Design) -> str:
    return f"{base_url}/files/{preview_key(design.workspace_id, design.id, design.version)}"


def gallery_key(name: str, digest: str, ending: str = "png") -> str:
    """Where a picture of a design of the gallery is stored; one that looks different has another key."""
    return f"gallery/{digest}/{name}.{ending}"


def gallery_url(base_url: str, name: str, digest: str) -> str:
    return f"{base_url}/files/{gallery_key(name, digest)}"
