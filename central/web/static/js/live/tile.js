// One camera's tile: its line, its picture, what is said where there is none, and going back in time.
import { Ladder } from "./ladder.js";
import { Picture, plays } from "./picture.js";
import { TimeLine } from "./timeline.js";
import { mark, marks } from "../mark.js";
import { INIT, Line, STILL } from "./wire.js";
import { clock, fill, long, stamp } from "./words.js";

/** No new picture for so long: it is said over the old one. Stills come when the camera has a keyframe. ms. */
const OLD_MS = 3000;
const OLD_STILL_MS = 15000;
/** Stood still so long with pictures at hand: the player hangs. ms. */
const HANGS_MS = 5000;
/** A play back that waits on "pause" takes no more than this ahead; seconds. */
const AHEAD_S = 8;
const PACES = [1, 2, 4, 8];
const HIDES = new Set(["cut", "embargo", "away", "ended"]);

const made = (tag, kind, parent) => {
  const one = document.createElement(tag);
  one.className = kind;
  parent.append(one);
  return one;
};

export class Tile {
  #from = null;
  #pace = 1;
  #held = false;
  #shows = false;
  #state = "";
  #cameAt = 0;
  #stills = false;
  #moved = { us: 0, at: 0 };

  constructor(root, words, viewer) {
    Object.assign(this, { root, words, viewer, place: root.dataset.live });
    this.offset = Number(root.closest("[data-offset]")?.dataset.offset ?? 0);
    this.name = root.dataset.name;
    this.#build();
    const told = { failed: (never) => this.#failed(never), waited: () => {} };
    this.picture = new Picture(this.video, this.canvas, told);
    this.ladder = new Ladder(performance.now(), !plays);
    this.line = new Line(this.place, {
      picture: (message) => this.#picture(message), said: (...said) => this.#said(...said), lost: () => this.#say("lost"),
    });
    this.time = new TimeLine(this.bar, this.name, words, this.offset, (us, gap) => this.goto(us, gap));
  }

  get isLive() {
    return this.#from === null && !this.#held;
  }

  /** Which moment its picture shows, Unix microseconds; null where there is none. */
  get standsAt() {
    return this.picture.shownUs || this.#from;
  }

  /** It is on the screen, or is not: nobody looks, nothing is sent. */
  show(is) {
    if (is === this.#shows) return;
    this.#shows = is;
    if (is) return this.#open();
    this.line.close();
    this.picture.clear();
    this.#held = this.picture.held = false;
    this.#say("asking");
  }

  /** To Unix microseconds, or to live (null). */
  goto(us, gap) {
    this.#from = us;
    if (us === null) this.#pace = 1;
    this.#held = this.picture.held = false;
    this.note(gap ? fill(this.words.skipped, { cause: this.words.causes[gap[2]] ?? gap[2], until: clock(gap[1], this.offset) }) : "");
    if (this.#shows) this.#open();
  }

  hold() {
    if (!this.picture.shownUs && !this.#held) return false;
    if (!this.#held) {
      this.#held = true;
      // From here on it is a recording: what comes meanwhile is there when somebody goes on.
      if (this.#from === null) this.line.close();
      this.#from ??= this.picture.shownUs;
      this.picture.hold();
    } else if (this.line.isOpen) {
      this.#held = false;
      this.picture.go();
    } else this.goto(this.picture.shownUs);
    this.#tell();
  }

  /** While it is held, one picture on or back; else ten seconds. */
  move(by) {
    if (this.#held) return this.picture.step(by);
    this.time.by(by * 10e6);
  }

  faster() {
    if (this.isLive) return this.note(this.words.pace_live);
    const at = this.picture.shownUs || this.#from;
    this.#pace = PACES[(PACES.indexOf(this.#pace) + 1) % PACES.length];
    this.goto(at);
  }

  whole() {
    if (document.fullscreenElement) document.exitFullscreen();
    else this.root.requestFullscreen().catch(() => {});
  }

  note(text) {
    this.noted.textContent = text;
    clearTimeout(this.noting);
    if (text) this.noting = setTimeout(() => { this.noted.textContent = ""; }, 6000);
  }

  /** Twice a second: what the time has made of it. */
  tick(now) {
    this.#signed();
    if (!this.#shows) return;
    const us = this.picture.shownUs;
    if (us !== this.#moved.us) this.#moved = { us, at: now };
    if (this.#state === "live" && !this.#held) {
      if (now - this.#cameAt > (this.#stills ? OLD_STILL_MS : OLD_MS)) this.#say("old", stamp(us || Date.now() * 1000, this.offset));
      else if (!this.#stills && this.isLive && now - this.#moved.at > HANGS_MS) this.#failed();
    }
    if (this.#held && this.line.isOpen && this.picture.ahead > AHEAD_S) this.line.close();
    this.#tell();
  }

  #signed() {
    this.mark.textContent = `${this.viewer} · ${stamp(Date.now() * 1000, this.offset)}`;
  }

  #open() {
    this.picture.clear();
    this.picture.live = this.#from === null;
    this.picture.pace = this.#pace;
    this.ladder.fresh();
    this.#cameAt = this.#moved.at = performance.now();
    this.#say("asking");
    this.line.open(this.#from === null ? `quality=${this.ladder.level}` : `from_us=${Math.round(this.#from)}&pace=${this.#pace}`);
    this.#tell();
  }

  #picture(message) {
    this.#cameAt = performance.now();
    if (message.kind !== INIT) this.#stills = message.kind === STILL;
    this.picture.take(message);
    if (this.#state !== "live") this.#say("live");
    if (this.#from !== null) return;
    // A header bears the time at which its stream began, which says nothing of how late it comes.
    if (message.kind === INIT) this.ladder.fresh();
    else if (this.ladder.picture(message.wallUs, this.#cameAt)) this.#open();
  }

  #said(state, reason, take) {
    if (take && this.#from === null && this.ladder.fall(take, performance.now())) return this.#open();
    if (state === "live") return; // the picture itself says so
    this.#say(state, reason);
  }

  #failed(never = false) {
    if (never) {
      this.ladder.lowest = true;
      if (this.ladder.fall("stills", performance.now())) this.#open();
    } else if (this.#shows) {
      this.ladder.stalled(performance.now());
      this.#open();
    }
  }

  /** In words what is to be seen, and why it is not. */
  #say(state, reason = "") {
    this.#state = state;
    if (HIDES.has(state)) this.picture.clear();
    this.ladder.fresh();
    this.screen.dataset.state = state;
    const shown = state === "live" ? "" : fill(this.words.states[state] ?? state, { reason: this.words.reasons[reason] ?? reason });
    if (this.veil.textContent !== shown) this.veil.textContent = shown;
    this.veil.hidden = !shown;
    this.#tell();
  }

  #tell() {
    const us = this.picture.shownUs;
    const live = this.isLive;
    this.time.mark(us || this.#from, live);
    const behind = Date.now() * 1000 - us;
    const pace = this.#pace > 1 ? ` ${this.#pace}×` : "";
    const when = live || !us ? "" : ` ${clock(us, this.offset)} (-${long(behind)})${pace}`;
    const word = this.#held ? this.words.paused : live ? (this.#stills ? this.words.stills : this.words.live) : this.words.back;
    const shown = this.#state === "live" || !live ? word + when : "";
    if (this.badge.textContent !== shown) this.badge.textContent = shown;
    this.badge.className = `badge ${live ? "live" : "back"}`;
    this.badge.hidden = !shown;
    this.playing.textContent = this.#held ? "▶" : "❚❚";
    this.playing.setAttribute("aria-label", this.#held ? this.words.play : this.words.pause);
    this.now.hidden = live;
  }

  #build() {
    this.root.classList.add("player");
    this.screen = made("div", "picture", this.root);
    this.video = made("video", "", this.screen);
    Object.assign(this.video, { muted: true, playsInline: true, disablePictureInPicture: true });
    this.video.setAttribute("aria-label", this.name);
    this.canvas = made("canvas", "", this.screen);
    this.canvas.hidden = true;
    // Whoever photographs the screen photographs the name of who looked.
    this.mark = made("p", "stamp", this.screen);
    this.mark.setAttribute("aria-hidden", "true");
    this.badge = made("p", "badge", this.screen);
    this.veil = made("p", "veil", this.screen);
    this.#signed();
    const below = made("div", "below", this.root);
    this.bar = made("div", "", below);
    const keys = made("div", "buttons", below);
    this.noted = made("p", "noted", keys);
    this.#button(keys, "−10", this.words.earlier, () => this.move(-1));
    this.playing = this.#button(keys, "❚❚", this.words.pause, () => this.hold());
    this.#button(keys, "+10", this.words.later, () => this.move(1));
    this.#button(keys, "»", this.words.pace, () => this.faster());
    this.now = this.#button(keys, this.words.live, this.words.to_live, () => this.goto(null));
    this.#button(keys, "↔", this.words.zoom, () => this.time.zoom());
    if (marks) this.#button(keys, "⚑", this.words.mark, () => mark(this));
    this.#button(keys, "□", this.words.full, () => this.whole());
  }

  #button(parent, sign, label, does) {
    const one = made("button", "quiet", parent);
    one.type = "button";
    one.textContent = sign;
    one.title = label;
    one.setAttribute("aria-label", label);
    one.addEventListener("click", does);
    return one;
  }
}
