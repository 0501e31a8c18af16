// The editor of an email's text: attributes go where the cursor was, and the frame shows what is typed.

const form = document.getElementById("email");
let field = form.elements.body;
form.addEventListener("focusin", (event) => {
  if ("insertable" in event.target.dataset) field = event.target;
});
form.addEventListener("click", (event) => {
  const chip = event.target.closest("[data-insert]");
  if (!chip) return;
  field.setRangeText(chip.dataset.insert, field.selectionStart, field.selectionEnd, "end");
  field.focus();
  field.dispatchEvent(new Event("input", { bubbles: true }));
});

const preview = document.querySelector("[data-preview]");
let waiting;
form.addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(() => form.requestSubmit(preview), 500);
});
// A refused form, or one from the history of the browser, differs from what is stored.
if (form.querySelector("[role=alert]")) form.requestSubmit(preview);
