// The next step of what is done to many credentials is sent by itself.
const form = document.querySelector("[data-goes-on]");
if (form) requestAnimationFrame(() => form.requestSubmit());
