// From one case to the next without waiting: the next one is fetched and its stills are decoded while this one is looked
// at; when the decision is recorded it takes its place. Where anything is amiss the browser goes the way of a page.
import { holdsAhead } from "./lease.js";
import { tab } from "./post.js";
import { tell } from "./undo.js";

/** For so long a key that decides is not meant for the case that has just been put in place (ms). */
const SETTLES_MS = 500;

let root = null;
/** The next case: a promise of its article, or of null when there is none. */
let next = Promise.resolve(null);
let fetched = null;
let putAt = -Infinity;

/** Whether this case was put under the hand a moment ago. */
export function justPut() {
  return performance.now() - putAt < SETTLES_MS;
}

/** Whether a decision is on its way. */
let deciding = false;

/** The case of `article` is in sight: begin with the one behind it. */
export function ready(article) {
  root = article;
  if (!("deciding" in root.dataset) || fetched === root.dataset.number) return;
  fetched = root.dataset.number;
  next = fetchNext(root);
}

async function fetchNext(from) {
  try {
    const answer = await fetch(`/cases/${from.dataset.number}/next${from.dataset.trail}`, {
      headers: { "X-Sightline-Prefetch": "1", "X-Sightline-Background": "1", "X-Sightline-Tab": tab(), Accept: "text/html" },
      priority: "low",
    });
    if (answer.status !== 200) return null;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const found = page.getElementById("case");
    if (!found) return null;
    const article = document.importNode(found, true);
    holdsAhead(article.dataset.number);
    // The very elements that will be put in place: what is decoded now is painted at once then.
    const decoded = await Promise.allSettled([...article.querySelectorAll("img")].map((one) => one.decode()));
    return decoded.every((one) => one.status === "fulfilled") ? article : null;
  } catch {
    return null;
  }
}

document.addEventListener("submit", (event) => {
  const sent = event.target;
  if (event.defaultPrevented || !root?.contains(sent) || !sent.closest("#approve, #reject, #send-back, #ask, #resume")) return;
  event.preventDefault();
  // A second Enter, or second thoughts, while the answer is on its way would be another decision - of the next case even.
  if (deciding) return;
  deciding = true;
  decide(sent).finally(() => {
    deciding = false;
    delete sent.dataset.sent;
  });
});

document.addEventListener("cancel", (event) => deciding && event.preventDefault(), true);

async function decide(sent) {
  performance.mark("sightline:sent");
  const article = await Promise.race([next, new Promise((done) => setTimeout(() => done(null), 400))]);
  const headers = { Accept: "text/html" };
  headers["X-Sightline-Tab"] = tab();
  headers["X-Sightline-Swap"] = article ? `${article.dataset.number}:${article.dataset.version}` : "none";
  let answer = null;
  try {
    answer = await fetch(sent.getAttribute("action"), { method: "POST", body: new URLSearchParams(new FormData(sent)), headers });
  } catch {
    refused(sent, root.dataset.offline);
    return;
  }
  if (!answer.ok || !answer.headers.get("content-type")?.includes("json")) {
    await toldWhy(sent, answer);
    return;
  }
  const told = await answer.json();
  if (!told.ahead || !article) window.location.assign(told.onward);
  else put(article, told);
}

/** The next case in place of the decided one. */
function put(article, told) {
  const before = root;
  for (const dialog of before.querySelectorAll("dialog[open]")) dialog.close();
  before.replaceWith(article);
  document.title = article.dataset.title;
  history.replaceState(null, "", told.onward);
  tell(told);
  window.scrollTo(0, 0);
  article.focus({ preventScroll: true });
  window.htmx?.process(article);
  putAt = performance.now();
  document.dispatchEvent(new CustomEvent("sightline:case"));
  // Two frames on, what was put in place has been painted.
  requestAnimationFrame(() => requestAnimationFrame(() => performance.mark("sightline:shown")));
}

/** The case stays as it is, with the sentence of why nothing was recorded. */
async function toldWhy(sent, answer) {
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const sentence = page.querySelector("main h1")?.textContent ?? root.dataset.offline;
  const detail = page.querySelector("main .lead")?.textContent ?? "";
  if (answer.redirected) window.location.assign(answer.url);
  else refused(sent, `${sentence} ${detail}`.trim(), page.querySelector(".ways a[href^='/cases/']"));
}

function refused(sent, sentence, way) {
  const dialog = sent.closest("dialog");
  let notice = dialog.querySelector("[data-refused]");
  if (!notice) {
    notice = document.createElement("p");
    notice.dataset.refused = "";
    notice.className = "notice stop";
    notice.setAttribute("role", "alert");
    dialog.prepend(notice);
  }
  notice.replaceChildren(sentence);
  if (way) notice.append(" ", document.importNode(way, true));
  if (!dialog.open) dialog.showModal();
}

