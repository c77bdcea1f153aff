"""`sightline edge relearn`: a polling station's camera was turned or set anew on purpose."""

from typing import Annotated

import typer

from contract.errors import InputError
from sightline.commands.edge import Config


def relearn(
    camera: Annotated[str, typer.Argument(help="Its id in the site file.", show_default=False)], config: Config
) -> None:
    """Learn a polling station's camera anew, after somebody turned it or changed its encoder on purpose.

    What is usual for its picture is forgotten and learned from the first minute in which nothing is wrong.

    \b
    sightline edge relearn hall-1 --config edge.yaml
    """
    from edge.box import places
    from edge.config import load_config
    from edge.polling.kept import ask_anew, folder_of

    settings = load_config(config)
    polling = {one.camera.id for one in places(settings) if one.site_file.site.polling is not None}
    if camera not in polling:
        raise InputError(f"no polling station of this box has a camera {camera[:64]!r} - {', '.join(sorted(polling))}")
    ask_anew(folder_of(settings.data_dir), camera)
    typer.echo(f"{camera}: is learned anew - look at its picture first, what it shows now will be what is usual")


__all__ = ["relearn"]
