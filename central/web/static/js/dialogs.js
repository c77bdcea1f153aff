// Dialogs by id. No side effects: page.js carries a version in its address, so importing it would run it twice.

/** Open the dialog of that id, if the page has it. */
export function show(id) {
  const dialog = document.getElementById(id);
  if (!dialog) return false;
  if (!dialog.open) dialog.showModal();
  return true;
}
