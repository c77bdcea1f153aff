"""A box: which cameras it watches, and where on its disk each thing lies."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from contract.errors import ConfigError, SiteError
from contract.secretref import filled
from contract.site import Camera, ZoneType
from contract.sitefile import SiteFile, line_of, load_site
from edge.cameras.address import hide
from edge.config import EdgeConfig
from edge.fitting import require_fit
from edge.judgement import Place, law_of
from edge.secrets import SecretStore, secrets_of


@dataclass(frozen=True, slots=True)
class Folders:
    """The folders of a box below its `data_dir`."""

    data_dir: Path

    @property
    def run(self) -> Path:
        """What lives only while the box runs: the detector's socket, heartbeats."""
        return self.data_dir / "run"

    @property
    def socket(self) -> Path:
        """Where the inference service answers."""
        return self.run / "detect.sock"

    @property
    def spool(self) -> Path:
        """From workers to deliver."""
        return self.data_dir / "spool"

    @property
    def status(self) -> Path:
        """One state file a camera, which deliver publishes."""
        return self.data_dir / "status"

    @property
    def outbox_state(self) -> Path:
        """What deliver says about itself."""
        return self.data_dir / "outbox" / "state.json"

    def proven(self, camera_id: str) -> Path:
        """What the stays before one camera have proved so far."""
        return self.data_dir / "proven" / f"{camera_id}.json"

    @property
    def told(self) -> Path:
        """What the box was told of its cameras: deliver writes it, workers read it."""
        return self.data_dir / "told"

    @property
    def asked(self) -> Path:
        """What central asked for and a part has still to do (`edge.asked`): deliver writes it."""
        return self.data_dir / "asked"

    @property
    def taps(self) -> Path:
        """Sockets on which recorders hand out the packets of their cameras (`edge.record.tap`)."""
        return self.run / "taps"

    @property
    def disk(self) -> Path:
        """How much room there is for recordings: a recorder writes it, deliver publishes it."""
        return self.run / "disk.json"

    def evidence(self, camera_id: str) -> Path:
        """What is kept of undecided passages of one camera."""
        return self.data_dir / "evidence" / camera_id

    @property
    def recordings(self) -> Path:
        """Segments and their index, where the settings name no other folder."""
        return self.data_dir / "recordings"

    def heartbeat(self, name: str) -> Path:
        """Figures of one worker, written every few seconds."""
        return self.run / f"{name}.json"

    def make(self) -> "Folders":
        """Make them. Raises ConfigError when the disk refuses."""
        try:
            for folder in (self.run, self.status, self.spool, self.data_dir / "proven"):
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(
                f"data_dir {self.data_dir}: cannot be written ({error.strerror}) - choose another or give the right"
            ) from error
        return self


def places(config: EdgeConfig) -> list[Place]:
    """Every camera of every site of the box, each under its profile, references in its addresses replaced by secrets.

    Raises SiteError or ConfigError; two cameras of one name would share a topic, so they are refused.
    """
    found: dict[str, Place] = {}
    secrets = secrets_of(config)
    for path in config.sites:
        site_file = load_site(path)
        law = law_of(site_file)
        for index, camera in enumerate(site_file.site.cameras):
            if camera.id in found:
                other = found[camera.id].site_file.path
                raise ConfigError(f"{path}: camera {camera.id!r} is in {other} as well - give each its own id")
            found[camera.id] = Place(config.edge_id, site_file, _opened(camera, index, site_file, secrets), law)
            require_fit(found[camera.id])
    return list(found.values())


def _opened(camera: Camera, index: int, site_file: SiteFile, secrets: SecretStore) -> Camera:
    """The camera with addresses that it can be reached by."""

    def value_of(key: str, name: str) -> str:
        try:
            value = secrets.get(name)
        except KeyError as error:
            where = f"{site_file.path}:{line_of(site_file.path, ('cameras', index, key))}"
            raise SiteError(
                f"{where}  cameras[{index}].{key}: this box has no secret {name!r} - "
                f"run `sightline edge secret set {name} --config F`"
            ) from error
        hide(value)
        return value

    named = {key: address for key, address in camera.addresses.items() if "${" in address}
    return camera.model_copy(update={key: filled(address, partial(value_of, key)) for key, address in named.items()})


def crossing(place: Place) -> bool:
    """Whether a camera watches a crosswalk: its looks go before others'."""
    return any(zone.type is ZoneType.CROSSWALK for zone in place.camera.zones)


def judged(place: Place) -> bool:
    """Whether rules of the road judge what a camera sees: never at a polling station."""
    return place.site_file.site.polling is None


def shares(names: list[str], size: int) -> list[list[str]]:
    """Camera ids dealt out to workers of at most `size`, as evenly as they go."""
    if not names:
        return []
    count = -(-len(names) // size)
    return [names[index::count] for index in range(count)]
