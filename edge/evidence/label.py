"""What is printed beneath copies of the pictures, in the language of the jurisdiction (domain B2, overlay fields).

Date, time to the millisecond with its offset, place, direction, device, a number that is this picture's alone, what it
shows, and the fingerprint of the untouched original. A field that the site file does not give is not printed, and is
named as lacking: nothing is made up.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from contract.events import Rule
from contract.profile import OverlayField
from edge.judgement import Place

_ZH = {
    "place": "地点",
    "direction": "方向",
    "device": "设备",
    "sequence": "编号",
    "code": "代码",
    "hours": "时段",
    "always": "全天",
    "permitted": "允许停留",
    "original": "原图 SHA-256",
    "suspected": "疑似",
    "illegal_parking": "违法停车",
    "failure_to_yield": "不礼让行人",
    "illegal_parking.first": "开始停放",
    "illegal_parking.spacing": "持续停放",
    "illegal_parking.trigger": "超过允许时间",
    "illegal_parking.last": "最后所见",
    "failure_to_yield.first": "t1 行人正在通过，车辆在停止线前",
    "failure_to_yield.trigger": "t2 车辆越过停止线",
    "failure_to_yield.last": "t3 车辆驶离人行横道",
    "near": "车辆近景",
    "plate": "号牌",
}
_EN = {
    "place": "Place",
    "direction": "Direction",
    "device": "Device",
    "sequence": "No.",
    "code": "Code",
    "hours": "In force",
    "always": "always",
    "permitted": "permitted",
    "original": "Original's SHA-256",
    "suspected": "Suspected",
    "illegal_parking": "illegal parking",
    "failure_to_yield": "failure to yield",
    "illegal_parking.first": "begins to stand",
    "illegal_parking.spacing": "still stands",
    "illegal_parking.trigger": "permitted time is over",
    "illegal_parking.last": "last seen",
    "failure_to_yield.first": "t1 pedestrian crossing, vehicle before the stop line",
    "failure_to_yield.trigger": "t2 vehicle passes the stop line",
    "failure_to_yield.last": "t3 vehicle leaves the crosswalk",
    "near": "the vehicle",
    "plate": "plate",
}


@dataclass(frozen=True, slots=True)
class Zoned:
    """What is printed of the zone: violation code by rule, hours and permitted wait in words."""

    codes: Mapping[str, str] = field(default_factory=dict)
    hours: str | None = None
    wait_s: float | None = None


@dataclass(frozen=True, slots=True)
class Stamp:
    """One picture: when, which moment of which matter, its place among the pictures, the original's fingerprint."""

    at: datetime
    moment: str
    rule: str
    zone_id: str
    number: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Label:
    """What is printed beside the time: the place as people call it, device, direction; which fields are asked for."""

    place: str
    device: str
    zone_info: ZoneInfo
    direction: str | None = None
    fields: tuple[OverlayField, ...] = tuple(OverlayField)
    language: str = "zh-CN"
    zones: Mapping[str, Zoned] = field(default_factory=dict)

    @property
    def lacking(self) -> list[str]:
        """The fields that are asked for and that the site file does not give."""
        if OverlayField.DIRECTION in self.fields and not self.direction:
            return ["the copies lack the direction: the camera's `direction` is not in the site file"]
        return []

    def word(self, name: str) -> str:
        """A word of the catalogue in the jurisdiction's language, English where it has none; else the name itself."""
        words = _ZH if self.language.startswith("zh") else _EN
        return words.get(name, name)

    def when(self, at: datetime) -> str:
        """`2026-01-05 10:00:03.120 +0800`, in the site's time zone."""
        local = at.astimezone(self.zone_info)
        return f"{local:%Y-%m-%d %H:%M:%S}.{local.microsecond // 1000:03d} {local:%z}"

    def where(self) -> list[str]:
        """Place, direction and device, as far as asked for and known."""
        known = [
            (OverlayField.PLACE, self.place),
            (OverlayField.DIRECTION, self.direction),
            (OverlayField.DEVICE, self.device),
        ]
        return [f"{self.word(name)} {value}" for name, value in known if name in self.fields and value]

    def what(self, rule: str, zone_id: str) -> list[str]:
        """The suspicion, its zone, code and hours, as far as asked for."""
        zoned, said = self.zones.get(zone_id, Zoned()), []
        if OverlayField.RULE in self.fields:
            said.append(f"{self.word('suspected')}{' ' if self.language != 'zh-CN' else ''}{self.word(rule)} {zone_id}")
        if OverlayField.CODE in self.fields and rule in zoned.codes:
            said.append(f"{self.word('code')} {zoned.codes[rule]}")
        if OverlayField.HOURS in self.fields and zoned != Zoned():
            said.append(f"{self.word('hours')} {zoned.hours or self.word('always')}")
            if zoned.wait_s is not None:
                said.append(f"{self.word('permitted')} {zoned.wait_s:g} s")
        return said

    def rows(self, stamp: Stamp) -> list[list[str]]:
        """The rows beneath one whole picture, top to bottom, each of parts that may be broken apart."""
        shows = self.word(f"{stamp.rule}.{stamp.moment}")
        number = [f"{self.word('sequence')} {stamp.number}"] if OverlayField.SEQUENCE in self.fields else []
        rows = [[*self._time(stamp), *self.where()], [*number, shows, *self.what(stamp.rule, stamp.zone_id)]]
        if OverlayField.HASH in self.fields:
            rows.append([f"{self.word('original')} {stamp.sha256}"])
        return [row for row in rows if row]

    def _time(self, stamp: Stamp) -> Iterator[str]:
        day, _, clock = self.when(stamp.at).partition(" ")
        if OverlayField.DATE in self.fields:
            yield day
        if OverlayField.TIME in self.fields:
            yield clock


def label_of(place: Place) -> Label:
    """What is printed under the pictures of a place's camera."""
    camera, site, profile = place.camera, place.site_file.site, place.profile
    zones = {
        zone.id: Zoned(
            {rule.value: code for rule in Rule if (code := profile.code_for(rule, zone))},
            zone.hours,
            zone.wait_s - (zone.grace_s or 0.0) if zone.type in profile.permitted_wait_s else None,
        )
        for zone in profile.completed(camera).zones
    }
    return Label(
        place=site.name if camera.name is None else f"{site.name} {camera.name}",
        device=" ".join(part for part in (camera.id, camera.code) if part),
        zone_info=site.zone_info,
        direction=camera.direction,
        fields=tuple(profile.evidence.overlay_fields),
        language=profile.language,
        zones=zones,
    )


__all__ = ["Label", "Stamp", "Zoned", "label_of"]
