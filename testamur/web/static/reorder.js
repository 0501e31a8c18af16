// Lists whose order matters: by dragging, by touch, or with the arrow buttons. Without this the buttons send the form.

const said = (list, item) => {
  const items = [...list.children];
  const place = { name: item.dataset.name, place: items.indexOf(item) + 1, count: items.length };
  const status = document.getElementById("arranged");
  status.textContent = list.dataset.said.replace(/{(\w+)}/g, (_, word) => place[word]);
};
const changed = (list) => list.dispatchEvent(new Event("change", { bubbles: true }));

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-reorder] [data-move]");
  if (!button) return;
  event.preventDefault();
  const item = button.closest("li");
  const list = item.parentElement;
  const isUp = button.dataset.move === "up";
  const other = isUp ? item.previousElementSibling : item.nextElementSibling;
  if (other) {
    isUp ? other.before(item) : other.after(item);
    // What is moved in the page loses the focus.
    button.focus();
    changed(list);
  }
  said(list, item);
});

let dragged = null;
document.addEventListener("pointerdown", (event) => {
  const grip = event.target.closest("[data-reorder] [data-grip]");
  if (!grip || event.button !== 0) return;
  event.preventDefault();
  const item = grip.closest("li");
  dragged = { item, list: item.parentElement, before: [...item.parentElement.children] };
  item.classList.add("dragged");
});
document.addEventListener("pointermove", (event) => {
  if (!dragged) return;
  const { item, list } = dragged;
  const others = [...list.children].filter((child) => child !== item);
  const next = others.find((child) => {
    const box = child.getBoundingClientRect();
    return event.clientY < box.top + box.height / 2;
  });
  if (next !== item.nextElementSibling) list.insertBefore(item, next ?? null);
});
const drop = () => {
  if (!dragged) return;
  const { item, list, before } = dragged;
  dragged = null;
  item.classList.remove("dragged");
  if ([...list.children].some((child, place) => child !== before[place])) {
    said(list, item);
    changed(list);
  }
};
document.addEventListener("pointerup", drop);
document.addEventListener("pointercancel", drop);

// Enter in a field that only searches must not send the form around it.
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.target.matches("[data-enter=ignored]")) event.preventDefault();
});
