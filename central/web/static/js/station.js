// The page of one station: its cameras are the tiles that keys choose.
import { bind } from "./keys.js";
import { actions } from "./live/watch.js";

const cameras = () => [...document.querySelectorAll(".camera")];
let chosen = null;

function choose(n) {
  const to = cameras()[n];
  if (!to) return false;
  chosen = to;
  for (const one of cameras()) one.classList.toggle("chosen", one === to);
  to.querySelector('[role="slider"]')?.focus();
}

document.addEventListener("focusin", (event) => {
  const one = event.target.closest(".camera");
  if (one) chosen = one;
});
const digits = Object.fromEntries([...Array(9).keys()].map((n) => [`tile-${n + 1}`, () => choose(n)]));
bind({ ...digits, ...actions(() => chosen) }, { whole: true, known: ["help"] });
