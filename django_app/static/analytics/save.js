/* A card's table as CSV and JSON, its picture as PNG, each handed to the browser as a download. Values are exact: from data-v where a cell has it. */
const EAsave = (() => {
  "use strict";
  /* As the server writes them: no control character, also none that turns the direction of writing, and no cell that a spreadsheet runs. */
  const CONTROLS = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\u2028\u2029]/g;
  const FORMULA = /^[ \ufffd]*[=+\-@＝＋－＠]/;
  const inert = (text) => text.replace(CONTROLS, "\ufffd");

  const barred = (table) => [...table.tHead.rows[0].cells].map((head) => head.textContent.trim() === "Bar");
  const words = (cell) => inert([...cell.childNodes].map((node) => node.textContent.trim()).filter(Boolean).join(" ").replace(/\s+/g, " "));
  const columns = (row, table) => [...row.cells].filter((cell) => !barred(table)[cell.cellIndex]);
  const rows = (table, part) => [...part.rows].filter((row) => !row.matches(".detail")).map((row) => columns(row, table));

  function csvCell(cell) {
    const exact = cell.dataset.v, text = words(cell);
    const safe = exact ?? (FORMULA.test(text) ? `'${text}` : text);
    return /[",\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  }
  const csv = (table) => rows(table, table).map((cells) => cells.map(csvCell).join(",")).join("\r\n");

  /* One object a row, keyed by the column heads. */
  function json(table) {
    const heads = columns(table.tHead.rows[0], table).map(words);
    const found = rows(table, table.tBodies[0]).map((cells) => cells.map((cell) => cell.dataset.v ?? words(cell)));
    return JSON.stringify(found.map((texts) => Object.fromEntries(texts.map((text, i) => [heads[i] || `column ${i + 1}`, text]))), null, 1);
  }

  const slug = (card) => card.querySelector("h2, h3").firstChild.textContent.trim().toLowerCase().replace(/[^a-z0-9]+/g, "-");
  function save(card, ending, blob) {
    const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: `${slug(card)}.${ending}` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }
  const table = (card) => card.querySelector("table");
  return {
    csv: (card) => save(card, "csv", new Blob([csv(table(card))], { type: "text/csv" })),
    json: (card) => save(card, "json", new Blob([json(table(card))], { type: "application/json" })),
    png: (card) => EApicture.of(card).toBlob((blob) => save(card, "png", blob)),
  };
})();
