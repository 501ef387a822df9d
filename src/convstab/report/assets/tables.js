"use strict";

/** Order of two cells: numbers by size, then words; what is not known comes last in either direction. */
function compare(first, second, direction) {
  if (first === "" || second === "") return (first === "") - (second === "");
  const [a, b] = [Number(first), Number(second)];
  const numbers = !Number.isNaN(a) && !Number.isNaN(b);
  return direction * (numbers ? a - b : first.localeCompare(second, "en", { numeric: true }));
}

/** Sort the rows of a table by a column, the other way round when it is sorted by it already. */
function sortBy(table, heads, column) {
  const head = heads[column];
  const direction = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
  const value = (row) => row.cells[column].dataset.value;
  const rows = [...table.tBodies[0].rows].sort((a, b) => compare(value(a), value(b), direction));
  table.tBodies[0].append(...rows);
  heads.forEach((other) => other.setAttribute("aria-sort", "none"));
  head.setAttribute("aria-sort", direction === 1 ? "ascending" : "descending");
}

/** Give each column of a table a button in its head that sorts by it. */
function makeSortable(table) {
  const heads = [...table.tHead.rows[table.tHead.rows.length - 1].cells];
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    button.addEventListener("click", () => sortBy(table, heads, column));
    head.append(button);
    head.setAttribute("aria-sort", "none");
  });
}

const MANY = 8; // rows, from which on a table can be searched

/** The cells that a reader sees, row by row, as comma-separated values. */
function asCsv(table) {
  const heads = table.tHead.rows[table.tHead.rows.length - 1];
  const groups = table.tHead.rows.length > 1 ? groupNames(table.tHead.rows[0]) : [];
  const quoted = (text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const line = (row, before = []) =>
    [...row.cells].map((cell, at) => quoted(`${before[at] ?? ""}${cell.textContent.trim()}`)).join(",");
  return [line(heads, groups), ...[...table.tBodies[0].rows].filter((row) => !row.hidden).map((row) => line(row))].join("\n") + "\n";
}

/** What stands above each column, over all that it spans. */
function groupNames(row) {
  return [...row.cells].flatMap((cell) => {
    const name = cell.textContent.trim();
    return new Array(cell.colSpan).fill(name && `${name}: `);
  });
}

/** Let the reader keep a file. */
function save(text, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}

/** A field that leaves the rows that hold some words. */
function searchField(table, label) {
  const field = document.createElement("input");
  Object.assign(field, { type: "search", placeholder: "Search rows" });
  field.setAttribute("aria-label", `Search the rows of ${label}`);
  field.addEventListener("input", () => {
    const words = field.value.trim().toLowerCase();
    for (const row of table.tBodies[0].rows) row.hidden = !row.textContent.toLowerCase().includes(words);
  });
  return field;
}

/** Above a table: a button that saves it as CSV, and a field that searches it where it is long. */
function addTools(table) {
  const box = table.closest(".scroll");
  const label = box.getAttribute("aria-label");
  const [tools, button] = [document.createElement("div"), document.createElement("button")];
  tools.className = "tools";
  button.type = "button";
  button.textContent = "CSV";
  button.setAttribute("aria-label", `Save ${label} as CSV`);
  const name = label.toLowerCase().replace(/[^a-z0-9]+/g, "_").replace(/^_|_$/g, "");
  button.addEventListener("click", () => save(asCsv(table), `${name}.csv`));
  if (table.tBodies[0].rows.length > MANY) tools.append(searchField(table, label));
  tools.append(button);
  box.before(tools);
}
