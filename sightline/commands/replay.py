"""`sightline edge replay` and `sightline edge check`: judge recorded video or boxes, and check a site file."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from contract.errors import InputError

if TYPE_CHECKING:
    from contract.sensors import Sensor
    from edge.judgement import Place

Site = Annotated[Path, typer.Option("--site", help="Site file (YAML).", show_default=False)]
Videos = Annotated[list[Path] | None, typer.Argument(help="Recorded video; several files follow one another.")]
Objects = Annotated[
    Path | None,
    typer.Option("--objects", help="Judge boxes instead of pixels: one JSON line a frame. Needs no model."),
]
Explain = Annotated[
    Path | None, typer.Option("--explain", help="Write every decision with its reason and numbers here, a JSON a line.")
]
Evidence = Annotated[Path | None, typer.Option("--evidence", help="Put stills, clip and manifest of each case here.")]


def replay(  # noqa: PLR0913, PLR0917 - options of a command
    site: Site,
    videos: Videos = None,
    camera: Annotated[str | None, typer.Option(help="Needed only when the site has more than one.")] = None,
    objects: Objects = None,
    start: Annotated[str, typer.Option(help="Wall clock of stream second 0, ISO 8601.")] = "2026-01-05T10:00:00+08:00",
    explain: Explain = None,
    evidence: Evidence = None,
    model: Annotated[Path | None, typer.Option(help="Model package; default: the best this machine has.")] = None,
    plan: Annotated[
        Literal["full", "live"], typer.Option(help="full: every picture; live: looked at no more than a box does.")
    ] = "full",
) -> None:
    """Run recorded video through the very pipeline that runs live, as fast as it can, in stream time.

    Standard output is one CloudEvent of a violation a line, the moment it is decided; everything else goes to
    standard error. No event and exit status 0 is a valid answer.

    \b
    sightline edge replay --site site.yaml video.mp4
    sightline edge replay --site site.yaml --objects boxes.jsonl --explain why.jsonl
    """
    from edge.replay import Sink, parse_start, place_of, replay_objects, whole_or_nothing

    videos = videos or []
    if bool(videos) == bool(objects):
        raise InputError("give either video files or --objects F.jsonl - see `sightline edge replay --help`")
    if objects and evidence:
        raise InputError("--evidence needs video: a file of boxes has no pictures")
    place = place_of(site, camera)
    begin = parse_start(start, place.site_file.site.zone_info)
    with whole_or_nothing(explain) as reasons:
        sink = Sink(sys.stdout, reasons)
        if objects:
            replay_objects(place, objects, begin, sink, _tell)
        else:
            from edge.video_replay import replay_videos
            from models.bundles import prepared
            from models.prepare import default_package

            plates = prepared("plates-cn") if evidence else None
            chosen = model or default_package(_tell)
            replay_videos(place, videos, begin, sink, _tell, model=chosen, evidence=evidence, plates=plates, plan=plan)
    _tell(f"{sink.violations} violation(s), {sink.decisions} decision(s)")


def check(
    site: Annotated[Path, typer.Argument(help="Site file (YAML).", show_default=False)],
) -> None:
    """Check a site file: every fault with its line and what to do; exit status 2 when there is one.

    What is probably not meant (a stop line beyond its crossing, ground points that prove nothing) is a warning.

    \b
    sightline edge check configs/sites/demo.yaml
    """
    from contract.secretref import in_the_clear
    from contract.site import JUDGED_ZONES
    from contract.sitefile import load_site
    from edge.fitting import doubts, require_fit
    from edge.judgement import Place, law_of

    loaded = load_site(site)
    law = law_of(loaded)
    places = [Place("check", loaded, camera, law) for camera in loaded.site.cameras]
    for place in places:
        require_fit(place)
    typer.echo(f"{law.profile.id}: {law.profile.name}, version {law.profile.version}")
    if law.profile.warning_days is not None and law.enforcing_since is None and law.profile.warning_until is None:
        typer.echo(
            f"enforcing_since: not given: events cannot say which of {law.profile.warning_days} days of warnings it is"
        )
    for listed in law.exempt:
        typer.echo(f"exempt_lists.{listed.name}: {len(listed.plates)} plate(s)")
    for camera in loaded.site.cameras:
        zones = ", ".join(f"{zone.id} ({zone.type})" for zone in camera.zones) or "no zones"
        ground = "calibrated" if camera.ground else "not calibrated: metres will be estimated, events will say so"
        typer.echo(f"{camera.id}: {camera.frame[0]}x{camera.frame[1]}, {zones}; ground {ground}")
        for zone in camera.zones:
            if zone.type in JUDGED_ZONES and not law.profile.allows(zone):
                typer.echo(f"{camera.id}: zone {zone.id} will accuse nobody: {law.profile.id} does not allow it")
    _tell_masks(places)
    _tell_sensors(loaded.site.sensors)
    for camera in loaded.site.cameras:
        if any(in_the_clear(url) for url in camera.addresses.values()):
            typer.echo(
                f"warning: {camera.id}: its password stands in the site file - keep it on the box with "
                f"`sightline edge secret set {camera.id}` and write ${{secret:{camera.id}}} in its place"
            )
    for doubt in (doubt for place in places for doubt in doubts(place)):
        typer.echo(f"warning: {doubt}")
    typer.echo(f"{site}: holds (SHA-256 {loaded.sha256})")


def _tell_masks(places: "list[Place]") -> None:
    from edge.masking.plan import told

    for said in (said for place in places for said in told(place)):
        typer.echo(said)


def _tell_sensors(sensors: "list[Sensor]") -> None:
    for sensor in sensors:
        typer.echo(_judged(sensor))


def _judged(sensor: "Sensor") -> str:
    """By what a sensor gives alarm, in a line."""
    lasting = f" for {sensor.for_s:g} s" if sensor.for_s else ""
    limits = f"alarm when it is true{lasting}"
    if sensor.raise_at is not None and sensor.clear_at is not None:
        side = "over" if sensor.raise_at > sensor.clear_at else "under"
        limits = f"alarm at or {side} {sensor.raise_at:g} {sensor.unit}{lasting}, over again at {sensor.clear_at:g}"
    return f"sensor {sensor.id}: {sensor.kind.value}, {limits}; silent after {sensor.silent_after_s:g} s"


def _tell(text: str) -> None:
    typer.echo(text, err=True)
