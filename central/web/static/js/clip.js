// The clip: play, step by frame, speed, loop of the decisive seconds, and the suspected vehicle's box moving along.

const GUESS_S = 1 / 25;
const HOLD_S = 0.6;

/** Make `root`'s player work; null when the case has no clip. */
export function clip(root) {
  const video = root.querySelector("video");
  const panel = root.querySelector("[data-player]");
  if (!video || !panel) return null;
  const start = Number(video.dataset.t0);
  const loop = { from: Number(video.dataset.from), to: Number(video.dataset.to), on: false };
  const track = JSON.parse(video.dataset.track);
  const boxes = root.querySelectorAll("[data-vehicle]");
  const scrub = panel.querySelector("input[type=range]");
  const playButton = panel.querySelector("[data-do=play]");
  const time = panel.querySelector("[data-time]");
  let frame = GUESS_S;
  let lastShown = null;

  function paint(at) {
    scrub.value = String(at);
    scrub.setAttribute("aria-valuetext", `${at.toFixed(2)} s`);
    time.textContent = `${at.toFixed(3)} / ${(video.duration || 0).toFixed(1)} s`;
    const points = corners(track, start + at);
    for (const box of boxes) box.setAttribute("points", points);
  }

  function onFrame(_now, shown) {
    // The clip says itself how long a frame lasts: the smallest step seen between two pictures.
    if (lastShown !== null) {
      const step = shown.mediaTime - lastShown;
      if (step > 0.005 && step < 0.5) frame = frame === GUESS_S ? step : Math.min(frame, step);
    }
    lastShown = video.paused ? null : shown.mediaTime;
    if (loop.on && !video.paused && shown.mediaTime >= loop.to) video.currentTime = loop.from;
    paint(shown.mediaTime);
    video.requestVideoFrameCallback(onFrame);
  }

  function play() {
    if (video.paused) {
      if (loop.on && (video.currentTime < loop.from || video.currentTime > loop.to)) video.currentTime = loop.from;
      video.play().catch(() => {});
    } else video.pause();
  }

  function step(by) {
    video.pause();
    const end = Number.isFinite(video.duration) ? video.duration : Number(scrub.max);
    video.currentTime = Math.min(end, Math.max(0, video.currentTime + by * frame));
  }

  function setSpeed(button) {
    video.playbackRate = Number(button.dataset.speed);
    for (const one of panel.querySelectorAll("[data-speed]")) one.setAttribute("aria-pressed", String(one === button));
  }

  /** One speed up or down, as far as there are buttons. */
  function speed(by) {
    const buttons = [...panel.querySelectorAll("[data-speed]")];
    const at = buttons.findIndex((one) => one.getAttribute("aria-pressed") === "true");
    setSpeed(buttons[Math.min(buttons.length - 1, Math.max(0, at + by))]);
  }

  function setLoop() {
    loop.on = !loop.on;
    panel.querySelector("[data-do=loop]").setAttribute("aria-pressed", String(loop.on));
    if (loop.on) video.currentTime = loop.from;
  }

  function saysState() {
    playButton.setAttribute("aria-pressed", String(!video.paused));
    playButton.textContent = video.paused ? playButton.dataset.play : playButton.dataset.pause;
  }

  const does = { play, back: () => step(-1), forward: () => step(1), loop: setLoop };
  panel.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.dataset.speed) setSpeed(button);
    else does[button.dataset.do]?.();
  });
  scrub.addEventListener("input", () => {
    video.pause();
    video.currentTime = Number(scrub.value);
  });
  for (const name of ["play", "pause", "ended"]) video.addEventListener(name, saysState);
  video.addEventListener("loadedmetadata", () => {
    scrub.max = String(video.duration);
    paint(0);
  });
  video.addEventListener("error", () => {
    root.querySelector("[data-unplayable]").hidden = false;
  });
  if (video.requestVideoFrameCallback) video.requestVideoFrameCallback(onFrame);
  else video.addEventListener("timeupdate", () => paint(video.currentTime));
  return { play, step, speed, loop: setLoop };
}

/** The corners of the box at stream time `t`, between two sightings in a straight line; empty where none is near. */
export function corners(track, t) {
  const after = track.findIndex((point) => point[0] >= t);
  const next = after < 0 ? null : track[after];
  const before = after < 0 ? track.at(-1) : track[Math.max(0, after - 1)];
  if (!before) return "";
  let box = null;
  if (next && before[0] <= t && next[0] - before[0] <= 2 * HOLD_S) {
    const share = next[0] === before[0] ? 0 : (t - before[0]) / (next[0] - before[0]);
    box = [1, 2, 3, 4].map((i) => before[i] + share * (next[i] - before[i]));
  } else {
    const nearest = next && next[0] - t < Math.abs(t - before[0]) ? next : before;
    if (Math.abs(nearest[0] - t) <= HOLD_S) box = nearest.slice(1);
  }
  if (!box) return "";
  const [x1, y1, x2, y2] = box;
  return `${x1},${y1} ${x2},${y1} ${x2},${y2} ${x1},${y2}`;
}
