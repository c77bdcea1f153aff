// Pictures of one tile: fMP4 through Media Source Extensions into a video, stills onto a canvas. Times in seconds.
import { FRAGMENT, INIT, STILL } from "./wire.js";

/** The live edge: so far behind what has come a picture is shown at least, and at most before it is caught up. */
const LEAST_S = 0.08;
const MOST_S = 0.4;
const JUMP_S = 1.5;
/** What was shown is kept for stepping back; more is dropped. */
const KEPT_S = 20;
const MARKS = 4000;

/** Whether this browser plays anything that boxes send. */
export const plays = "MediaSource" in window && MediaSource.isTypeSupported('video/mp4; codecs="avc1.640028"');

/** `told` has `failed()`, when what came cannot be played, and `waited()`, when it ran dry. */
export class Picture {
  #told;
  #source = null;
  #buffer = null;
  #mime = "";
  #queue = [];
  #batch = [];
  #marks = [];
  #cushion = 0.12;
  #stillUs = 0;
  pace = 1;
  live = true;
  held = false;

  constructor(video, canvas, told) {
    this.video = video;
    this.canvas = canvas;
    this.#told = told;
    video.addEventListener("waiting", () => this.#waits());
    video.addEventListener("error", () => this.#source && this.#fail());
  }

  /** When the picture that stands there was taken (Unix microseconds); 0 when there is none. */
  get shownUs() {
    if (!this.canvas.hidden) return this.#stillUs;
    const t = this.video.currentTime;
    const at = this.#marks.findIndex((mark) => mark.end > t);
    if (at < 0) return this.#marks.at(-1)?.wallUs ?? 0;
    return this.#marks[at].wallUs;
  }

  /** When the newest that has come was taken (Unix microseconds). */
  get newestUs() {
    return this.#queue.at(-1)?.wallUs ?? this.#marks.at(-1)?.wallUs ?? 0;
  }

  /** How much is there that was not shown yet. */
  get ahead() {
    return this.#end() - this.video.currentTime;
  }

  take(message) {
    if (message.kind === STILL) this.#still(message);
    else if (message.kind === INIT) this.#begin(message);
    else if (message.kind === FRAGMENT && this.#source) {
      this.#queue.push(message);
      this.#feed();
    }
  }

  /** No picture is to be seen any more. */
  clear() {
    this.#queue = [];
    this.#batch = [];
    this.#marks = [];
    this.#buffer = null;
    this.#mime = "";
    if (this.#source) {
      this.#source = null;
      URL.revokeObjectURL(this.video.src);
      this.video.removeAttribute("src");
      this.video.load();
    }
    this.#stillUs = 0;
    this.canvas.hidden = true;
    this.canvas.width = 0;
  }

  hold() {
    this.held = true;
    this.video.pause();
  }

  go() {
    this.held = false;
    this.#play();
  }

  /** One picture on or back, as far as it is there; false where it is not. */
  step(by) {
    const t = this.video.currentTime;
    const at = this.#marks.findIndex((mark) => mark.end > t) + by;
    const to = this.#marks[at];
    if (!to || at < 1) return false;
    const begin = this.#marks[at - 1].end;
    if (this.#buffer?.buffered.length && begin < this.#buffer.buffered.start(0)) return false;
    this.video.currentTime = (begin + to.end) / 2;
    return true;
  }

  async #still(message) {
    let bitmap;
    try {
      bitmap = await createImageBitmap(new Blob([message.body], { type: "image/jpeg" }));
    } catch {
      return this.#told.failed();
    }
    if (message.wallUs < this.#stillUs) return;
    this.#stillUs = message.wallUs;
    [this.canvas.width, this.canvas.height] = [bitmap.width, bitmap.height];
    this.canvas.getContext("2d").drawImage(bitmap, 0, 0);
    bitmap.close();
    this.canvas.hidden = false;
  }

  #begin(message) {
    const cut = message.body.indexOf(10);
    const mime = new TextDecoder().decode(message.body.subarray(0, cut));
    if (!plays || !MediaSource.isTypeSupported(mime)) return this.#told.failed(true);
    const header = { ...message, body: message.body.subarray(cut + 1) };
    if (this.#source && mime === this.#mime) return this.#queue.push(header);
    this.clear();
    this.#mime = mime;
    const source = new MediaSource();
    this.#source = source;
    this.#queue = [header];
    source.addEventListener("sourceopen", () => source === this.#source && this.#opened(mime), { once: true });
    this.video.src = URL.createObjectURL(source);
    this.#play();
  }

  #opened(mime) {
    this.#buffer = this.#source.addSourceBuffer(mime);
    // One after the other, whatever times the stream has: it may begin anew, and pictures may have been left out.
    this.#buffer.mode = "sequence";
    const buffer = this.#buffer;
    buffer.addEventListener("updateend", () => buffer === this.#buffer && this.#appended());
    this.#feed();
  }

  #feed() {
    if (!this.#buffer || this.#buffer.updating || !this.#queue.length) return;
    this.#batch = this.#queue.splice(0);
    const whole = new Uint8Array(this.#batch.reduce((sum, one) => sum + one.body.length, 0));
    let at = 0;
    for (const one of this.#batch) {
      whole.set(one.body, at);
      at += one.body.length;
    }
    try {
      this.#buffer.appendBuffer(whole);
    } catch {
      this.#fail();
    }
  }

  #appended() {
    const came = this.#batch.filter((one) => one.kind === FRAGMENT);
    this.#batch = [];
    const end = this.#end();
    const begin = this.#marks.at(-1)?.end ?? end - 0.04 * came.length;
    came.forEach((one, n) => this.#marks.push({ end: begin + ((end - begin) * (n + 1)) / came.length, wallUs: one.wallUs }));
    if (this.#marks.length > MARKS) this.#marks.splice(0, MARKS / 4);
    if (came.length && this.canvas.hidden === false && this.live) this.canvas.hidden = true;
    this.#steer();
    if (!this.#drop()) this.#feed();
  }

  /** To the live edge and no nearer than the pictures come; a play back goes at its pace. */
  #steer() {
    if (this.held || !this.#buffer.buffered.length) return;
    const { video } = this;
    const ahead = this.ahead;
    const began = video.currentTime < this.#buffer.buffered.start(0);
    if (began || (this.live && ahead > JUMP_S)) {
      video.currentTime = this.live ? Math.max(this.#buffer.buffered.start(0), this.#end() - this.#cushion) : this.#buffer.buffered.start(0);
    }
    let rate = 1;
    if (ahead > this.#cushion + 0.35) rate = 1.5;
    else if (ahead > this.#cushion + 0.08) rate = 1.1;
    else if (ahead < this.#cushion / 2) rate = 0.95;
    video.playbackRate = this.pace * rate;
    if (video.paused) this.#play();
  }

  #drop() {
    const { buffered } = this.#buffer;
    if (!buffered.length || this.video.currentTime - buffered.start(0) < KEPT_S * 1.5) return false;
    this.#buffer.remove(0, this.video.currentTime - KEPT_S);
    return true;
  }

  #waits() {
    if (this.held || !this.#buffer) return;
    // Pictures come less evenly than was thought: stand a little further off.
    this.#cushion = Math.min(MOST_S, this.#cushion + 0.04);
    clearTimeout(this.easing);
    this.easing = setTimeout(() => { this.#cushion = Math.max(LEAST_S, this.#cushion - 0.04); }, 30000);
    this.#told.waited();
  }

  #play() {
    if (!this.held) this.video.play().catch(() => {}); // it is refused while another source takes its place
  }

  #end() {
    const ranges = this.#buffer?.buffered;
    return ranges?.length ? ranges.end(ranges.length - 1) : 0;
  }

  #fail() {
    this.clear();
    this.#told.failed();
  }
}
