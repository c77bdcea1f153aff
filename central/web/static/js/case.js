// The case by keyboard: look (1-4, v, Space, arrows, o, l), decide (a, r), walk (j, k, q).
import { clip } from "./clip.js";
import { show as showDialog } from "./dialogs.js";
import { bind, isWriting } from "./keys.js";
import { stage } from "./stage.js";

let root = null;
let views = null;
let player = null;
let overlay = true;

function start() {
  const first = views?.current();
  root = document.getElementById("case");
  if (!root) return;
  views = stage(root, first);
  player = clip(root);
  paintOverlay();
  root.addEventListener("click", (event) => {
    if (event.target.closest("[data-do=overlay]")) toggleOverlay();
  });
}

function paintOverlay() {
  root.classList.toggle("no-overlay", !overlay);
  root.querySelector("[data-do=overlay]")?.setAttribute("aria-pressed", String(overlay));
}

function toggleOverlay() {
  overlay = !overlay;
  paintOverlay();
}

function walk(key) {
  const link = root.querySelector(`.walk [data-key="${key}"][href]`);
  if (!link) return false;
  link.click();
  return true;
}

function withClip(action) {
  if (!player) return false;
  views.show("clip");
  action(player);
  return true;
}

function decide(id) {
  const button = root.querySelector(`[data-open="${id}"]`);
  return Boolean(button) && !button.disabled && showDialog(id);
}

// Reasons have one key each while their dialog is open; n goes to the note, Enter sends from anywhere but the note.
document.addEventListener("keydown", (event) => {
  const dialog = document.querySelector("dialog[open]");
  if (!dialog || isWriting(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
  const choice = dialog.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  if (choice) {
    choice.checked = true;
    choice.focus();
  } else if (event.key === "n" && dialog.querySelector("textarea")) dialog.querySelector("textarea").focus();
  else if (event.key === "Enter" && event.target.type === "radio") dialog.querySelector("form").requestSubmit();
  else return;
  event.preventDefault();
});

document.addEventListener("htmx:afterSettle", start);
start();
bind({
  ...Object.fromEntries([1, 2, 3, 4, 5, 6, 7, 8, 9].map((n) => [String(n), () => views.show(`still-${n}`)])),
  v: () => views.show("clip"),
  " ": () => withClip((one) => one.play()),
  ArrowLeft: () => withClip((one) => one.step(-1)),
  ArrowRight: () => withClip((one) => one.step(1)),
  l: () => withClip((one) => one.loop()),
  o: () => toggleOverlay(),
  a: () => decide("approve"),
  r: () => decide("reject"),
  j: () => walk("j"),
  k: () => walk("k"),
  q: () => {
    window.location.href = root.dataset.queue;
    return true;
  },
});
