// Which quality a tile asks for: down after two stalls in half a minute, up again after a calm minute. Times in ms.
export const LEVELS = ["main", "sub", "stills"];
export const STALL_MS = 1500;
const WITHIN_MS = 30000;
const CALM_MS = 60000;
const LONGEST_MS = 600000;

export class Ladder {
  #at = 0;
  #stalls = [];
  #since = 0;
  #calm = CALM_MS;
  #last = null;

  /** `lowest`: this browser plays no video at all. */
  constructor(now, lowest = false) {
    this.#since = now;
    if (lowest) this.#at = LEVELS.length - 1;
    this.lowest = lowest;
  }

  get level() {
    return LEVELS[this.#at];
  }

  /** What came before is no neighbour of what comes next: the line was opened anew, or the stream begins anew. */
  fresh() {
    this.#last = null;
  }

  /** A picture of `wallUs` came; true when another level is to be asked for. */
  picture(wallUs, now) {
    const last = this.#last;
    this.#last = { wallUs, now };
    const late = last && (now - last.now > STALL_MS || wallUs - last.wallUs > STALL_MS * 1000);
    if (late && this.level !== "stills") return this.stalled(now);
    return this.#rise(now);
  }

  /** It stood still, or could not be played. */
  stalled(now) {
    this.#stalls = [...this.#stalls.filter((at) => now - at < WITHIN_MS), now];
    this.#since = now;
    return this.#stalls.length >= 2 && this.fall(LEVELS[this.#at + 1], now);
  }

  /** Take `level`, if it is a lower one. */
  fall(level, now) {
    const to = LEVELS.indexOf(level);
    if (to <= this.#at) return false;
    this.#at = to;
    this.#stalls = [];
    // Who fell soon after going up waits longer the next time.
    this.#calm = now - this.#since < CALM_MS && this.rose ? Math.min(LONGEST_MS, this.#calm * 2) : CALM_MS;
    this.#since = now;
    this.fresh();
    return true;
  }

  #rise(now) {
    if (this.lowest || this.#at === 0 || now - this.#since < this.#calm) return false;
    this.#at -= 1;
    this.#since = now;
    this.#stalls = [];
    this.rose = true;
    this.fresh();
    return true;
  }
}
