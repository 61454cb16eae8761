// Makes the page quicker for a keyboard; without it every link and form still works.
"use strict";

(() => {
  document.documentElement.classList.add("scripted");
  const table = document.getElementById("lines");
  const search = document.getElementById("search");
  const keys = document.getElementById("keys");
  const problem = document.getElementById("problem");
  if (problem) problem.focus();
  if (!table) return;

  const body = table.tBodies[0];
  const rows = () => [...body.querySelectorAll("tr[id]")];
  const visible = () => rows().filter((row) => !row.hidden);
  const opener = (row) => row.querySelector("a.ticker");

  // Each trade is followed by a row for its reasons, filled when it is opened.
  for (const row of rows()) {
    const opened = row.insertAdjacentElement("afterend", document.createElement("tr"));
    opened.className = "opened";
    opened.hidden = true;
    const cell = opened.appendChild(document.createElement("td"));
    cell.colSpan = table.tHead.rows[0].cells.length;
    cell.className = "reasons";
  }

  const toggle = (row, show) => {
    row.nextElementSibling.hidden = !show;
    opener(row).setAttribute("aria-expanded", String(show));
  };

  body.addEventListener("htmx:beforeRequest", (event) => {
    const row = event.target.closest("tr[id]");
    if (!row) return;
    const detail = row.nextElementSibling;
    const isFilled = detail.firstElementChild.childElementCount > 0;
    if (isFilled) event.preventDefault();
    toggle(row, detail.hidden);
  });
  body.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.failed) {
      const row = event.target.closest("tr[id]");
      if (row) row.nextElementSibling.firstElementChild.textContent = "This could not be read. Reload the page.";
    }
  });

  const move = (step) => {
    const shown = visible();
    if (!shown.length) return;
    const at = shown.findIndex((row) => row.contains(document.activeElement));
    const next = at < 0 ? (step > 0 ? 0 : shown.length - 1) : Math.min(Math.max(at + step, 0), shown.length - 1);
    opener(shown[next]).focus();
    shown[next].scrollIntoView({ block: "nearest" });
  };

  // Searching and sorting need no request.
  const count = document.getElementById("shown");
  const none = document.getElementById("none-found");
  const texts = new Map(rows().map((row) => [row, row.textContent.toLowerCase()]));
  const filter = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows()) {
      row.hidden = !words.every((word) => texts.get(row).includes(word));
      if (row.hidden) toggle(row, false);
      shown += !row.hidden;
    }
    count.textContent = String(shown);
    none.hidden = shown > 0;
    document.getElementById("none-query").textContent = search.value;
  };
  search.addEventListener("input", filter);
  search.form.addEventListener("submit", (event) => { event.preventDefault(); filter(); });

  const value = (row, column) => row.cells[column].dataset.value ?? "";
  table.tHead.addEventListener("click", (event) => {
    const link = event.target.closest("a.sort");
    if (!link) return;
    event.preventDefault();
    const head = link.closest("th");
    const isNumeric = head.classList.contains("num");
    const direction = head.ariaSort === "ascending" ? "descending" : "ascending";
    for (const other of table.tHead.rows[0].cells) if (other.ariaSort) other.ariaSort = "none";
    head.ariaSort = direction;
    const sign = direction === "ascending" ? 1 : -1;
    const compare = (a, b) => {
      const [left, right] = [value(a, head.cellIndex), value(b, head.cellIndex)];
      if (left === "" || right === "") return (left === "") - (right === "");
      return sign * (isNumeric ? left - right : left.localeCompare(right));
    };
    const pairs = rows().map((row) => [row, row.nextElementSibling]).sort((a, b) => compare(a[0], b[0]));
    body.append(...pairs.flat());
  });

  // A line is struck or halved, not both.
  const changes = document.getElementById("changes");
  const box = (row, name) => row.querySelector(`input[name=${name}]`);
  changes?.addEventListener("change", (event) => {
    const { target } = event;
    if (!target.checked) return;
    const other = target.name === "strike" ? "halve" : "strike";
    box(target.closest("tr"), other).checked = false;
  });
  const press = (name) => {
    const row = rows().find((one) => one.contains(document.activeElement));
    if (row && changes) box(row, name).click();
  };
  document.addEventListener("click", (event) => {
    if (!changes || !event.target.closest("a.clear")) return;
    event.preventDefault();
    for (const one of changes.querySelectorAll("input:checked")) one.checked = false;
    for (const one of changes.querySelectorAll("input[type=hidden]:is([name=strike], [name=halve])")) one.remove();
    document.getElementById("effect").replaceChildren();
    table.focus();
  });
  // What has focus must not be under the panel.
  const panel = document.getElementById("effect-panel");
  const reveal = () => {
    const row = document.activeElement.closest("#lines tr[id]");
    if (!panel?.firstElementChild || !row) return;
    const hidden = row.getBoundingClientRect().bottom - panel.getBoundingClientRect().top;
    if (hidden > 0) window.scrollBy(0, hidden + 8);
  };
  // Not for a mouse: a page that scrolls between press and release gets no click.
  document.addEventListener("focusin", () => {
    if (document.activeElement.matches(":focus-visible")) reveal();
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    reveal();
    const opened = event.target.closest("#lines tr.opened");
    if (!opened) return;
    const end = panel?.firstElementChild ? panel.getBoundingClientRect().top : window.innerHeight;
    const below = opened.getBoundingClientRect().bottom - end;
    const above = opened.previousElementSibling.getBoundingClientRect().top - 8;
    if (below > 0) window.scrollBy(0, Math.min(below, above));
  });

  const off = document.getElementById("keys-off");
  off.checked = localStorage.getItem("keys") === "off";
  off.addEventListener("change", () => localStorage.setItem("keys", off.checked ? "off" : "on"));

  document.addEventListener("keydown", (event) => {
    const isTyping = event.target.matches("input:not([type=checkbox]), select, textarea");
    if (event.key === "Escape" && event.target === search) search.blur();
    if (isTyping || off.checked || event.ctrlKey || event.metaKey || event.altKey) return;
    const actions = {
      j: () => move(1),
      k: () => move(-1),
      x: () => press("strike"),
      h: () => press("halve"),
      "/": () => { search.focus(); search.select(); },
      "?": () => { keys.open = !keys.open; keys.firstElementChild.focus(); },
    };
    if (!(event.key in actions)) return;
    event.preventDefault();
    actions[event.key]();
  });
})();
