"""Hours of fuzzing with atheris, which is not among the dependencies: pip install atheris.

python -m tests.fuzz feed -max_total_time=3600 CORPUS
"""

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["newsletter"]):
    from tests.fuzz.targets import LISTS, SEEDS, TARGETS

name = sys.argv.pop(1)
corpus = Path(sys.argv[-1])
corpus.mkdir(parents=True, exist_ok=True)
for number, seed in enumerate(LISTS if name == "list" else SEEDS.get(name, (b"<p>Words</p>",))):
    (corpus / f"seed{number}").write_bytes(seed)
atheris.Setup(sys.argv, TARGETS[name])
atheris.Fuzz()
