"""Where settings come from: environment variables, and before them the file that ``NALU_SETTINGS_FILE`` names.

Both hold what others write into them: quotes and line ends of env files, empty values, and the variables that
Kubernetes makes for a Service whose name begins with ``nalu``.
"""

import os
import re
from collections.abc import Collection
from difflib import get_close_matches
from io import StringIO
from pathlib import Path
from typing import NamedTuple

from dotenv.parser import parse_stream

PREFIX = "NALU_"
SETTINGS_FILE = "NALU_SETTINGS_FILE"
API_KEYS_FILE = "NALU_API_KEYS_FILE"

# alias: names of these variables in 0.1; each works on and is warned of when the service starts
OLD_NAMES = {
    "NALU_MAX_BACKLOG_SECONDS": "NALU_MAX_QUEUE_DELAY_SECONDS",
    "NALU_PROTECT_METRICS": "NALU_METRICS_REQUIRE_KEY",
}

MAX_LISTED = 3
"""Most service links that a message names."""
SIMILARITY = 0.75
"""Of a name that is not a setting's to the one that may be meant, by ``difflib``."""

_LINK = re.compile(
    r"NALU_(\w+_)?(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PORT|PROTO|ADDR))?)", re.IGNORECASE
)
_LINK_WITH_URL = re.compile(r"NALU_(\w+_)?PORT=(tcp|udp|sctp)://.*", re.IGNORECASE | re.DOTALL)


class SettingsError(ValueError):
    """A setting that the service cannot start with; of several, a line each."""


class Variable(NamedTuple):
    """A variable that is set."""

    name: str
    """In capitals; as it is set, so of a setting that was renamed it may be the old name."""
    value: str
    file: str | None
    """The settings file that sets it; None: the environment."""


class Environment:
    """The variables that are set and not empty; see the module.

    Attributes:
        settings: those that are no service links, by the present name of each.
        service_links: names of Kubernetes' service links, which are ignored.
        warnings: a sentence for each variable that is set by its old name, one for all service links, and one where an
            empty variable opens the service to everybody.

    Raises:
        SettingsError: the settings file cannot be read.
    """

    def __init__(self) -> None:
        found = _own_variables(dict(os.environ), None)
        file = next((variable.value for variable in reversed(found) if variable.name == SETTINGS_FILE), None)
        if file is not None:
            found = _own_variables(_read(Path(file)), file) + found
        self.service_links = sorted({variable.name for variable in found if _is_service_link(variable)})
        self.settings = {variable.name: variable for variable in found if not _is_service_link(variable)}
        self.warnings = [self._rename(old, new) for old, new in OLD_NAMES.items() if old in self.settings]
        if API_KEYS_FILE not in self.settings and API_KEYS_FILE in map(str.upper, os.environ):
            self.warnings.append(f"{API_KEYS_FILE} is empty, so no request needs a key; name a file, or leave it out.")
        if self.service_links:
            self.warnings.append(_ignored(self.service_links))

    def _rename(self, old: str, new: str) -> str:
        """Give a variable its present name, unless one of that name wins; returns the sentence on it."""
        older, newer = self.settings.pop(old), self.settings.get(new)
        if newer is not None and (newer.file is None or older.file is not None):
            return f"{old} is the old name of {new}, which is set too and wins; remove the old one."
        self.settings[new] = older
        return f"{old} is the old name of {new}, and a later version will ignore it; rename it."

    def unknown(self, known: Collection[str]) -> list[str]:
        """A sentence for each variable that is no setting, as after a typing error."""
        sentences = []
        for name, variable in sorted(self.settings.items()):
            if name not in known:
                place = f" in {variable.file}" if variable.file else ""
                similar = get_close_matches(name, known, n=1, cutoff=SIMILARITY)
                repair = f"did you mean {similar[0]}?" if similar else "docs/serving.md lists the settings."
                sentences.append(f"{name}{place} is not a setting of the service and is ignored; {repair}")
        return sentences


def _own_variables(values: dict[str, str], file: str | None) -> list[Variable]:
    """The variables of the service without what surrounds their values in env files, and without empty ones.

    Of several with one name, the last wins.
    """
    # names in capitals come last, and so win over the same in small letters
    own = sorted((item for item in values.items() if item[0].upper().startswith(PREFIX)), reverse=True)
    cleaned = (Variable(name.upper(), unquoted(value), file) for name, value in own)
    return [variable for variable in cleaned if variable.value]


def unquoted(value: str) -> str:
    """A value without the blanks, quotes and line ends around it that env files and shells leave."""
    value = value.strip()
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
        value = value[1:-1].strip()
    return value


def read_text(variable: str, path: Path) -> str:
    """The text of the file that a variable names, with or without a byte order mark.

    Raises:
        SettingsError: it cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8-sig", errors="replace")
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        raise SettingsError(
            f"{variable} is '{path}', which cannot be read ({reason}); give a file that can be."
        ) from error


def _read(path: Path) -> dict[str, str]:
    """The variables of a file of lines ``NAME=value``."""
    variables = {}
    for line in parse_stream(StringIO(read_text(SETTINGS_FILE, path))):
        if line.error or (line.key and line.value is None):
            setting = f"{SETTINGS_FILE} is '{path}'"
            raise SettingsError(f"{setting}, whose line {line.original.line} is not `NAME=value`; correct it.")
        if line.key and line.value is not None:
            variables[line.key] = line.value
    return variables


def _is_service_link(variable: Variable) -> bool:
    """Whether Kubernetes makes such a variable, for a Service whose name begins with ``nalu``."""
    return bool(_LINK.fullmatch(variable.name) or _LINK_WITH_URL.fullmatch(f"{variable.name}={variable.value}"))


def _ignored(links: list[str]) -> str:
    """The sentence on Kubernetes' service links."""
    first = sorted(links, key=lambda name: name != f"{PREFIX}PORT")  # the one that has the name of a setting
    names, more = first[:MAX_LISTED], len(first) - MAX_LISTED
    if more > 0:
        names.append(f"{more} more")
    listed = " and ".join([part for part in (", ".join(names[:-1]), names[-1]) if part])
    return (
        f"Ignored {listed}: Kubernetes' links to a Service whose name begins with nalu; "
        "set enableServiceLinks: false in the pod's spec to leave them out."
    )
