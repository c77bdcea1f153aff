// "Taken by": the case in sight is held for this tab while it is open, and given back when it is left.
import { form, say } from "./post.js";

const RENEW_MS = 60_000;
const ASK_MS = 8_000;

let root = null;
let timer = null;
/** Cases that this tab holds beside the one in sight: those fetched ahead. */
const ahead = new Set();

/** Hold the case of `article` from now on, and no other but those fetched ahead. */
export function holds(article) {
  const before = root?.dataset.number;
  root = article;
  ahead.delete(root.dataset.number);
  if (before && before !== root.dataset.number) leave(before);
  clearTimeout(timer);
  if ("deciding" in root.dataset) timer = setTimeout(renew, 0);
}

/** A case was fetched ahead: central holds it for this tab as well. */
export function holdsAhead(number) {
  ahead.add(number);
}

async function renew() {
  const asked = root;
  const path = `/cases/${asked.dataset.number}/lease`;
  let other = null;
  try {
    const answer = document.hidden ? null : await say(path, asked.dataset.csrf);
    if (answer?.ok) other = (await answer.json()).taken_by;
  } catch {
    // Central is away: the next round asks again.
  }
  if (asked !== root) return;
  told(other);
  timer = setTimeout(renew, other ? ASK_MS : RENEW_MS);
}

function told(other) {
  const notice = root.querySelector("[data-taken]");
  if (!notice) return;
  const said = other ? notice.dataset.says.replace("{}", other) : "";
  if (notice.textContent.trim() !== said) notice.textContent = said;
  notice.hidden = !other;
}

function leave(number) {
  navigator.sendBeacon(`/cases/${number}/leave`, form(root.dataset.csrf));
}

window.addEventListener("pagehide", () => {
  if (root && "deciding" in root.dataset) for (const number of [root.dataset.number, ...ahead]) leave(number);
});
