// The page of one station: its cameras are the tiles that keys choose.
import { bind } from "./keys.js";
import { actions, goTo } from "./live/watch.js";

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
/** `#at=box/camera@microseconds`: a bookmark leads to its moment. */
function look() {
  const [, place, us] = /^#at=([^@]+)@(\d{1,16})$/.exec(location.hash) ?? [];
  if (place) goTo(place, Number(us));
}

window.addEventListener("hashchange", look);
look();
const digits = Object.fromEntries([...Array(9).keys()].map((n) => [`tile-${n + 1}`, () => choose(n)]));
bind({ ...digits, ...actions(() => chosen) }, { whole: true, known: ["help"] });
