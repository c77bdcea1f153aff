// The time line under a tile: what of the last hours is on record, gaps by cause, alarms; and where the picture stands.
// A gap is told by pattern and letter as well as by colour, an alarm stands above the bar with its own shape.
import { clock, fill } from "./words.js";

const SPANS_MIN = [60, 240, 720, 15];
const STEP_US = { ArrowLeft: -10e6, ArrowRight: 10e6, PageUp: -300e6, PageDown: 300e6 };
const LETTER_PX = 11;
const now = () => Date.now() * 1000;

const part = (kind, parent) => {
  const made = document.createElement("div");
  made.className = kind;
  parent.append(made);
  return made;
};

/** `goes(us)` is called with the time to go to, and with null for live. */
export class TimeLine {
  #said = null;
  #at = null;
  #span = 0;

  constructor(root, name, words, offset, goes) {
    Object.assign(this, { root, name, words, offset, goes });
    root.classList.add("timeline");
    this.alarms = part("alarms", root);
    this.bar = part("bar", root);
    this.flags = part("flags", root);
    this.steps = part("steps", root);
    this.ends = part("ends", root);
    this.cursor = part("cursor", root);
    this.tip = part("tip", root);
    this.tip.hidden = true;
    root.tabIndex = 0;
    root.setAttribute("role", "slider");
    root.setAttribute("aria-label", fill(words.line, { camera: name }));
    root.addEventListener("pointermove", (event) => this.#point(event));
    root.addEventListener("pointerleave", () => { this.tip.hidden = true; });
    root.addEventListener("click", (event) => this.#goto(this.#time(event)));
    root.addEventListener("keydown", (event) => this.#key(event));
    new ResizeObserver(() => this.draw()).observe(root);
  }

  get minutes() {
    return SPANS_MIN[this.#span];
  }

  get from() {
    return now() - this.minutes * 60e6;
  }

  /** The next of the spans it can show. */
  zoom() {
    this.#span = (this.#span + 1) % SPANS_MIN.length;
    this.draw();
  }

  /** What central knows of this camera: `told`, `gaps`, `troubles`, `marks`, `phases`, all Unix microseconds. */
  tell(said) {
    this.#said = said;
    this.draw();
  }

  /** The picture that stands there was taken at `us`; `live` says that it is the live one. */
  mark(us, live) {
    this.#at = us || null;
    const shown = live || !us ? now() : us;
    this.cursor.style.left = `${this.#share(shown) * 100}%`;
    this.cursor.classList.toggle("live", live);
    this.root.setAttribute("aria-valuemin", Math.round(this.from / 1e6));
    this.root.setAttribute("aria-valuemax", Math.round(now() / 1e6));
    this.root.setAttribute("aria-valuenow", Math.round(shown / 1e6));
    this.root.setAttribute("aria-valuetext", live ? this.words.live : `${clock(shown, this.offset)} ${this.#what(shown)}`);
  }

  draw() {
    this.bar.replaceChildren();
    this.alarms.replaceChildren();
    this.flags.replaceChildren();
    this.steps.replaceChildren();
    this.ends.replaceChildren();
    this.#ticks();
    const said = this.#said;
    if (!said) return;
    if (said.told) this.#stretch(this.bar, "recorded", said.told[0], said.told[1]);
    for (const [begin, end, cause] of said.gaps) this.#stretch(this.bar, `gap cause-${cause}`, begin, end, this.words.letters[cause] ?? "?");
    for (const [begin, end, kind, severity] of said.troubles) {
      this.#stretch(this.alarms, `alarm ${severity}`, begin, end ?? now(), "!").dataset.kind = kind;
    }
    for (const [at, category] of said.marks) this.#flag(at, category);
    for (const [at] of said.phases) this.#step(at);
    this.mark(this.#at, this.cursor.classList.contains("live"));
  }

  /** By a key or a button: so many microseconds from where the picture stands. */
  by(us) {
    this.#goto((this.#at ?? now()) + us);
  }

  #goto(us) {
    if (us > now() - 3e6) return this.goes(null);
    const gap = this.#said?.gaps.find(([begin, end]) => begin <= us && us < end);
    // Nothing is there to be shown: what comes next is.
    this.goes(Math.max(gap ? gap[1] : us, this.#said?.told?.[0] ?? 0), gap);
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "End") this.goes(null);
    else if (event.key === "Home") this.#goto(this.from);
    else if (STEP_US[event.key]) this.by(STEP_US[event.key] * (event.shiftKey ? 6 : 1));
    else return;
    event.preventDefault();
    event.stopPropagation(); // the wall's own arrows choose a tile
  }

  #point(event) {
    const us = this.#time(event);
    this.tip.textContent = `${clock(us, this.offset)} ${this.#what(us)}`;
    this.tip.style.left = `${Math.min(0.8, Math.max(0.2, this.#share(us))) * 100}%`;
    this.tip.hidden = false;
  }

  #what(us) {
    const said = this.#said;
    if (!said) return "";
    const gap = said.gaps.find(([begin, end]) => begin <= us && us < end);
    const wrong = said.troubles.filter(([begin, end]) => begin <= us && us < (end ?? Infinity)).map(([, , kind]) => this.words.kinds[kind] ?? kind);
    const marked = said.marks.filter(([at]) => Math.abs(at - us) < this.minutes * 60e6 / 100).map(([, category, , who]) =>
      `${this.words.marked} ${this.words.categories[category] ?? ""} (${who})`);
    const told = said.told && said.told[0] <= us && us < said.told[1];
    const state = gap ? fill(this.words.gap, { cause: this.words.causes[gap[2]] ?? gap[2] }) : told ? this.words.recorded : this.words.untold;
    const phase = said.phases.findLast(([at]) => at <= us);
    const at = phase ? [this.words.phases[phase[1]]] : [];
    return [`· ${state}`, ...at, ...wrong, ...marked].join(" · ");
  }

  #time(event) {
    const box = this.root.getBoundingClientRect();
    return Math.round(this.from + Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)) * this.minutes * 60e6);
  }

  #share(us) {
    return Math.min(1, Math.max(0, (us - this.from) / (this.minutes * 60e6)));
  }

  #stretch(parent, kind, begin, end, letter = "") {
    const [from, to] = [this.#share(begin), this.#share(end)];
    const made = part(kind, parent);
    if (to <= 0 || from >= 1) made.hidden = true;
    made.style.left = `${from * 100}%`;
    made.style.width = `max(${(to - from) * 100}%, 2px)`;
    if (letter && (to - from) * this.root.clientWidth >= LETTER_PX) made.textContent = letter;
    return made;
  }

  #flag(at, category) {
    if (at < this.from) return;
    const made = part("flag", this.flags);
    made.style.left = `${this.#share(at) * 100}%`;
    made.dataset.category = category;
  }

  #step(at) {
    if (at >= this.from) part("step", this.steps).style.left = `${this.#share(at) * 100}%`;
  }

  #ticks() {
    part("end", this.ends).textContent = clock(this.from, this.offset).slice(0, 5);
    const name = this.minutes < 60 ? this.words.minutes : this.words.hours;
    part("end", this.ends).textContent = fill(name, { n: this.minutes < 60 ? this.minutes : this.minutes / 60 });
    part("end", this.ends).textContent = this.words.now;
  }
}
