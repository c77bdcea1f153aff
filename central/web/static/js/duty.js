// Alarms for people who are not looking: a bar that says what is open, the tab's title, and sound once it was switched on.
// A sound comes again and again until somebody answers for the alarm; what it says is always there to be read as well.

const EVERY_MS = 3000;
/** Without an answer for so long the page is deaf, and says so aloud. */
const DEAF_MS = 15_000;
const KEPT = "sightline-duty-sound";
/** Two calls that nobody mixes up: tones as [Hz, begins after s, lasts s]. */
const CALLS = {
  alarm: { everyMs: 4000, tones: [[880, 0, 0.16], [1175, 0.2, 0.16], [880, 0.4, 0.16], [1175, 0.6, 0.3]] },
  warning: { everyMs: 20_000, tones: [[440, 0, 0.4]] },
};
const bar = document.getElementById("duty-bar");
const button = document.getElementById("duty-sound");
const title = document.title;
let audio = null;
let heard = performance.now();
let calling = null;
let called = -Infinity;

const wanted = () => localStorage.getItem(KEPT) === "on";

function sound() {
  if (!wanted() || !calling || performance.now() - called < CALLS[calling].everyMs) return;
  if (!audio || audio.state !== "running") return;
  called = performance.now();
  bar.dataset.called = calling;
  for (const [hertz, after, lasts] of CALLS[calling].tones) {
    const [tone, loud] = [audio.createOscillator(), audio.createGain()];
    const at = audio.currentTime + after;
    tone.frequency.value = hertz;
    // Edges that do not click.
    loud.gain.setValueAtTime(0, at);
    loud.gain.linearRampToValueAtTime(0.5, at + 0.02);
    loud.gain.setValueAtTime(0.5, at + lasts - 0.03);
    loud.gain.linearRampToValueAtTime(0, at + lasts);
    tone.connect(loud).connect(audio.destination);
    tone.start(at);
    tone.stop(at + lasts);
  }
}

/** A browser lets a page sound only after somebody touched it: until then the button says so. */
function ready() {
  if (wanted() && !audio) audio = new AudioContext();
  if (wanted() && audio.state === "suspended") audio.resume().then(shown, shown);
  shown();
}

function shown() {
  const blocked = wanted() && audio?.state !== "running";
  button.textContent = blocked ? button.dataset.blocked : wanted() ? button.dataset.on : button.dataset.off;
  button.setAttribute("aria-pressed", String(wanted()));
  button.classList.toggle("blocked", blocked);
}

button.addEventListener("click", () => {
  localStorage.setItem(KEPT, wanted() ? "off" : "on");
  called = -Infinity;
  ready();
  sound();
});
for (const touch of ["pointerdown", "keydown"]) document.addEventListener(touch, ready, { capture: true });

function say(state) {
  const open = state.alarms + state.warnings;
  const fill = (text) => text.replace("{alarms}", state.alarms).replace("{warnings}", state.warnings).replace("{n}", state.mine);
  let says = open ? fill(bar.dataset.open) : bar.dataset.none;
  if (state.mine) says += ` ${fill(bar.dataset.mine)}`;
  if (!state.awake) says = `${bar.dataset.asleep} ${open ? says : ""}`;
  put(says, state.alarms || !state.awake ? "alarm" : state.warnings ? "warning" : "calm");
  document.title = open ? `(${open}) ${title}` : title;
  calling = state.alarms ? "alarm" : state.warnings || !state.awake ? "warning" : null;
}

function put(says, how) {
  const line = document.getElementById("duty-says");
  if (line.textContent !== says) {
    line.textContent = says;
    document.getElementById("duty-live").textContent = says;
  }
  bar.className = `duty-bar ${how}`;
}

/** The cards of /duty: only what differs is put in place, so that nothing jumps under a finger. */
async function cards() {
  const list = document.getElementById("duty-cards");
  if (!list) return;
  const answer = await fetch(location.href, { headers: { Accept: "text/html", "X-Sightline-Background": "1" }, cache: "no-store", redirect: "manual" });
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.getElementById("duty-cards");
  const was = new Map([...list.querySelectorAll(".card")].map((one) => [one.dataset.key, one]));
  if ((list.dataset.said ?? list.innerHTML) === fresh.innerHTML || list.contains(document.activeElement?.closest("form[data-sent]"))) return;
  if ([...list.querySelectorAll("input[type=text]")].some((one) => one.value)) return; // somebody writes
  list.dataset.said = fresh.innerHTML;
  const focused = document.activeElement?.closest(".card")?.dataset.key;
  const held = document.activeElement?.tagName;
  for (const one of fresh.querySelectorAll(".card")) {
    const old = was.get(one.dataset.key);
    if (old?.querySelector("details")?.open) one.querySelector("details").open = true;
  }
  list.replaceChildren(...[...fresh.childNodes].map((one) => document.importNode(one, true)));
  if (focused) document.querySelector(`.card[data-key="${focused}"] ${held === "SUMMARY" ? "summary" : "button, a"}`)?.focus({ preventScroll: true });
}

async function ask() {
  try {
    const answer = await fetch("/duty/state", { headers: { "X-Sightline-Background": "1" }, cache: "no-store", redirect: "manual" });
    if (answer.type === "opaqueredirect" || answer.status === 401) return location.reload();
    if (!answer.ok) throw new Error(answer.status);
    say(await answer.json());
    await cards();
    heard = performance.now();
  } catch {
    if (performance.now() - heard > DEAF_MS) {
      put(bar.dataset.unheard, "alarm");
      calling ??= "warning";
    }
  }
  setTimeout(ask, EVERY_MS);
}

if (bar) {
  ready();
  ask();
  setInterval(sound, 500);
}
