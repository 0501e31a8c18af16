from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import BoundedSemaphore, Event

import msgspec

from testamur.config import BadSetting, Settings
from testamur.db import Database
from testamur.designs.renderers import Renderers
from testamur.encryption import MasterKey, load_or_make_master_key
from testamur.rendering.workers import RenderingPool
from testamur.signing_keys.signers import Signers
from testamur.storage import Storage
from testamur.storage.opening import open_storage
from testamur.web.sign_in_guard import SignInGuard
from testamur.web.threads import RenderingThreads

# Each takes as many threads as there are processors, for minutes.
DOWNLOADS_MAX = 2


@dataclass(frozen=True, slots=True)
class Platform:
    """The parts that every door works with; made once, in `app.py` or for a command."""

    settings: Settings
    database: Database
    storage: Storage
    renderers: Renderers
    rendering_threads: RenderingThreads
    master_key: MasterKey
    signers: Signers
    sign_in_guard: SignInGuard
    # Set in a process that also works on what has to happen later: it then need not wait for the next look.
    work_waits: Event = field(default_factory=Event)
    # One is held by each download that is being sent.
    download_slots: BoundedSemaphore = field(default_factory=lambda: BoundedSemaphore(DOWNLOADS_MAX))

    def wake_worker(self) -> None:
        """There may be something to do: call it after a commit."""
        self.work_waits.set()

    def close(self) -> None:
        """End the worker processes and close the connections."""
        self.renderers.close()
        self.database.close()


def ready_types() -> None:
    """Let msgspec learn every type now, while one thread runs.

    It learns a type when it first decodes it, and two threads that do so at once can crash the process: one sees what
    the other has only half filled (msgspec 0.22; a server fell over its first two certificates in one of eight runs).
    """
    kinds: list[type[msgspec.Struct]] = [msgspec.Struct]
    while kinds:
        for kind in kinds.pop().__subclasses__():
            kinds.append(kind)
            # What only ever goes out may hold what cannot be decoded.
            with suppress(TypeError):
                msgspec.json.Decoder(kind)


def open_platform(settings: Settings) -> Platform:
    """Connects nothing yet: the first transaction does. Raises BadSetting if the data folder or a setting cannot be used."""
    ready_types()
    try:
        # Recipients' names and addresses lie in it, so it is nobody else's to read.
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise BadSetting(f"TESTAMUR_DATA_DIR cannot be used ({settings.data_dir}): {error.strerror}") from None
    storage = storage_of(settings)
    try:
        key = settings.master_key or load_or_make_master_key(master_key_file(settings))
    except (OSError, ValueError) as error:
        raise BadSetting(f"The master key cannot be used ({master_key_file(settings)}): {error}") from None
    database = Database(settings.database_url)
    pool = RenderingPool(
        processes=settings.rendering_processes,
        queue=settings.rendering_queue,
        seconds=settings.rendering_seconds,
        memory_mib=settings.rendering_memory,
    )
    renderers = Renderers(
        database,
        storage,
        pool,
        fonts_below=settings.data_dir / "fonts",
        allow_private_networks=settings.allow_private_networks,
    )
    master_key = MasterKey(key)
    signers = Signers(settings.base_url, master_key)
    guard = SignInGuard(settings.valkey_url)
    return Platform(settings, database, storage, renderers, RenderingThreads(pool), master_key, signers, guard)


def master_key_file(settings: Settings) -> Path:
    """Where the master key is if no setting gives it."""
    return settings.data_dir / "master.key"


def storage_of(settings: Settings) -> Storage:
    """Where the settings say that files are kept. Connects nothing yet. Raises BadSetting."""
    access_key, secret_key = settings.storage_access_key, settings.storage_secret_key
    if (access_key is None) != (secret_key is None):
        raise BadSetting(
            "TESTAMUR_STORAGE_ACCESS_KEY and TESTAMUR_STORAGE_SECRET_KEY belong together; set both or none"
        )
    try:
        return open_storage(settings.storage_url, settings.data_dir, access_key=access_key, secret_key=secret_key)
    except ValueError as error:
        raise BadSetting(f"TESTAMUR_STORAGE_URL cannot be used: it {error}") from None
