"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const { from_us: FROM, until_us: UNTIL } = data.request.wanted;
  const zone = data.station.timezone;
  const $ = (id) => document.getElementById(id);
  /** What can be played, and what cannot, by time: nothing of the span is left out. */
  const tiles = [
    ...data.segments.flatMap((one) => one.spans.map(([a, b]) => ({ a, b, kind: one.name ? "r" : "l", one }))),
    ...data.gaps.map((one) => ({ a: one.start_us, b: one.end_us, kind: "g", one })),
  ].sort((x, y) => x.a - y.a);
  const keep = { get: () => { try { return localStorage.getItem("language"); } catch { return null; } },
    set: (tag) => { try { localStorage.setItem("language", tag); } catch { /* a browser may forbid it on disk */ } } };
  let tag = keep.get() || (navigator.language.startsWith("zh") ? "zh-CN" : "en");
  if (!(tag in data.words)) tag = "en";

  const say = (key, values = {}) => (data.words[tag][key] ?? key).replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
  const parts = (options) => (us) => new Intl.DateTimeFormat(tag === "en" ? "en-GB" : tag, { timeZone: zone, ...options }).format(us / 1000);
  const time = parts({ hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
  const day = parts({ year: "numeric", month: "long", day: "numeric" });
  const tenths = parts({ hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 1, hourCycle: "h23" });
  const full = (us) => day(us) + " " + time(us);
  const length = (us) => {
    const all = us / 1e6;
    if (all < 60) return say("seconds", { s: Math.round(all * 10) / 10 });
    const h = Math.floor(all / 3600), m = Math.floor(all / 60) % 60, s = Math.floor(all % 60);
    return [[h, "hours"], [m, "minutes"], [s, "seconds"]].filter(([n]) => n).map(([n, word]) => say(word, { s: n })).join(" ");
  };
  const make = (name, text, parent, more = {}) => {
    const made = Object.assign(document.createElement(name), { textContent: text, ...more });
    parent?.append(made);
    return made;
  };

  // The player: two video elements in turn, so that the next segment is there when one ends.
  const [first, second] = document.querySelectorAll("video");
  let shown = first, spare = second, at = 0, now = FROM, playing = false, waiting = 0;
  const inFile = (tile, us) => Math.max(0, (us - tile.one.start) / 1e6);
  const load = (video, tile) => { if (video.dataset.name !== tile.one.name) { video.dataset.name = tile.one.name; video.src = tile.one.name; } };
  const pace = () => Number($("pace").value);
  const away = (text) => { $("away").hidden = !text; $("away").textContent = text; };

  function go(us) {
    now = Math.min(Math.max(us, FROM), UNTIL - 1);
    at = Math.max(0, tiles.findLastIndex((tile) => tile.a <= now));
    enter(now);
  }

  /** Show tile `at` from `us` on. A gap says why it is one, and is passed over after a moment. */
  function enter(us) {
    clearTimeout(waiting);
    const tile = tiles[at];
    now = us;
    if (!tile || tile.kind !== "r") {
      first.pause(); second.pause();
      shown.classList.remove("seen");
      away(tile ? reason(tile) : "");
      if (playing) waiting = setTimeout(next, 2500);
      return draw();
    }
    away("");
    if (spare.dataset.name === tile.one.name) [shown, spare] = [spare, shown];
    spare.pause(); spare.classList.remove("seen");
    load(shown, tile);
    shown.classList.add("seen");
    const place = inFile(tile, us);
    if (shown.readyState < 1) shown.addEventListener("loadedmetadata", () => { shown.currentTime = place; }, { once: true });
    else if (Math.abs(shown.currentTime - place) > 0.05) shown.currentTime = place;
    shown.playbackRate = pace();
    if (playing) shown.play().catch(() => {});
    const later = tiles.slice(at + 1).find((one) => one.kind === "r");
    if (later && later.one.name !== tile.one.name) load(spare, later);
    draw();
  }

  function next() {
    if (at + 1 >= tiles.length) { playing = false; now = UNTIL; return draw(); }
    at += 1;
    enter(tiles[at].a);
  }

  for (const video of [first, second]) {
    video.addEventListener("timeupdate", () => {
      const tile = tiles[at];
      if (video !== shown || tile.kind !== "r" || video.dataset.name !== tile.one.name || video.seeking) return;
      now = Math.max(now, Math.min(tile.one.start + video.currentTime * 1e6, tile.b));
      // The last picture of a file is shown until the file ends; only what another tile holds is cut off here.
      if (tile.one.start + video.currentTime * 1e6 >= tile.b && video.duration - video.currentTime > 0.3) return next();
      draw();
    });
    video.addEventListener("ended", () => { if (video === shown && tiles[at].kind === "r") next(); });
    video.addEventListener("error", () => { if (video === shown && tiles[at].kind === "r") away(say("unplayable", { file: tiles[at].one.name })); });
  }

  const toggle = () => {
    playing = !playing;
    if (playing && now >= UNTIL) return go(FROM);
    if (playing) enter(now);
    else { shown.pause(); clearTimeout(waiting); draw(); }
  };
  $("play").addEventListener("click", toggle);
  $("back").addEventListener("click", () => go(now - 10e6));
  $("on").addEventListener("click", () => go(now + 10e6));
  $("pace").addEventListener("change", () => { shown.playbackRate = pace(); });

  // The time line.
  const share = (us) => (us - FROM) / (UNTIL - FROM);
  const seek = (event) => {
    const box = $("line").getBoundingClientRect();
    go(FROM + Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1) * (UNTIL - FROM));
  };
  $("line").addEventListener("pointerdown", (event) => { $("line").setPointerCapture(event.pointerId); seek(event); });
  $("line").addEventListener("pointermove", (event) => { if (event.buttons) seek(event); });
  $("line").addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1e6, ArrowRight: 1e6, PageDown: -60e6, PageUp: 60e6, Home: -Infinity, End: Infinity }[event.key];
    if (step !== undefined) go(now + step);
    else if (event.key === " ") toggle();
    else return;
    event.preventDefault();
  });

  function bars() {
    const merged = [];
    for (const tile of tiles) {
      const last = merged.at(-1);
      if (last && last.kind === tile.kind && tile.a - last.b < 1000) last.b = tile.b;
      else merged.push({ a: tile.a, b: tile.b, kind: tile.kind });
    }
    const rect = ({ a, b, kind }) => {
      const x = share(a) * 1000, width = Math.max(share(b) * 1000 - x, kind === "r" ? 0 : 1.5);
      const fill = kind === "r" ? 'class="r"' : `fill="url(#${kind})"`;
      return `<rect x="${x.toFixed(2)}" y="0" width="${width.toFixed(2)}" height="44" ${fill}/>`;
    };
    const order = [...merged.filter((one) => one.kind === "r"), ...merged.filter((one) => one.kind !== "r")];
    return `<svg viewBox="0 0 1000 44" preserveAspectRatio="none" aria-hidden="true"><defs>
      <pattern id="g" width="8" height="8" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect width="8" height="8" class="g"/><path d="M0 0V8" class="bar"/></pattern>
      <pattern id="l" width="8" height="6" patternUnits="userSpaceOnUse"><rect width="8" height="6" class="l"/><path d="M0 0H8" class="bar"/></pattern>
      </defs>${order.map(rect).join("")}</svg>`;
  }

  const absent = (why) => data.words[tag]["absent." + why] ?? why;
  const reason = (tile) => tile.kind === "l"
    ? say("lacking", { from: time(tile.a), until: time(tile.b), why: absent(tile.one.absent) })
    : say("nothing", { from: time(tile.a), until: time(tile.b), why: say("cause." + tile.one.cause) });

  function draw() {
    $("head").style.left = `${share(now) * 100}%`;
    $("clock").textContent = full(now);
    $("play").textContent = say(playing ? "pause" : "play");
    const line = $("line");
    line.setAttribute("aria-valuemin", 0);
    line.setAttribute("aria-valuemax", Math.round((UNTIL - FROM) / 1e6));
    line.setAttribute("aria-valuenow", Math.round((now - FROM) / 1e6));
    line.setAttribute("aria-valuetext", full(now));
    if (tiles[at] && tiles[at].kind !== "r" && !$("away").hidden) away(reason(tiles[at]));
  }

  // Words, in the language that is chosen.
  function gaps() {
    const rows = tiles.filter((tile) => tile.kind !== "r"), place = $("gaps");
    place.replaceChildren();
    if (!rows.length) return make("p", say("no_gaps"), place);
    const table = make("table", "", place), head = make("tr", "", make("thead", "", table)), body = make("tbody", "", table);
    for (const word of ["from", "until", "length", "why"]) make("th", say(word), head);
    make("th", "", head);
    for (const tile of rows.slice(0, 2000)) {
      const row = make("tr", "", body);
      for (const text of [day(tile.a) + " " + tenths(tile.a), tenths(tile.b), length(tile.b - tile.a)]) make("td", text, row);
      const why = make("td", tile.kind === "l" ? say("lack", { why: absent(tile.one.absent) }) : say("cause." + tile.one.cause), row);
      if (tile.one.detail) { make("br", "", why); make("small", tile.one.detail, why); }
      make("button", say("before"), make("td", "", row), { type: "button" }).addEventListener("click", () => {
        go(tile.a - 5e6); $("watch").scrollIntoView(); });
    }
    if (rows.length > 2000) make("p", say("more", { n: rows.length - 2000 }), place);
    return place;
  }

  function masks() {
    const place = $("masks");
    place.replaceChildren();
    for (const site of data.sites) {
      make("p", say("masks." + site.by, { n: site.masks.length }), place);
      if (site.masks.length) {
        const [w, h] = site.frame, svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
        svg.setAttribute("viewBox", `0 0 ${w} ${h}`);
        svg.setAttribute("class", "room");
        svg.setAttribute("role", "img");
        svg.setAttribute("aria-label", say("masks." + site.by, { n: site.masks.length }));
        for (const mask of site.masks) {
          const shape = document.createElementNS("http://www.w3.org/2000/svg", "polygon");
          shape.setAttribute("points", mask.polygon.map((point) => point.join(",")).join(" "));
          svg.append(shape);
        }
        place.append(svg);
      }
      const line = make("p", "", place);
      make("small", say("site_file", { from: full(Math.max(site.from_us, FROM)), hash: site.sha256 }) + " ", line);
      if (site.file) make("a", site.file, line, { href: site.file });
    }
  }

  function who() {
    const place = $("who"), asked = data.request, stamp = (text) => full(Date.parse(text) * 1000);
    place.replaceChildren();
    const row = (key, text) => { make("dt", say(key), place); return make("dd", text, place); };
    row("who.reason", asked.reason);
    row("who.asked", `${asked.asked_by} · ${stamp(asked.asked_at)}`);
    row("who.approved", `${asked.approved_by} · ${stamp(asked.approved_at)}`);
    row("who.request", asked.key);
    row("who.made", stamp(data.made_at));
    make("a", "viewer-log.csv", row("who.looks", ""), { href: "viewer-log.csv" });
    for (const note of data.notes) row("who.note", note);
  }

  function check() {
    const place = $("check");
    place.replaceChildren();
    make("p", say("check.shows"), place);
    make("pre", "sightline evidence verify " + say("check.file") + " --trust " + say("check.key") + " --heads heads.jsonl", place);
    const list = make("ul", "", place);
    for (const key of ["seal", "chain", "segments", "gaps", "cut", "not"]) make("li", say("check." + key), list);
    make("p", say("check.files"), place);
  }

  function files() {
    const list = document.querySelector("#files ol");
    list.replaceChildren();
    if (!$("files").open) return;
    for (const one of data.segments) {
      const line = make("li", "", list);
      if (one.name) make("a", one.name, line, { href: one.name });
      make("small", ` ${one.spans.map(([a, b]) => `${time(a)}–${time(b)}`).join(", ")}`, line);
    }
  }
  $("files").addEventListener("toggle", files);

  function words() {
    const { station } = data;
    document.documentElement.lang = tag;
    document.title = `${station.name} · ${station.camera}`;
    $("where").textContent = [station.township, station.village, station.station].filter(Boolean).join(" · ");
    $("title").textContent = document.title;
    $("span").textContent = `${full(FROM)} – ${day(FROM) === day(UNTIL) ? time(UNTIL) : full(UNTIL)} (${zone})`;
    const here = tiles.reduce((sum, one) => sum + (one.kind === "r" ? one.b - one.a : 0), 0), whole = here === UNTIL - FROM;
    $("summary").textContent = whole ? say("whole", { all: length(UNTIL - FROM) })
      : say("part", { here: length(here), all: length(UNTIL - FROM), lost: length(UNTIL - FROM - here), n: tiles.filter((one) => one.kind !== "r").length });
    $("summary").className = whole ? "" : "gaps";
    $("back").textContent = say("back"); $("on").textContent = say("on"); $("pace-word").textContent = say("pace");
    $("line").setAttribute("aria-label", say("line"));
    $("line").querySelector("svg")?.remove();
    $("line").insertAdjacentHTML("afterbegin", bars());
    [$("ends").firstElementChild.textContent, $("ends").lastElementChild.textContent] = [time(FROM), time(UNTIL)];
    $("legend").replaceChildren();
    for (const kind of ["r", "g", "l"]) if (tiles.some((one) => one.kind === kind)) make("span", say("legend." + kind), $("legend"), { className: kind });
    for (const id of ["gaps", "masks", "who", "check", "files"]) $(`${id}-word`).textContent = say(`${id}.title`);
    $("languages").replaceChildren();
    for (const one of Object.keys(data.words)) {
      const button = make("button", data.words[one].language, $("languages"), { type: "button", lang: one });
      button.setAttribute("aria-pressed", one === tag);
      button.addEventListener("click", () => { tag = one; keep.set(one); words(); });
    }
    gaps(); masks(); who(); check(); files(); draw();
  }
  words();
  go(FROM);
})();
