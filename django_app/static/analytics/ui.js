/* Behaviour of the components. Menus and definitions need none: they are native popovers.
   An element with data-act="<name>" runs that act when it is clicked; its card, if any, is its nearest .card. */
const EAui = (() => {
  "use strict";
  const root = document.documentElement;
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];

  /* Say something to screen readers, politely. What the reader did: at once. Live numbers: one sentence at most
     every 30 s, say(text, 30000); the last one wins. */
  let waiting = 0, spoken = -Infinity;
  function say(text, gap = 500) {
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      document.getElementById("status").textContent = text;
      spoken = performance.now();
    }, Math.max(0, spoken + gap - performance.now()));
  }

  /* A live value: text only, and only where it differs; its width is reserved by the tile. */
  function setValue(element, text) {
    if (element.textContent === text) return false;
    element.textContent = text;
    element.classList.remove("changed");
    void element.offsetWidth;                     /* restarts the animation */
    element.classList.add("changed");
    return true;
  }

  /* Theme: system > light > dark, kept in the cookie "theme"; the server renders data-theme from it, so nothing flashes. */
  const THEMES = ["system", "light", "dark"];
  const current = () => root.dataset.theme || "system";
  function nameTheme() {
    all("[data-act=theme]").forEach((button) => button.setAttribute("aria-label", `Theme: ${current()}. Change theme`));
  }
  function setTheme(theme) {
    if (theme === "system") delete root.dataset.theme;
    else root.dataset.theme = theme;
    setCookie("theme", theme);
    nameTheme();
  }
  function setCookie(name, value) {
    const secure = location.protocol === "https:" ? "; secure" : "";
    document.cookie = `${name}=${value}; path=/; max-age=31536000; samesite=lax${secure}`;
  }

  function save(name, blob) {
    const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }
  const slug = (card) => card.querySelector("h2, h3").firstChild.textContent.trim().toLowerCase().replace(/[^a-z0-9]+/g, "-");

  /* The table of a live card as CSV: exact values from data-v, text that a spreadsheet would run as a formula is quoted. */
  function csvCell(cell) {
    const exact = cell.dataset.v !== undefined;
    const text = (exact ? cell.dataset.v : cell.textContent).trim().replace(/\s+/g, " ");
    const safe = !exact && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
    return /[",\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  }
  /* The same as JSON: one object a row, keyed by the column heads; numbers exact. */
  function json(table) {
    const heads = [...table.tHead.rows[0].cells].map((head) => head.textContent.trim());
    const rows = [...table.tBodies[0].rows].map((row) => [...row.cells].map((cell) => cell.dataset.v ?? cell.textContent.trim().replace(/\s+/g, " ")));
    return JSON.stringify(rows.map((row) => Object.fromEntries(row.map((text, i) => [heads[i] || `column ${i + 1}`, text]))), null, 1);
  }
  const csv = (table) => all("tr", table).map((row) => [...row.cells].map(csvCell).join(",")).join("\r\n");

  /* The chart on the card's own background: a canvas alone is transparent. */
  function picture(canvas) {
    const copy = Object.assign(document.createElement("canvas"), { width: canvas.width, height: canvas.height });
    const context = copy.getContext("2d");
    context.fillStyle = EA.colour("surface");
    context.fillRect(0, 0, copy.width, copy.height);
    context.drawImage(canvas, 0, 0);
    return copy;
  }

  const acts = {
    theme() {
      setTheme(THEMES[(THEMES.indexOf(current()) + 1) % THEMES.length]);
      say(`Theme: ${current()}`);
    },
    view(button, card) {
      const table = button.value === "table";
      all("[data-act=view]", card).forEach((other) => other.setAttribute("aria-pressed", other === button));
      card.querySelector(".plot").hidden = table;
      card.querySelector(".plot + .table-wrap").hidden = !table;
      card.querySelector(".legend")?.toggleAttribute("hidden", table);
    },
    csv(_button, card) { save(`${slug(card)}.csv`, new Blob([csv(card.querySelector("table"))], { type: "text/csv" })); },
    json(_button, card) { save(`${slug(card)}.json`, new Blob([json(card.querySelector("table"))], { type: "application/json" })); },
    print() { window.print(); },
    png(_button, card) { picture(card.querySelector("canvas")).toBlob((blob) => save(`${slug(card)}.png`, blob)); },
    full(_button, card) {
      if (document.fullscreenElement) document.exitFullscreen();
      else card.requestFullscreen();
    },
    pause(button) {
      const paused = button.getAttribute("aria-pressed") !== "true";
      button.setAttribute("aria-pressed", paused);
      button.lastElementChild.textContent = paused ? "Resume" : "Pause";
      say(paused ? "Feed paused" : "Feed resumed");
    },
    dismiss(button) {                             /* data-keep: the choice is kept in a cookie of that name */
      if (button.dataset.keep) setCookie(button.dataset.keep, "hidden");
      button.closest(".toast, .banner, .card").remove();
    },
    copy(button) {
      navigator.clipboard.writeText(button.previousElementSibling.textContent)
        .then(() => say("Copied"), () => say("Not copied: select the text and copy it"));
    },
    reveal(button) {
      const row = document.getElementById(button.getAttribute("aria-controls"));
      row.hidden = !row.hidden;
      button.setAttribute("aria-expanded", !row.hidden);
    },
  };

  document.addEventListener("click", (event) => {
    const control = event.target.closest("[data-act]");
    if (control && acts[control.dataset.act]) acts[control.dataset.act](control, control.closest(".card"));
  });
  document.addEventListener("click", (event) => { /* a choice made in a menu closes it; a link leaves the page anyway */
    if (event.target.closest(".menu :is(a, button)")) event.target.closest("[popover]")?.hidePopover();
  });
  /* Loading: other days, another page or a search are on their way. A download or another tab leaves this page as it is. */
  function loading(event) {
    const link = event.target.closest("a[href]");
    if (event.type === "click" && (!link || link.hasAttribute("download") || event.metaKey || event.ctrlKey || event.shiftKey)) return;
    if (link && (link.origin !== location.origin || link.getAttribute("href").startsWith("#"))) return;
    document.getElementById("main").setAttribute("aria-busy", "true");
    say("Loading", 0);
  }
  document.addEventListener("click", loading);
  document.addEventListener("submit", loading);
  window.addEventListener("pageshow", () => document.getElementById("main").removeAttribute("aria-busy"));

  /* A definition shows while its name is pointed at or has the focus; a click or Enter shows it, too, and Esc closes it. */
  const definition = (event) => event.target.closest?.(".def");
  function define(event) {
    const name = definition(event), tip = name && document.getElementById(name.getAttribute("popovertarget"));
    if (!tip) return;
    if (event.type === "click") event.preventDefault(); /* the button alone would close what pointing at it has opened */
    if (event.type === "mouseover" && document.querySelector(".menu:popover-open")) return;
    if (event.type === "focusin" && !name.matches(":focus-visible")) return;
    if (!tip.matches(":popover-open")) tip.showPopover({ source: name });
  }
  function forget(event) {
    const name = definition(event);
    if (name && document.activeElement !== name) document.getElementById(name.getAttribute("popovertarget")).hidePopover();
  }
  ["click", "mouseover", "focusin"].forEach((type) => document.addEventListener(type, define));
  ["mouseout", "focusout"].forEach((type) => document.addEventListener(type, forget));
  nameTheme();
  return { say, setValue, setTheme };
})();
