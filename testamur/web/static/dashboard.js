// What all pages of the dashboard do in a browser. Without it every page still works; this makes it quicker.

// A form is sent once, however often its button is pressed.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method === "dialog") return;
  // What goes into a frame leaves the page as it is.
  if (event.submitter?.formTarget) return;
  if (form.classList.contains("busy")) {
    event.preventDefault();
    return;
  }
  form.classList.add("busy");
  form.setAttribute("aria-busy", "true");
});
// Back from the next page by the browser's button, or after a download: the form may be sent again.
const ready = (form) => {
  form.classList.remove("busy");
  form.removeAttribute("aria-busy");
};
addEventListener("pageshow", () => document.querySelectorAll("form.busy").forEach(ready));
document.addEventListener("submit", (event) => {
  if ("download" in event.target.dataset) setTimeout(() => ready(event.target), 2000);
});
document.addEventListener("htmx:afterRequest", (event) => {
  const form = event.detail.elt.closest("form");
  if (form) ready(form);
});

document.addEventListener("click", async (event) => {
  const copy = event.target.closest("[data-copy]");
  if (copy) {
    const source = document.getElementById(copy.dataset.copy);
    await navigator.clipboard.writeText(source.value ?? source.textContent);
    const label = copy.querySelector("[data-copied]") ?? copy;
    label.dataset.before ??= label.textContent;
    label.textContent = copy.dataset.done;
    setTimeout(() => (label.textContent = label.dataset.before), 2000);
    return;
  }
  const opener = event.target.closest("[data-dialog]");
  if (opener) {
    event.preventDefault();
    document.getElementById(opener.dataset.dialog).showModal();
    return;
  }
  if (event.target.closest("[data-close]")) event.target.closest("dialog")?.close();
  // A menu closes when something else is clicked.
  for (const menu of document.querySelectorAll("details.menu[open], details.switcher[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    const menu = event.target.closest?.("details.menu[open], details.switcher[open]");
    if (menu) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  }
  const isTyping = event.target.closest?.("input, textarea, select, [contenteditable]");
  if (event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey && !event.altKey) {
    const search = document.querySelector("[data-search]");
    if (search) {
      event.preventDefault();
      search.focus();
      search.select();
    }
  }
});

// A file that is dropped is the file of the field inside.
for (const name of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(name, (event) => {
    const area = event.target.closest?.(".drop");
    if (!area) return;
    event.preventDefault();
    area.classList.toggle("over", name === "dragover");
    const field = area.querySelector("input[type=file]");
    if (name === "drop" && field && event.dataTransfer.files.length) {
      field.files = event.dataTransfer.files;
      field.dispatchEvent(new Event("change", { bubbles: true }));
    }
  });
}
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-submit-on-change]")) event.target.form.requestSubmit();
  // Boxes of rows: the first one ticks all, and what can be done with them shows while any is ticked.
  const table = event.target.closest("[data-selectable]");
  if (!table || event.target.type !== "checkbox") return;
  const boxes = [...table.querySelectorAll("tbody input[type=checkbox]")];
  const all = table.querySelector("[data-select-all]");
  if (event.target === all) boxes.forEach((box) => (box.checked = all.checked));
  const ticked = boxes.filter((box) => box.checked).length;
  boxes.forEach((box) => box.closest("tr").classList.toggle("selected", box.checked));
  all.checked = ticked > 0 && ticked === boxes.length;
  all.indeterminate = ticked > 0 && ticked < boxes.length;
  const bar = table.querySelector(".selection");
  if (bar) {
    bar.hidden = ticked === 0;
    bar.querySelectorAll("[data-ticked]").forEach((place) => (place.textContent = ticked));
  }
});
