// The steps of a verification, told one by one. The page at /verify works without this script.
const MARKS = { valid: "✓", valid_unknown_issuer: "?", invalid: "✗", checking: "…" };
const PAUSE_MS = 280;

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

function mark(text) {
  const made = element("span", { className: "mark", textContent: text });
  made.setAttribute("aria-hidden", "true");
  return made;
}

function verdict(kind, title, explanation) {
  const shown = element("div", { className: "verdict " + kind });
  shown.setAttribute("role", "status");
  shown.append(mark(MARKS[kind] || "!"));
  shown.append(element("div", {}, element("h2", { textContent: title }), element("p", { textContent: explanation })));
  return shown;
}

function tell(shown, kind, title, explanation) {
  // What is announced is a change within an element that was there before.
  shown.className = "verdict " + kind;
  shown.querySelector(".mark").textContent = MARKS[kind] || "!";
  shown.querySelector("h2").textContent = title;
  shown.querySelector("p").textContent = explanation;
}

function pause() {
  const isQuick = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  return isQuick ? Promise.resolve() : new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
}

/** That a verification has begun; what comes of it is to be shown in the same container. */
export function showChecking(container) {
  container.hidden = false;
  container.replaceChildren(verdict("checking", "Checking…", "Keys and lists are being looked up."));
}

/** Why there is no report. */
export function showFailure(container, message) {
  if (!container.querySelector(".verdict")) showChecking(container);
  tell(container.querySelector(".verdict"), "invalid", "Nothing was verified", message);
  container.querySelectorAll(":scope > :not(.verdict)").forEach((part) => part.remove());
}

/** Shows a report (the JSON of POST /verify or of /credentials/ID/verify) step by step, and the verdict at the end. */
export async function showSteps(container, report) {
  if (!container.querySelector(".verdict")) showChecking(container);
  const shown = container.querySelector(".verdict");
  const steps = element("ol", { className: "steps" });
  container.replaceChildren(shown, steps);
  for (const step of report.steps) {
    await pause();
    if (!steps.isConnected) return; // Another verification was begun meanwhile.
    const heading = element("h3", {}, step.title + " ", element("span", { className: "outcome", textContent: step.status }));
    const text = element("div", {}, heading, element("p", { textContent: step.reason }));
    steps.append(element("li", { className: step.status }, mark(step.mark), text));
  }
  await pause();
  if (!steps.isConnected) return;
  tell(shown, report.verdict, report.title, report.explanation);
  container.append(...facts(report), ...bundle(report));
}

function facts(report) {
  if (!report.shownFacts.length) return [];
  const isProven = report.verdict !== "invalid";
  const list = element("dl");
  for (const fact of report.shownFacts) {
    const text = element("dd", {}, element("bdi", { textContent: fact.text }));
    list.append(element("div", {}, element("dt", { textContent: fact.title }), text));
  }
  return [element("h2", { textContent: isProven ? "What it says" : "What it claims, which is not proven" }), list];
}

function bundle(report) {
  if (!report.bundleUrl) return [];
  const link = element("a", { className: "button quiet", href: report.bundleUrl, textContent: "Download proof bundle" });
  link.setAttribute("download", "");
  const about = "A ZIP with the credential, its issuer’s keys and the list of revocations: enough to verify it without this server.";
  return [element("p", {}, link), element("p", { className: "fine", textContent: about })];
}

/** Asks this server for a report and shows it. */
export async function verifyInto(container, address, options = {}) {
  showChecking(container);
  const shown = container.firstChild;
  try {
    const answer = await fetch(address, { ...options, headers: { Accept: "application/json" } });
    const told = await answer.json();
    if (!shown.isConnected) return;
    if (answer.ok) await showSteps(container, told);
    else showFailure(container, told.detail + ".");
  } catch {
    if (shown.isConnected) showFailure(container, "The server could not be reached. Try again in a moment.");
  }
}

const form = document.querySelector("form#verify");
const result = document.querySelector("#result");
const drop = document.querySelector("#drop");

function submit() {
  const file = form.elements.file.files[0];
  const limit = 5000000;
  if (file && file.size > limit) {
    showChecking(result);
    showFailure(result, "The file is larger than 5 MB, which no badge needs to be.");
  } else {
    verifyInto(result, form.action, { method: "POST", body: new FormData(form) });
  }
  result.scrollIntoView({ block: "nearest" });
}

if (form && result && drop) {
  document.querySelector("#drop-hint").hidden = false;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    submit();
  });
  form.elements.file.addEventListener("change", () => {
    if (form.elements.file.files.length) form.elements.url.value = "";
  });
  form.elements.url.addEventListener("input", () => {
    form.elements.file.value = "";
  });
  for (const kind of ["dragover", "dragleave", "drop"]) {
    // A file that misses the field would otherwise replace the page.
    window.addEventListener(kind, (event) => {
      event.preventDefault();
      drop.classList.toggle("over", kind === "dragover");
    });
  }
  window.addEventListener("drop", (event) => {
    if (!event.dataTransfer.files.length) return;
    form.elements.file.files = event.dataTransfer.files;
    form.elements.url.value = "";
    submit();
  });
}
