"use strict";

const STARTS = { rates: startRates, scatter: startScatter, attack: startAttack, ledger: startLedger, differences: startDifferences };

/** Draw the charts of a figure when it is about to be seen, or the page has time, in place of its pictures; keep those when it fails. */
function startFigure(figure, watcher) {
  const source = figure.querySelector('script[type="application/json"]');
  if (!source) return;
  const live = figure.querySelector(".live");
  live.hidden = false;
  figure.classList.add("drawn");
  figure.start = () => {
    watcher.unobserve(figure);
    try {
      const draw = STARTS[figure.dataset.kind](figure, JSON.parse(source.textContent));
      draw();
      redraws.push(draw);
      figure.dataset.ready = "yes";
    } catch (error) {
      live.hidden = true;
      figure.classList.remove("drawn");
      throw error;
    }
  };
  watcher.observe(figure);
}

/** Draw what was not seen yet, one figure after another, while the page has nothing else to do. */
function drawTheRest() {
  const figure = document.querySelector("figure.report-figure.drawn:not([data-ready])");
  if (!figure) return;
  whenIdle(drawTheRest); // before: one that fails keeps its pictures, and the next is drawn all the same
  figure.start();
}

const whenIdle = (work) => (window.requestIdleCallback ? requestIdleCallback(work) : setTimeout(work, 100));

const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%:()*+-;,=.?@^_`{|}~"; // as page.py writes them

/** The bytes that letters of base 85 stand for: four for five letters. */
function bytesOf(letters) {
  const digit = new Uint8Array(128);
  [...DIGITS].forEach((letter, value) => (digit[letter.charCodeAt(0)] = value));
  const view = new DataView(new ArrayBuffer(4 * Math.ceil(letters.length / 5)));
  for (let at = 0; at < letters.length; at += 5) {
    let value = 0;
    for (let place = at; place < at + 5; place++) value = 85 * value + (place < letters.length ? digit[letters.charCodeAt(place)] : 84);
    view.setUint32((at / 5) * 4, value);
  }
  return new Uint8Array(view.buffer, 0, Math.floor((4 * letters.length) / 5));
}

/** Run Plotly, which the page holds packed; its policy knows the hash of what comes out. */
async function unpackPlotly() {
  const packed = bytesOf(document.getElementById("plotly").textContent);
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const script = document.createElement("script");
  script.textContent = await new Response(stream).text();
  document.head.append(script);
}

async function startPage() {
  startTheme();
  document.querySelectorAll("details[data-folded]").forEach((part) => (part.open = false)); // without scripts all is there
  window.addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((part) => (part.open = true)));
  document.querySelectorAll(".scripted").forEach((part) => (part.hidden = false));
  document.querySelectorAll("table.sortable").forEach(makeSortable);
  document.querySelectorAll("main table").forEach(addTools);
  await unpackPlotly(); // a browser that cannot keeps the pictures
  const seen = (entries) => entries.filter((entry) => entry.isIntersecting).forEach((entry) => entry.target.start());
  const watcher = new IntersectionObserver(seen, { rootMargin: "600px 0px" });
  document.querySelectorAll("figure.report-figure").forEach((figure) => startFigure(figure, watcher));
  whenIdle(drawTheRest);
}

startPage();
