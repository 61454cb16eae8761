"""Show the model in production and its versions, or restore an earlier version in the name of a person."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date

from flows.announcing import posts_news
from flows.operations.homes.inspection import aligned
from flows.terminal import Options, Result
from tasks.core.accountability import require_name_and_reason
from tasks.core.clock import now
from tasks.core.errors import ModelError, StorageError
from tasks.core.homes.home import Home
from tasks.core.homes.lock import exclusive
from tasks.core.homes.opening import find_home
from tasks.core.homes.replay_inputs import published_inputs
from tasks.models.registry.champion import parse, refuse_unknown_optimizer
from tasks.models.registry.metadata import FIRST_TRAINING, Metadata
from tasks.models.registry.rollback import rollback_target
from tasks.models.registry.store import (
    Version,
    intact_versions,
    promote_version,
    read_challenger,
    read_production,
    versions_folder,
)
from tasks.models.schema import Champion
from tasks.models.skill import stated_skill
from tasks.safety.audit import record

HISTORY = ("version", "model", "optimizer", "selected", "trained through", "neutral IC", "days", "")


def show_champion(options: Options) -> Result:
    """Return the model in production and why it was selected; raise if its hash is wrong."""
    home = find_home(options.home)
    champion = read_production(home).metadata.champion
    challenger, problem = _challenger(home)
    document = _plain(champion)
    metrics = [(f"  {name}", f"{value:.4g}") for name, value in champion.metrics.items()]
    facts = [
        (name.replace("_", " "), f"{value:.4g}" if isinstance(value, float) else str(value))
        for name, value in document.items()
        if name not in {"metrics", "statistic"}
    ]
    lines = [stated_skill(champion), aligned([*facts, *metrics])]
    if challenger is not None or problem:
        lines.append(f"Challenger: {_described(challenger) if challenger else problem}")
    return Result(document | {"challenger": _plain(challenger) if challenger else None}, "\n".join(lines))


def show_history(options: Options) -> Result:
    """Return the stored versions of the champion, oldest first, and which one is in production."""
    home = find_home(options.home)
    present = _in_production(home)
    days = _days_by_model(home)
    versions = intact_versions(home)
    document = {
        "home": str(home.root),
        "versions": [
            {
                "version": each.name,
                **_plain(each.stored.metadata.champion),
                "in_production": each.stored.metadata == present,
                "days": days[each.stored.metadata.champion.model_sha256],
            }
            for each in versions
        ],
    }
    if not versions:
        return Result(document, f"No version of a champion is stored. Train one: {FIRST_TRAINING}")
    rows = [_row(each, present, days) for each in versions]
    lines = [aligned([HISTORY, *rows])]
    if present is None:
        lines.append(
            "The champion in production is missing or damaged; `champion rollback` restores a version."
        )
    return Result(document, "\n".join(lines))


@posts_news
def roll_back(options: Options, *, version: str | None, by: str, reason: str) -> Result:
    """Log who restores which version, then put exactly its bytes into production."""
    home = find_home(options.home)
    require_name_and_reason("Restoring a champion", by=by, reason=reason)
    with exclusive(home.lock_file, doing="champion rollback"):
        present = _in_production(home)
        target = rollback_target(intact_versions(home), present, wanted=version)
        parse(target.stored)  # a model that cannot score here must not go into production
        refuse_unknown_optimizer(target.stored.metadata.champion)
        champion = target.stored.metadata.champion
        replaced = "a damaged champion" if present is None else _described(present.champion)
        detail = (
            f"{reason} (version {target.name}, model sha256 {champion.model_sha256}, replaces {replaced})"
        )
        record(home, event="champion_rolled_back", by=by, detail=detail, at=now())  # logged first
        promote_version(home, versions_folder(home) / target.name)
    document = {"home": str(home.root), "version": target.name, **_plain(champion)}
    text = (
        f"In production: {_described(champion)} (version {target.name}). It replaces {replaced}.\n"
        "The next `afterclose weekly` compares its candidates with this one, and may promote again."
    )
    return Result(document, text)


def _challenger(home: Home) -> tuple[Champion | None, str]:
    """Return the challenger, or None and what is wrong with its files, which affects no day."""
    try:
        stored = read_challenger(home)
    except ModelError as error:
        return None, error.what
    return None if stored is None else stored.metadata.champion, ""


def _in_production(home: Home) -> Metadata | None:
    try:
        return read_production(home).metadata
    except ModelError:
        return None


def _days_by_model(home: Home) -> Counter[str]:
    """Return the number of published days by hash of the model that scored them; none if a day cannot be read."""
    try:
        return Counter(inputs.champion for inputs in published_inputs(home).values())
    except StorageError:
        return Counter()


def _row(version: Version, present: Metadata | None, days: Mapping[str, int]) -> tuple[str, ...]:
    champion = version.stored.metadata.champion
    return (
        *(version.name, champion.name, champion.optimizer),
        *(str(champion.selection_date), str(champion.trained_through)),
        f"{champion.metrics['neutral_ic']:.4f}"
        if champion.ranks and "neutral_ic" in champion.metrics
        else "–",
        str(days[champion.model_sha256]),
        "in production" if version.stored.metadata == present else "",
    )


def _described(champion: Champion) -> str:
    return f"{champion.name}, selected {champion.selection_date}"


def _plain(champion: Champion) -> dict[str, object]:
    return {key: str(value) if isinstance(value, date) else value for key, value in asdict(champion).items()}
