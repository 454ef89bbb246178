// Files are sent one after another as soon as they are dropped or chosen; a table goes to its own form.
"use strict";

(() => {
  const form = document.getElementById("drop");
  if (!form) return;
  const input = form.querySelector("input[type=file]");
  const results = document.getElementById("results");
  const table = document.getElementById("table-file");
  const isTable = (name) => /\.(csv|tsv|jsonl|ndjson|xlsx|json(?=\.gz))(\.gz)?$/i.test(name);
  // The server's limit and words, said before 25 MB are sent in vain. A request has one file, so it
  // never reaches the server's limit of 64 MB.
  const tooLarge = (file) => file.size > 25_000_000;
  const pageTooLarge = "Larger than 25 MB: a saved page is 1-3 MB; divide a ZIP into smaller ones.";
  const tableTooLarge = "Larger than 25 MB: `filmpulse import reviews` takes larger tables, as a stream.";
  const token = JSON.parse(document.body.getAttribute("hx-headers"));
  document.documentElement.classList.add("has-script");

  // One line of the list; its text is never read as HTML.
  const line = (state, name, sentence) => {
    const item = document.createElement("li");
    item.className = `result ${state}`;
    const chip = document.createElement("span");
    chip.className = "chip";
    chip.textContent = state;
    const text = document.createElement("span");
    const own = document.createElement("bdi");
    own.textContent = name;
    text.append(own, `: ${sentence}`);
    item.append(chip, " ", text);
    results.append(item);
    return item;
  };

  const toTable = (file) => {
    const one = new DataTransfer();
    one.items.add(file);
    table.files = one.files;
    table.dispatchEvent(new Event("change", { bubbles: true }));
    table.focus();
  };

  const send = async (file) => {
    const item = line("sending", file.name, "being read …");
    const data = new FormData();
    data.append("files", file);
    data.append("modified", String(file.lastModified));
    data.append("movie", form.elements.movie.value);
    try {
      const answer = await fetch(form.action, { method: "POST", body: data, headers: { ...token, "HX-Request": "true" } });
      const text = await answer.text();
      if (answer.ok) {
        item.outerHTML = text;  // our own page's part, escaped on the server
      } else {
        const said = new DOMParser().parseFromString(text, "text/html").body.textContent.trim();
        item.remove();
        line("refused", file.name, said.slice(0, 300) || `the server answered ${answer.status}`);
      }
    } catch {
      item.remove();
      line("refused", file.name, "the connection was lost: add it again");
    }
  };

  let turn = Promise.resolve();
  const take = (files) => {
    const tables = [...files].filter((file) => table && isTable(file.name));
    for (const file of files) {
      if (tables.includes(file)) continue;
      if (tooLarge(file)) line("refused", file.name, pageTooLarge);
      else turn = turn.then(() => send(file));
    }
    if (tables.length) toTable(tables[0]);
    for (const file of tables.slice(1)) line("table", file.name, "one table at a time: choose it next");
    turn = turn.then(() => {
      const inbox = document.getElementById("inbox");
      if (inbox) window.htmx.trigger(inbox, "refresh");
    });
  };

  table?.form.addEventListener("htmx:beforeRequest", (event) => {
    if (event.target !== table.form || !table.files.length || !tooLarge(table.files[0])) return;
    event.preventDefault();
    const said = document.createElement("p");
    said.className = "notice bad";
    said.setAttribute("role", "alert");
    said.textContent = tableTooLarge;
    document.getElementById("table-map").replaceChildren(said);
  });

  input.addEventListener("change", () => {
    take([...input.files]);
    input.value = "";
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  // Files may be dropped anywhere: one that misses the zone must not replace the page.
  for (const kind of ["dragover", "dragleave", "drop"]) {
    window.addEventListener(kind, (event) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      form.classList.toggle("is-over", kind === "dragover");
      if (kind === "drop") take([...event.dataTransfer.files]);
    });
  }
})();
