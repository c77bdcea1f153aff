// The wall: asks anew every two seconds and changes only what differs, so that nothing flickers and pictures run on.
import { bind } from "./keys.js";
import { actions, another, gather } from "./live/watch.js";

const EVERY_MS = 2000;
const PARTS = ["wall-count", "places", "pages"];
const tiles = () => [...document.querySelectorAll(".tile")];
const link = (tile) => tile.querySelector(".open");
let chosen = null;
let heard = new Date();

function keep(old, fresh) {
  for (const part of [".said", ".share", ".mark"]) {
    const [from, to] = [old.querySelector(part), fresh.querySelector(part)];
    if (from.innerHTML !== to.innerHTML) from.innerHTML = to.innerHTML;
  }
  const [was, is] = [old.querySelectorAll(".camera"), fresh.querySelectorAll(".camera")];
  const same = was.length === is.length && [...was].every((one, n) => source(one) === source(is[n]));
  if (!same) return old.querySelector(".screen").replaceWith(fresh.querySelector(".screen"));
  was.forEach((one, n) => {
    const [from, to] = [one.querySelector(".camera-said"), is[n].querySelector(".camera-said")];
    if (from.innerHTML !== to.innerHTML) from.innerHTML = to.innerHTML;
  });
}

const source = (camera) => camera.querySelector("[data-live]")?.dataset.live ?? "";

function put(page) {
  for (const id of PARTS) {
    const [old, fresh] = [document.getElementById(id), page.getElementById(id)];
    if (old.innerHTML !== fresh.innerHTML && !old.contains(document.activeElement)) old.innerHTML = fresh.innerHTML;
  }
  const list = document.getElementById("tiles");
  const known = new Map(tiles().map((one) => [one.dataset.site, one]));
  const focused = document.activeElement?.closest(".tile")?.dataset.site;
  const wanted = [...page.querySelectorAll(".tile")].map((fresh) => {
    const old = known.get(fresh.dataset.site);
    if (!old) return document.importNode(fresh, true);
    if (old.className.replace(" chosen", "") !== fresh.className) old.className = fresh.className;
    keep(old, fresh);
    return old;
  });
  const order = tiles();
  // Moving a node takes the focus from it: only when the order is another one.
  if (wanted.length !== order.length || wanted.some((one, n) => one !== order[n])) list.replaceChildren(...wanted);
  mark();
  gather();
  const again = wanted.find((one) => one.dataset.site === focused);
  if (again && !again.contains(document.activeElement)) link(again).focus({ preventScroll: true });
}

async function ask() {
  const headers = { Accept: "text/html", "X-Sightline-Background": "1" };
  try {
    const answer = await fetch(location.href, { headers, cache: "no-store", redirect: "manual" });
    if (answer.type === "opaqueredirect") return location.reload();
    if (!answer.ok) throw new Error(answer.status);
    put(new DOMParser().parseFromString(await answer.text(), "text/html"));
    heard = new Date();
    stale(false);
  } catch {
    stale(true);
  }
  setTimeout(ask, EVERY_MS);
}

function stale(is) {
  const line = document.getElementById("stale");
  const says = line.dataset.says.replace("{at}", heard.toTimeString().slice(0, 8));
  if (is && line.textContent !== says) line.textContent = says;
  line.hidden = !is;
}

function mark() {
  for (const one of tiles()) one.classList.toggle("chosen", one.dataset.site === chosen);
}

function step(by) {
  const all = tiles();
  if (!all.length) return false;
  const at = all.findIndex((one) => one.dataset.site === chosen);
  const to = all[at < 0 ? 0 : Math.min(all.length - 1, Math.max(0, at + by))];
  chosen = to.dataset.site;
  mark();
  link(to).focus({ preventScroll: true });
  to.scrollIntoView({ block: "nearest" });
}

function across() {
  const all = tiles();
  const top = all[0]?.offsetTop;
  return Math.max(1, all.filter((one) => one.offsetTop === top).length);
}

function open() {
  const one = tiles().find((each) => each.dataset.site === chosen);
  if (!one) return false;
  link(one).click();
}

const here = () => tiles().find((one) => one.dataset.site === chosen) ?? null;

/** The next layout with fewer tiles, or with more. */
function layout(by) {
  const all = [...document.querySelectorAll("[data-layout]")];
  const to = all[all.findIndex((one) => one.getAttribute("aria-current")) + by];
  if (!to) return false;
  to.click();
}

/** The saved layout after the one that is seen, the first after the last. */
function saved() {
  const all = [...document.querySelectorAll("[data-saved]")];
  const to = all[(all.findIndex((one) => one.hasAttribute("aria-current")) + 1) % all.length];
  if (!to) return false;
  to.click();
}

function choose(n) {
  const to = tiles()[n];
  if (!to) return false;
  link(to).focus();
}

const digits = Object.fromEntries([...Array(9).keys()].map((n) => [`tile-${n + 1}`, () => choose(n)]));

document.addEventListener("focusin", (event) => {
  const one = event.target.closest(".tile");
  if (!one) return;
  chosen = one.dataset.site;
  mark();
});
bind(
  {
    next: () => step(1), previous: () => step(-1), below: () => step(across()), above: () => step(-across()), open,
    fewer: () => layout(-1), more: () => layout(1), saved, ...digits,
    ...actions(here), camera: () => another(here() ?? tiles()[0]),
  },
  { whole: true, known: ["help"] },
);
setTimeout(ask, EVERY_MS);
