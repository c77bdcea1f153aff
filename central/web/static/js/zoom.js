// One view of all stills: whoever looks closer at one looks closer at each of them, at the same place.

const MOST = 8;
const STEP = 1.25;
const MOVE = 0.15;

/** Make the stills of `root` zoom and move together; returns what keys and buttons need. */
export function zoom(root) {
  const stage = root.querySelector("[data-stage]");
  const panes = [...root.querySelectorAll(".pane")];
  const said = root.querySelector("[data-zoom]");
  // Place of the picture's corner in shares of a frame, and how many times its size.
  let view = { x: 0, y: 0, times: 1 };
  let held = null;

  function paint() {
    const least = 1 - view.times;
    view.x = Math.min(0, Math.max(least, view.x));
    view.y = Math.min(0, Math.max(least, view.y));
    for (const pane of panes) {
      pane.style.transform = view.times === 1 ? "" : `translate(${view.x * 100}%, ${view.y * 100}%) scale(${view.times})`;
    }
    stage.classList.toggle("closer", view.times > 1);
    if (said) said.textContent = `${Math.round(view.times * 100)} %`;
  }

  /** `by` times closer; what is at (`x`, `y`), in shares of the frame, stays where it is. */
  function closer(by, x = 0.5, y = 0.5) {
    const times = Math.min(MOST, Math.max(1, view.times * by));
    const grown = times / view.times;
    view = { x: x - (x - view.x) * grown, y: y - (y - view.y) * grown, times };
    paint();
  }

  /** By shares of what is in sight; false when the whole picture is in sight, so that there is nowhere to go. */
  function move(right, down) {
    if (view.times === 1) return false;
    view.x -= right * MOVE;
    view.y -= down * MOVE;
    paint();
    return true;
  }

  function place(event, pane) {
    const box = pane.parentElement.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  }

  stage?.addEventListener(
    "wheel",
    (event) => {
      const pane = event.target.closest(".lens")?.firstElementChild;
      if (!pane || event.ctrlKey) return;
      event.preventDefault();
      closer(event.deltaY < 0 ? STEP : 1 / STEP, ...place(event, pane));
    },
    { passive: false },
  );
  stage?.addEventListener("pointerdown", (event) => {
    const pane = event.target.closest(".lens")?.firstElementChild;
    if (!pane || view.times === 1 || event.button !== 0) return;
    const [x, y] = place(event, pane);
    held = { x: x - view.x, y: y - view.y, pane };
    stage.setPointerCapture(event.pointerId);
  });
  stage?.addEventListener("pointermove", (event) => {
    if (!held) return;
    const [x, y] = place(event, held.pane);
    view.x = x - held.x;
    view.y = y - held.y;
    paint();
  });
  for (const end of ["pointerup", "pointercancel"]) {
    stage?.addEventListener(end, () => {
      held = null;
    });
  }
  return {
    closer: () => closer(STEP),
    farther: () => closer(1 / STEP),
    whole: () => closer(1 / MOST),
    move,
    close: () => view.times > 1,
  };
}
