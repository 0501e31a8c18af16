// Conveniences of a credential's page; everything that matters on it works without this script.
const field = document.querySelector("#link");
const button = document.querySelector("#copy");
const status = document.querySelector("#copied");

// Who comes by the link in the mail is the recipient, here and whenever this browser comes back.
const page = window.location.pathname;
const marker = "recipient:" + page;
const parameters = new URLSearchParams(window.location.search);
if (parameters.get("recipient") === "true") {
  remember();
  parameters.delete("recipient");
  const query = parameters.toString();
  window.history.replaceState(null, "", page + (query ? "?" + query : ""));
}

function remember() {
  try {
    window.localStorage.setItem(marker, "true");
  } catch {
    // A browser that keeps nothing counts as a guest next time.
  }
}

function isRecipient() {
  try {
    return window.localStorage.getItem(marker) === "true";
  } catch {
    return false;
  }
}

function tell(eventType) {
  const body = JSON.stringify({ eventType, triggeredBy: isRecipient() ? "recipient" : "guest" });
  // Counting must never be in a visitor's way.
  fetch(page.replace(/\/$/, "") + "/interactions", { method: "POST", body, keepalive: true }).catch(() => {});
}

async function copyFrom(input) {
  input.select();
  try {
    await navigator.clipboard.writeText(input.value);
  } catch {
    // Browsers offer the clipboard on https only; this older way works on plain http too.
    document.execCommand("copy");
  }
}

async function copy() {
  await copyFrom(field);
  status.textContent = button.dataset.copied;
  tell("credential_link_copied");
}

const verify = document.querySelector("#verify-this");
const verification = document.querySelector("#verification");
if (verify && verification) {
  verify.addEventListener("click", async (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    try {
      // Its address carries a digest, which the page knows and this script does not.
      const { verifyInto } = await import(verify.dataset.script);
      const { pathname, search } = new URL(verify.href);
      await verifyInto(verification, pathname + search);
    } catch {
      window.location.assign(verify.href);
    }
  });
}

for (const each of document.querySelectorAll("[data-copies]")) {
  const input = document.getElementById(each.dataset.copies);
  each.hidden = false;
  each.addEventListener("click", async () => {
    await copyFrom(input);
    status.textContent = status.dataset.copied + ": " + input.labels[0].textContent;
  });
}
for (const each of document.querySelectorAll("[data-event]")) {
  each.addEventListener("click", () => tell(each.dataset.event));
}

if (field && button && status) {
  button.hidden = false;
  button.addEventListener("click", copy);
  field.addEventListener("focus", () => field.select());
  for (const link of document.querySelectorAll("a[download]")) {
    link.addEventListener("click", () => tell("credential_downloaded"));
  }
  tell("credential_viewed");
}
