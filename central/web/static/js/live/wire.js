// The line to central for one tile: messages of contract/livestream.py, opened again with back-off until it is closed.
export const INIT = 1;
export const FRAGMENT = 2;
export const STILL = 3;
const HEAD = 10;
const FIRST_MS = 500;
const MOST_MS = 15000;
/** What is not to be asked again at once: nobody may look for a while. */
const SLOW = new Set(["embargo"]);

/** One binary message: `wallUs` is when the picture was taken, by the box's clock (Unix microseconds). */
export function unpack(buffer) {
  const view = new DataView(buffer);
  const kind = view.getUint8(0);
  return { kind, keyframe: view.getUint8(1) === 1, wallUs: Number(view.getBigInt64(2)), body: new Uint8Array(buffer, HEAD) };
}

/** `heard` has `picture(message)`, `said(word, reason, take)` and `lost()`. */
export class Line {
  #place;
  #heard;
  #socket = null;
  #query = "";
  #timer = 0;
  #wait = FIRST_MS;
  #over = false;

  constructor(place, heard) {
    this.#place = place;
    this.#heard = heard;
  }

  get isOpen() {
    return this.#socket !== null || this.#timer !== 0;
  }

  /** Begin, or begin anew with another wish: `quality=...`, or `from_us=...&pace=...`. */
  open(query) {
    this.close();
    this.#query = query;
    this.#wait = FIRST_MS;
    this.#connect();
  }

  close() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    const old = this.#socket;
    this.#socket = null;
    if (old) old.close();
  }

  #connect() {
    this.#timer = 0;
    this.#over = false;
    const socket = new WebSocket(`/live/${this.#place}?${this.#query}`);
    socket.binaryType = "arraybuffer";
    this.#socket = socket;
    socket.addEventListener("message", (event) => {
      if (socket === this.#socket) this.#take(event.data);
    });
    socket.addEventListener("close", () => {
      if (socket === this.#socket) this.#lost();
    });
  }

  #take(data) {
    if (typeof data !== "string") {
      this.#wait = FIRST_MS;
      return this.#heard.picture(unpack(data));
    }
    const said = JSON.parse(data);
    // A play back that has come to its end is not to be begun anew; who may not look asks again, but seldom.
    if (said.state === "ended" && this.#query.startsWith("from_us")) this.#over = true;
    if (SLOW.has(said.state)) this.#wait = MOST_MS;
    this.#heard.said(said.state, said.reason ?? "", said.take);
  }

  #lost() {
    this.#socket = null;
    if (this.#over) return;
    this.#heard.lost();
    // Not all at the same instant: a central that comes back is not to be run over by those who waited.
    this.#timer = setTimeout(() => this.#connect(), this.#wait * (0.75 + Math.random() / 2));
    this.#wait = Math.min(MOST_MS, this.#wait * 2);
  }
}
