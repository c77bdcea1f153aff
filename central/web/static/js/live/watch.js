// All tiles of a page: which are to be seen, what keys do with the chosen one, and what their time lines tell.
import { mark } from "../mark.js";
import { Tile } from "./tile.js";
import { words } from "./words.js";

const LINES_MS = 30000;
const tiles = new Map();
const own = document.getElementById("live-words");
const said = own ? words() : null;
const seen = new IntersectionObserver((entries) => {
  for (const one of entries) {
    one.target.onScreen = one.isIntersecting;
    look(one.target);
  }
}, { rootMargin: "80px" });

function look(root) {
  tiles.get(root)?.show(Boolean(root.onScreen) && document.visibilityState === "visible" && root.isConnected);
}

/** The page's tiles are others, or in another order. */
export function gather() {
  if (!own) return;
  const there = new Set(document.querySelectorAll("[data-live]"));
  for (const [root, tile] of tiles) {
    if (there.has(root)) continue;
    tile.show(false);
    seen.unobserve(root);
    tiles.delete(root);
  }
  let fresh = false;
  for (const root of there) {
    if (tiles.has(root)) continue;
    tiles.set(root, new Tile(root, said, own.dataset.viewer));
    seen.observe(root);
    fresh = true;
  }
  if (fresh) ask();
}

let asking = 0;
async function ask() {
  clearTimeout(asking);
  asking = setTimeout(ask, LINES_MS);
  const sites = new Set([...tiles.keys()].filter((root) => root.onScreen !== false).map((root) => root.closest("[data-site]").dataset.site));
  if (!sites.size || document.visibilityState !== "visible") return;
  const query = [...sites].map((site) => `site=${encodeURIComponent(site)}`).join("&");
  try {
    const headers = { Accept: "application/json", "X-Sightline-Background": "1" };
    const answer = await fetch(`/lines?${query}`, { headers, cache: "no-store", redirect: "manual" });
    if (!answer.ok) return;
    const { cameras } = await answer.json();
    for (const [root, tile] of tiles) if (cameras[root.dataset.live]) tile.time.tell(cameras[root.dataset.live]);
  } catch {
    // the wall says by itself when the centre does not answer
  }
}

function of(chosen) {
  const inFull = [...tiles].find(([root]) => root === document.fullscreenElement);
  if (inFull) return inFull[1];
  const focused = document.activeElement?.closest("[data-live]");
  if (tiles.has(focused)) return tiles.get(focused);
  const all = [...tiles].filter(([root]) => root.onScreen && root.offsetParent && (!chosen() || chosen().contains(root)));
  return all[0]?.[1];
}

/** What keys do with the tile that `chosen()` (an element, or null) holds. */
export function actions(chosen) {
  const on = (does) => () => {
    const tile = of(chosen);
    return tile ? does(tile) : false;
  };
  return {
    full: on((tile) => tile.whole()), live: on((tile) => tile.goto(null)), hold: on((tile) => tile.hold()),
    earlier: on((tile) => tile.move(-1)), later: on((tile) => tile.move(1)), pace: on((tile) => tile.faster()),
    zoom: on((tile) => tile.time.zoom()), mark: on((tile) => mark(tile)),
  };
}

/** Where there is room for one picture of a station, that of `camera` is the large one. */
function enlarge(camera) {
  const screen = camera.closest(".screen");
  for (const one of screen.querySelectorAll(".camera")) one.classList.toggle("shown", one === camera);
  screen.classList.add("picked");
}

/** The next camera of a station's tile. */
export function another(tile) {
  const all = [...(tile?.querySelectorAll(".camera:has(.player)") ?? [])];
  if (all.length < 2) return false;
  const at = Math.max(0, all.findIndex((one) => one.classList.contains("shown")));
  enlarge(all[(at + 1) % all.length]);
}

/** The camera at `place` (box/camera) shows what was at `us`; false where it is not here. */
export function goTo(place, us) {
  const found = [...tiles].find(([root]) => root.dataset.live === place);
  if (!found) return false;
  found[0].scrollIntoView({ block: "center" });
  found[1].goto(us);
}

document.addEventListener("marked", ask);
document.addEventListener("visibilitychange", () => {
  for (const root of tiles.keys()) look(root);
});
window.addEventListener("pagehide", () => {
  for (const tile of tiles.values()) tile.show(false);
});
window.addEventListener("pageshow", () => {
  for (const root of tiles.keys()) look(root);
});
document.addEventListener("click", (event) => {
  const one = event.target.closest(".camera-said")?.closest(".camera");
  if (one?.closest(".tile")) enlarge(one);
});
setInterval(() => {
  const now = performance.now();
  for (const tile of tiles.values()) tile.tick(now);
}, 500);
gather();
