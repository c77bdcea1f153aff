// Words of the tiles in the reader's language (central/web/live_words.py), and times in a station's own clock.

/** `Recorded {share}` with its values. */
export function fill(sentence, values) {
  return sentence.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

export function words() {
  return JSON.parse(document.getElementById("live-words").dataset.words);
}

/** `10:02:03` of Unix microseconds at a station `offset` minutes east of Greenwich. */
export function clock(us, offset) {
  return new Date(us / 1000 + offset * 60000).toISOString().slice(11, 19);
}

/** `2026-12-12 10:02:03` of the same. */
export function stamp(us, offset) {
  return new Date(us / 1000 + offset * 60000).toISOString().slice(0, 19).replace("T", " ");
}

/** `0:03:12` of microseconds. */
export function long(us) {
  const s = Math.max(0, Math.round(us / 1e6));
  const two = (n) => String(n).padStart(2, "0");
  return `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
}
