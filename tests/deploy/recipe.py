"""The image's recipe, read without an engine: deploy/Dockerfile and .dockerignore."""

import re
import shlex
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RECIPE = (ROOT / "deploy" / "Dockerfile").read_text()


def instructions() -> list[tuple[str, str]]:
    """(instruction, arguments) of the whole recipe, lines joined."""
    lines = re.sub(r"^#.*\n", "", RECIPE, flags=re.MULTILINE).replace("\\\n", " ").splitlines()
    return [(line.split(maxsplit=1)[0], line.split(maxsplit=1)[1]) for line in lines if line.strip()]


def last_stage() -> list[tuple[str, str]]:
    """The instructions of the image that is shipped."""
    steps = instructions()
    return steps[max(index for index, (name, _) in enumerate(steps) if name == "FROM") :]


def only(name: str) -> str:
    """The arguments of the one instruction of this name in the last stage."""
    (found,) = [arguments for step, arguments in last_stage() if step == name]
    return found


def variables() -> dict[str, str]:
    """What the last stage sets for its processes."""
    return dict(pair.split("=", 1) for pair in shlex.split(only("ENV")))


def context() -> list[Path]:
    """What Docker would be sent, relative to the project."""
    rules = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    kept = [rule[1:] for rule in rules if rule.startswith("!")]
    dropped = [rule.removeprefix("**/") for rule in rules if not rule.startswith("!") and rule != "*"]
    files = [path.relative_to(ROOT) for name in kept for path in _files(ROOT / name)]
    return [path for path in files if not any(_matches(path, rule) for rule in dropped)]


def _files(path: Path) -> list[Path]:
    return [path] if path.is_file() else [found for found in path.rglob("*") if found.is_file()]


def _matches(path: Path, rule: str) -> bool:
    return path.as_posix().startswith(f"{rule}/") or any(fnmatch(part, rule) for part in path.parts)
