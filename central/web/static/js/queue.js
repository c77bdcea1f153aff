// The queue by keyboard: j and k choose, Enter or o opens. The choice survives the list being refreshed.
import { bind } from "./keys.js";
import { runDown, undo } from "./undo.js";

let chosen = null;

const rows = () => [...document.querySelectorAll(".row")];
const link = (row) => row.querySelector(".open");

function mark() {
  for (const row of rows()) row.classList.toggle("chosen", link(row).getAttribute("href") === chosen);
}

function choose(row) {
  if (!row) return;
  chosen = link(row).getAttribute("href");
  mark();
  link(row).focus({ preventScroll: true });
  row.scrollIntoView({ block: "nearest" });
}

function step(by) {
  const all = rows();
  const at = all.findIndex((row) => link(row).getAttribute("href") === chosen);
  const to = at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, at + by));
  choose(all[to]);
}

function open() {
  const row = rows().find((one) => link(one).getAttribute("href") === chosen) ?? rows()[0];
  if (!row) return false;
  link(row).click();
  return true;
}

document.addEventListener("focusin", (event) => {
  const row = event.target.closest(".row");
  if (!row) return;
  chosen = link(row).getAttribute("href");
  mark();
});
// Nothing is put under the hand of somebody who is choosing what to see.
document.addEventListener("htmx:beforeRequest", (event) => {
  if (document.activeElement?.closest(".narrow")) event.preventDefault();
});
let hadFocus = false;
document.addEventListener("htmx:beforeSwap", () => {
  hadFocus = Boolean(document.activeElement?.closest(".row"));
});
document.addEventListener("htmx:afterSwap", () => {
  mark();
  const row = rows().find((one) => link(one).getAttribute("href") === chosen);
  if (row && hadFocus) link(row).focus({ preventScroll: true });
});

runDown();
bind({ next: () => step(1), previous: () => step(-1), open, undo }, { whole: true, known: ["help"] });
