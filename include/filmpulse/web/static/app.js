// What the pages need beyond htmx: questions before what cannot be undone, and focus after a swap.
"use strict";

// A form with data-ask is sent only after a yes.
document.addEventListener("submit", (event) => {
  const question = event.target.dataset.ask;
  if (question && !window.confirm(question)) event.preventDefault();
}, true);

// A button with data-opens opens its dialog; data-closes closes the one around it.
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-opens], [data-closes]");
  if (!button) return;
  if (button.dataset.opens) {
    document.getElementById(button.dataset.opens)?.showModal();
  } else {
    button.closest("dialog")?.close();
  }
});

// Arrow keys walk a list of suggestions, from the box that asked for it: all that can be pressed, or what
// the selector in data-walks chooses.
document.addEventListener("keydown", (event) => {
  if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
  const box = event.target.closest("[data-suggests]");
  const list = event.target.closest(".suggestions") ?? (box && document.getElementById(box.dataset.suggests));
  if (!list) return;
  const items = [...list.querySelectorAll(list.dataset.walks ?? "a, button")];
  if (!items.length) return;
  const step = event.key === "ArrowDown" ? 1 : -1;
  const at = items.indexOf(document.activeElement);
  items[Math.max(0, Math.min(items.length - 1, at + step))].focus();
  event.preventDefault();
});
