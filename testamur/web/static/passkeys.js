// Forms with data-passkey ask the browser for a passkey ("get") or to make one ("create") before they are sent. What the
// browser shall be asked comes from the address in data-request; its answer goes into the field "answer".

const fromText = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (char) => char.charCodeAt(0));
const toText = (bytes) =>
  btoa(String.fromCharCode(...new Uint8Array(bytes))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

function toRequest(told) {
  const request = { ...told, challenge: fromText(told.challenge) };
  if (told.user) request.user = { ...told.user, id: fromText(told.user.id) };
  for (const name of ["excludeCredentials", "allowCredentials"]) {
    if (told[name]) request[name] = told[name].map((item) => ({ ...item, id: fromText(item.id) }));
  }
  return request;
}

function toAnswer(credential) {
  const response = {};
  for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (credential.response[name]) response[name] = toText(credential.response[name]);
  }
  return { id: credential.id, rawId: toText(credential.rawId), type: credential.type, response };
}

async function ask(form) {
  const told = await fetch(form.dataset.request, { method: "POST", headers: { Accept: "application/json" } });
  if (!told.ok) throw new Error(String(told.status));
  const publicKey = toRequest(await told.json());
  const credential =
    form.dataset.passkey === "create"
      ? await navigator.credentials.create({ publicKey })
      : await navigator.credentials.get({ publicKey });
  form.elements.answer.value = JSON.stringify(toAnswer(credential));
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
  // Where a browser has no passkeys, there is nothing to press.
  form.hidden = !window.PublicKeyCredential;
  const fault = form.querySelector("[data-passkey-fault]");
  form.addEventListener("submit", async (event) => {
    if (form.elements.answer.value) return;
    event.preventDefault();
    event.stopPropagation();
    fault.hidden = true;
    const button = form.querySelector("button[type=submit]");
    button.disabled = true;
    try {
      await ask(form);
      button.disabled = false;
      form.requestSubmit();
    } catch {
      fault.textContent = fault.dataset.refused;
      fault.hidden = false;
      button.disabled = false;
      button.focus();
    }
  });
}
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-passkey]")) form.elements.answer.value = "";
});
