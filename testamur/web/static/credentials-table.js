// The table of credentials by keyboard, and ticks that hold for all that match.
const rows = () => [...document.querySelectorAll("tr[data-row]")];
const linkOf = (row) => row.querySelector("th a");

function move(step) {
  const all = rows();
  if (!all.length) return;
  const here = all.indexOf(document.activeElement.closest?.("tr[data-row]"));
  const next = here < 0 ? (step > 0 ? 0 : all.length - 1) : Math.min(Math.max(here + step, 0), all.length - 1);
  linkOf(all[next]).focus();
  all[next].scrollIntoView({ block: "nearest" });
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  const target = event.target;
  const isTyping = target.closest?.("input:not([type=checkbox]), textarea, select, [contenteditable]");
  const row = target.closest?.("tr[data-row]");
  if (isTyping) {
    // From the search straight into what it found.
    if (event.key === "ArrowDown" && target.matches("[data-search]")) {
      event.preventDefault();
      move(1);
    }
    return;
  }
  if (event.key === "j" || (event.key === "ArrowDown" && row)) move(1);
  else if (event.key === "k" || (event.key === "ArrowUp" && row)) move(-1);
  else if (row && (event.key === "x" || (event.key === " " && target.matches("a")))) {
    row.querySelector("input[type=checkbox]").click();
    linkOf(row).focus();
  } else if (event.key === "?") document.getElementById("keys").showModal();
  else return;
  event.preventDefault();
});

// All that match are more than the rows on this page: then these are all ticked, and a tick taken away ends it.
document.addEventListener("change", (event) => {
  const everything = document.querySelector("[data-everything]");
  if (!everything) return;
  const all = document.querySelector("[data-select-all]");
  if (event.target === everything && everything.checked && !all.checked) all.click();
  else if (event.target !== everything && everything.checked && !all.checked) everything.checked = false;
});
