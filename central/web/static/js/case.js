// The case by keyboard: look, decide, walk. Which key does what is the page's table of keys.
import { clip } from "./clip.js";
import { show as showDialog } from "./dialogs.js";
import { bind, isWriting } from "./keys.js";
import { holds } from "./lease.js";
import { stage } from "./stage.js";
import { justPut, ready } from "./swap.js";
import { runDown, undo } from "./undo.js";
import { zoom } from "./zoom.js";

let root = null;
let views = null;
let player = null;
let closer = null;
/** What is drawn, the same for every case of this tab: all of it, the ground, what moves. */
const drawn = { overlay: true, ground: true, moving: true };

/** `again`: the same case with more evidence, so what was looked at stays in sight. */
function start(again) {
  const first = again ? views?.current() : null;
  root = document.getElementById("case");
  if (!root) return;
  views = stage(root, first);
  player = clip(root);
  closer = zoom(root);
  paintOverlay();
  root.addEventListener("click", (event) => {
    const wish = event.target.closest("[data-do]")?.dataset.do;
    if (wish in drawn) toggle(wish);
    else if (["compare", "closer", "farther", "whole"].includes(wish)) actions[wish]();
  });
  holds(root);
  ready(root);
}

function paintOverlay() {
  for (const [name, on] of Object.entries(drawn)) {
    root.classList.toggle(`no-${name}`, !on);
    root.querySelector(`[data-do=${name}]`)?.setAttribute("aria-pressed", String(on));
  }
}

function toggle(name) {
  drawn[name] = !drawn[name];
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

function arrow(right, down) {
  if (views.current() !== "clip" && closer.move(right, down)) return true;
  return right !== 0 && withClip((one) => one.step(right));
}

/** A key that was meant for the case before must not decide the one that has just taken its place. */
function decide(id) {
  if (justPut()) return true;
  const button = root.querySelector(`[data-open="${id}"]`);
  return Boolean(button) && !button.disabled && showDialog(id);
}

// Reasons have one key each while their dialog is open; n goes to the note, Enter sends from anywhere but the note, and with Ctrl from there.
document.addEventListener("keydown", (event) => {
  const dialog = document.querySelector("dialog[open]");
  if (dialog && event.key === "Enter" && event.ctrlKey && event.target.form?.method === "post") {
    event.preventDefault();
    event.target.form.requestSubmit();
  }
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

const actions = {
  ...Object.fromEntries([1, 2, 3, 4, 5, 6, 7, 8, 9].map((n) => [`still-${n}`, () => views.show(`still-${n}`)])),
  clip: () => views.show("clip"),
  play: () => withClip((one) => one.play()),
  left: () => arrow(-1, 0),
  right: () => arrow(1, 0),
  up: () => arrow(0, -1),
  down: () => arrow(0, 1),
  loop: () => withClip((one) => one.loop()),
  slower: () => withClip((one) => one.speed(-1)),
  faster: () => withClip((one) => one.speed(1)),
  compare: () => views.compare(),
  closer: () => closer.closer(),
  farther: () => closer.farther(),
  whole: () => closer.whole(),
  overlay: () => toggle("overlay"),
  ground: () => toggle("ground"),
  moving: () => toggle("moving"),
  approve: () => decide("approve"),
  reject: () => decide("reject"),
  "send-back": () => decide("send-back"),
  ask: () => decide("ask"),
  resume: () => decide("resume"),
  correct: () => decide("correct"),
  undo,
  next: () => walk("j"),
  previous: () => walk("k"),
  queue: () => {
    window.location.href = root.dataset.queue;
    return true;
  },
};

// Evidence that arrives does not take away what somebody is looking closely at.
document.addEventListener("htmx:beforeRequest", (event) => {
  if (closer?.close()) event.preventDefault();
});
document.addEventListener("htmx:afterSettle", () => start(true));
document.addEventListener("sightline:case", () => start(false));
start(false);
runDown();
bind(actions, { whole: true, known: ["help"] });
