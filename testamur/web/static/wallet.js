// Copying the link is a convenience: without this script the link can be selected and copied by hand.
const field = document.querySelector("#link");
const button = document.querySelector("#copy");
const status = document.querySelector("#copied");

async function copy() {
  field.select();
  try {
    await navigator.clipboard.writeText(field.value);
  } catch {
    // Browsers offer the clipboard on https only; this older way works on plain http too.
    document.execCommand("copy");
  }
  status.textContent = "Link copied";
}

if (field && button && status) {
  button.hidden = false;
  button.addEventListener("click", copy);
  field.addEventListener("focus", () => field.select());
}
