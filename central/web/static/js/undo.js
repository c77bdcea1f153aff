// Ten seconds to take a decision back: a bar that runs down, gone when it is final. Without scripts the button stays,
// and who presses it too late is told so.
const SECONDS = 10;
let timer = null;

const bar = () => document.querySelector("#done form[data-undo]");

/** Begin to run down for the decision that the page tells of, if it can be taken back. */
export function runDown() {
  clearInterval(timer);
  const form = bar();
  if (!form) return;
  const until = performance.now() + Number(form.dataset.undo) * 1000;
  const show = () => {
    const left = Math.max(0, (until - performance.now()) / 1000);
    form.hidden = left <= 0;
    form.querySelector("progress").value = left;
    if (left <= 0) clearInterval(timer);
  };
  show();
  timer = setInterval(show, 200);
}

/** Tell of another decision: `told` is central's answer to it. */
export function tell(told) {
  const done = document.getElementById("done");
  const link = document.createElement("a");
  link.href = `/cases/${told.number}`;
  link.textContent = told.said;
  const says = document.createElement("span");
  says.className = "sr-only";
  const form = bar();
  form.action = `/cases/${told.number}/undo`;
  form.dataset.undo = String(Math.min(SECONDS, told.undo_s));
  says.textContent = told.undo_s > 0 ? ` ${form.dataset.says}` : "";
  done.hidden = false;
  done.querySelector("[data-done]").replaceChildren(link, says);
  runDown();
}

/** Take it back; false when there is nothing that can be. */
export function undo() {
  const form = bar();
  if (!form || form.hidden) return false;
  form.requestSubmit();
  return true;
}
