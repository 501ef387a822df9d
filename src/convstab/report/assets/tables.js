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
