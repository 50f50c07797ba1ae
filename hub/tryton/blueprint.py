"""What a Tryton database is made of, by the role it plays for the firm."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from hub.demo import company as firm_company
from hub.demo import drawing, names
from hub.demo.firm import Firm
from hub.tryton import companies, company
from hub.tryton.environment import Say
from hub.tryton.rpc import Session

LogIn = Callable[[], Session]
"""Opens a session of the administrator; a new one knows of companies founded meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Blueprint:
    """A role, the modules it takes, and what puts the firm there.

    `fill` answers Tryton's ids of the legal entities. `sources` are the modules it is made of.
    """

    role: str
    modules: tuple[str, ...]
    fill: Callable[[LogIn, Firm, Say], Sequence[int]]
    sources: tuple[ModuleType, ...]

    def fingerprint(self, environment: str, seed: int) -> str:
        """Changes with whatever the database is made of; `environment` stands for the programs."""
        digest = hashlib.sha256(f"{environment} {seed} {self.modules}".encode())
        for module in (companies, company, firm_company, names, *self.sources):
            digest.update(inspect.getsource(module).encode())
        for source in sorted(Path(drawing.__path__[0]).glob("*.py")):
            digest.update(source.read_bytes())
        return digest.hexdigest()[:12]
