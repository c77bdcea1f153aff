"""`sightline bench masks`."""

import sys
from pathlib import Path
from typing import Annotated

import typer


def masks(
    clips: Annotated[list[Path], typer.Argument(help="Real rooms (video files).", show_default=False)],
    seconds: Annotated[float, typer.Option(min=4, max=600, help="So much of each is measured.")] = 12.0,
    json_file: Annotated[Path | None, typer.Option("--json", help="Keep the result in this file.")] = None,
    data_dir: Annotated[
        Path | None, typer.Option(help="Folder of the streams; default ~/.local/state/sightline/bench-masks.")
    ] = None,
) -> None:
    """Measure what painting privacy masks into a camera's pictures costs, at 720p25 and 1080p25.

    \b
    sightline bench masks ../shared/clips/indoor_*.mp4 --json docs/benchmarks/masks.json
    """
    from sightline.bench.field import default_run
    from sightline.bench.masks import bench_masks, keep

    folder = (data_dir or default_run().with_name("bench-masks")).expanduser().resolve()
    result = bench_masks(clips, folder, seconds, _say)
    for row in result["rows"]:
        typer.echo(
            f"{row['room']} {row['stream']}: {row['core']:.2f} of a core, "
            f"{row['kbit_s_in']} -> {row['kbit_s_out']} kbit/s, {row['psnr_db']} dB"
        )
    if json_file is not None:
        keep(json_file, result)


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
