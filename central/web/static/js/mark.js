// One key marks the moment that a tile shows. The mark is on its way at the key press; what it is may be said after it,
// in a sheet beside the pictures. What does not reach the centre is sent again, under one id, until it does.
import { isWriting } from "./keys.js";
import { form } from "./post.js";
import { clock, fill } from "./live/words.js";

const UNDO_MS = 10_000;
const AGAIN_MS = 2000;
const sheet = document.getElementById("mark-sheet");
const home = sheet?.parentElement;
const fields = document.getElementById("mark-form");
const says = document.getElementById("mark-says");
const undoing = document.getElementById("mark-undo");
const words = sheet ? JSON.parse(sheet.dataset.words) : null;
let open = null;
let came = null;

/** Whether somebody may mark here. */
export const marks = sheet !== null;

/** The moment that `tile` shows, or now where it shows none. */
export function mark(tile) {
  if (!sheet) return false;
  if (open) describe(open);
  else came = document.activeElement;
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  const sent = [...bytes].map((one) => one.toString(16).padStart(2, "0")).join("");
  open = { sent, tile, id: null, wants: null, said: "", undone: false, until: performance.now() + UNDO_MS };
  open.body = { camera: tile.place, at_us: String(Math.round(tile.standsAt ?? Date.now() * 1000)), sent };
  fields.reset();
  tell(words.marking);
  show();
  send(open);
}

async function post(address, values) {
  const answer = await fetch(address, { method: "POST", body: form(fields.csrf.value, values), redirect: "manual" });
  if (answer.type === "opaqueredirect" || (answer.status >= 400 && answer.status < 500)) throw new Refused();
  if (!answer.ok) throw new Error(answer.status);
  return answer;
}

class Refused extends Error {}

/** Until the centre has it, or says no. */
async function insist(one, address, values) {
  for (;;) {
    try {
      return await post(address, values);
    } catch (error) {
      if (error instanceof Refused) {
        tell(words.refused, one);
        return null;
      }
      tell(words.away, one);
      await new Promise((done) => setTimeout(done, AGAIN_MS));
    }
  }
}

async function send(one) {
  const answer = await insist(one, "/bookmarks", one.body);
  if (!answer) return;
  const told = await answer.json();
  one.id = told.mark;
  if (one.undone) return takeBack(one);
  const at = clock(told.at_us, one.tile.offset);
  const who = told.others.length ? ` ${fill(words.with, { who: told.others.join(", ") })}` : "";
  one.text = fill(words.marked, { camera: one.tile.name, at });
  tell(one.text + who, one);
  one.tile.note(one.text);
  document.dispatchEvent(new Event("marked"));
  if (one.wants) flush(one);
}

function describe(one) {
  const said = new FormData(fields);
  one.wants = Object.fromEntries(["category", "severity", "note"].map((name) => [name, said.get(name) ?? ""]));
  if (one.id) flush(one);
}

async function flush(one) {
  const { wants } = one;
  const now = JSON.stringify(wants);
  if (one.undone || one.said === now || !(one.said || wants.category || wants.severity || wants.note)) return;
  one.said = now;
  const kept = await insist(one, `/bookmarks/marks/${one.id}`, wants);
  if (kept && one.said === now) {
    tell(`${one.text} ${words.kept}`, one);
    document.dispatchEvent(new Event("marked"));
  }
}

async function takeBack(one) {
  if (await insist(one, `/bookmarks/marks/${one.id}/undo`, {})) {
    one.tile.note(words.undone);
    document.dispatchEvent(new Event("marked"));
  }
}

function tell(text, one = open) {
  if (one === open && says.textContent !== text) says.textContent = text;
}

function show() {
  (document.fullscreenElement ?? home).append(sheet);
  sheet.hidden = false;
  fields.elements.category[0].focus({ preventScroll: true });
  count();
}

function close() {
  sheet.hidden = true;
  open = null;
  if (came?.isConnected) came.focus({ preventScroll: true });
}

/** How long it can be taken back. */
function count() {
  const left = open ? Math.ceil((open.until - performance.now()) / 1000) : 0;
  undoing.hidden = left <= 0;
  undoing.textContent = fill(words.undo, { s: left });
  if (left > 0) setTimeout(count, 250);
  else if (document.activeElement === undoing) fields.elements.category[0].focus();
}

function keys(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const writes = isWriting(event.target);
  if (event.key === "b" && !writes) return; // marks once more
  event.stopPropagation(); // the wall's own keys choose tiles
  const choice = writes ? null : fields.elements.category[Number(event.key) - 1];
  if (event.key === "Escape") {
    describe(open);
    close();
  } else if (choice) {
    choice.checked = true;
    choice.focus();
    describe(open);
  } else return;
  event.preventDefault();
}

if (sheet) {
  sheet.addEventListener("keydown", keys);
  fields.addEventListener("change", () => open && describe(open));
  fields.addEventListener("submit", (event) => {
    event.preventDefault();
    if (open) describe(open);
    close();
  });
  undoing.addEventListener("click", () => {
    const one = open;
    one.undone = true;
    if (one.id) takeBack(one);
    close();
  });
  document.addEventListener("fullscreenchange", () => (document.fullscreenElement ?? home).append(sheet));
}
