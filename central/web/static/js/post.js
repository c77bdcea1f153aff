// Words to central from a page's own script, as a form of this session.

const noted = [...crypto.getRandomValues(new Uint32Array(4))].map((one) => one.toString(16)).join("");

/** Names this page as long as it is open, so that leaving it frees what it had open and not what another tab has. */
export function tab() {
  return noted;
}

/** A form's body: `values` and the token of this session. */
export function form(csrf, values = {}) {
  return new URLSearchParams({ csrf, tab: noted, ...values });
}

/** Say it; nobody waits for the answer, and it is sent even while the page is left. */
export function say(address, csrf, values) {
  return fetch(address, {
    method: "POST",
    body: form(csrf, values),
    keepalive: true,
    headers: { "X-Sightline-Background": "1" },
  });
}
