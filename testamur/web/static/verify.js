// The steps of a verification, told one by one. The page at /verify works without this script.
const PAUSE_MS = 280;

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

function verdict() {
  const mark = element("span", { className: "mark" });
  mark.setAttribute("aria-hidden", "true");
  const shown = element("div", {}, mark, element("div", {}, element("h2"), element("p")));
  shown.setAttribute("role", "status");
  return shown;
}

function tell(shown, kind, mark, title, explanation) {
  // What is announced is a change within an element that was there before.
  shown.className = kind;
  shown.querySelector(".mark").textContent = mark;
  shown.querySelector("h2").textContent = title;
  shown.querySelector("p").textContent = explanation;
}

function pause() {
  const isQuick = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  return isQuick ? Promise.resolve() : new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
}

/** That a verification has begun; what comes of it is to be shown in the same container, which brings the words. */
export function showChecking(container) {
  container.hidden = false;
  const shown = verdict();
  tell(shown, "verdict checking", "…", container.dataset.checking, container.dataset.lookingUp);
  container.replaceChildren(shown);
}

/** Why there is no report. */
export function showFailure(container, message) {
  if (!container.querySelector(".verdict")) showChecking(container);
  tell(container.querySelector(".verdict"), "verdict invalid", "!", container.dataset.failed, message);
  container.querySelectorAll(":scope > :not(.verdict)").forEach((part) => part.remove());
}

/** Shows what the page of a verification says, in the words of that page: step by step, and the verdict at the end. */
async function showSteps(container, told) {
  const shown = container.querySelector(".verdict");
  const found = told.querySelector(".verdict");
  const steps = element("ol", { className: "steps" });
  container.replaceChildren(shown, steps);
  for (const step of told.querySelectorAll(".steps > li")) {
    await pause();
    if (!steps.isConnected) return; // Another verification was begun meanwhile.
    steps.append(step);
  }
  await pause();
  if (!steps.isConnected) return;
  const [mark, title, explanation] = found.querySelectorAll(".mark, h2, p");
  tell(shown, found.className, mark.textContent, title.textContent, explanation.textContent);
  container.append(...told.querySelectorAll(":scope > :not(.verdict, .steps)"));
}

/** Asks this server for the page of a verification and shows the result that is on it. */
export async function verifyInto(container, address, options = {}) {
  showChecking(container);
  const shown = container.firstChild;
  try {
    const answer = await fetch(address, { ...options, headers: { Accept: "text/html" } });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (!shown.isConnected) return;
    const told = page.querySelector("#result");
    if (told && told.querySelector(".verdict")) await showSteps(container, told);
    else showFailure(container, page.querySelector(".lead").textContent);
  } catch {
    if (shown.isConnected) showFailure(container, container.dataset.unreachable);
  }
}

const form = document.querySelector("form#verify");
const result = document.querySelector("#result");
const drop = document.querySelector("#drop");

function submit() {
  const file = form.elements.file.files[0];
  if (file && file.size > Number(form.dataset.bytesMax)) {
    showChecking(result);
    showFailure(result, form.dataset.tooLarge);
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
