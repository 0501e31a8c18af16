"""What is made ready before a server has threads."""

import subprocess
import sys

# Two hundred types, each decoded for the first time by four threads at once.
RACE = """
import sys, threading, types
import msgspec
from testamur.web.platform import ready_types

SOURCE = '''
import msgspec

class Inner(msgspec.Struct):
    x: "int" = 0

class Outer(msgspec.Struct):
''' + "".join(f"    m{n}: 'list[dict[str, Inner]] | None' = None\\n" for n in range(8))

kinds = []
for number in range(200):
    module = types.ModuleType(f"race_{number}")
    sys.modules[module.__name__] = module
    exec(SOURCE, module.__dict__)
    kinds.append(module.Outer)

ready_types()
sys.setswitchinterval(1e-6)
for kind in kinds:
    barrier = threading.Barrier(4)

    def decode():
        barrier.wait()
        assert msgspec.json.decode(b'{"m7": [{"a": {"x": 1}}]}', type=kind).m7[0]["a"].x == 1

    threads = [threading.Thread(target=decode) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
"""


def test_types_are_ready_before_threads_decode_them():
    done = subprocess.run([sys.executable, "-c", RACE], capture_output=True, text=True, timeout=100, check=False)
    assert (done.returncode, done.stderr) == (0, "")
