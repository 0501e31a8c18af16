"""What stands in an address, as it may be used: nothing of it is trusted."""

from testamur.dashboard.visits import Visit
from testamur.designs.renderers import VERSION_MAX
from testamur.errors import NotFound
from testamur.ids import normalize_id

_SEARCHED_LENGTH_MAX = 200


def id_in_path(visit: Visit, name: str = "id") -> str:
    """An id of ours. Raises NotFound if it cannot be one."""
    found = normalize_id(visit.parameter(name))
    if found is None:
        raise NotFound
    return found


def number_in_path(visit: Visit, name: str = "number") -> int:
    """A number from 1 that a database can hold. Raises NotFound."""
    text = visit.parameter(name)
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(VERSION_MAX)) and 1 <= int(text) <= VERSION_MAX):
        raise NotFound
    return int(text)


def searched(visit: Visit, name: str = "q") -> str:
    """What somebody looks for, without what no name can hold."""
    text = "".join(char for char in visit.query(name)[:_SEARCHED_LENGTH_MAX] if char.isprintable())
    return text.strip()
