"use strict";

const SERIES = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "ink"]; // Okabe and Ito 2008
const BRIGHTER = { "#0072b2": "#56b4e9", "#56b4e9": "#f0e442" }; // of the same palette: in the dark, blue is hardly seen
const SYMBOLS = ["circle", "square", "diamond", "triangle-up", "triangle-down", "cross", "x"];
const SHAPES = ["●", "■", "◆", "▲", "▼", "✚", "✖"];
const CONFIG = {
  responsive: true,
  displaylogo: false,
  showSendToCloud: false,
  plotlyServerURL: "",
  modeBarButtons: [["zoom2d", "pan2d", "resetScale2d", "toImage"]],
  toImageButtonOptions: { format: "png", scale: 2 },
};

function role(figure, name) {
  return figure.querySelector(`[data-role="${name}"]`);
}

/** Text for Plotly, which reads some HTML in it. */
function escaped(text) {
  return String(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

function seriesColour(number) {
  const name = SERIES[number % SERIES.length];
  if (name === "ink") return colour("ink");
  return (isDark() && BRIGHTER[name]) || name;
}

/** The axis of the levels of a degradation, or of the PSNR that several leave. */
function levelAxis({ label, ticks, reversed }) {
  const named = ticks ? { tickvals: ticks.map((_, place) => place), ticktext: ticks } : {};
  return axis(label, { ...named, ...(reversed ? { autorange: "reversed" } : {}) });
}

/** The place of a shape; when the colours begin again, each meets the next shape. */
function shapeOf(number) {
  return (number + Math.floor(number / SERIES.length)) % SYMBOLS.length;
}

function axis(title, more = {}) {
  const line = colour("line");
  return {
    title: { text: title, standoff: 8 },
    gridcolor: line,
    linecolor: line,
    zeroline: false,
    automargin: true,
    ...more,
  };
}

/** Draw a chart, or draw it again. */
function plot(box, traces, more) {
  const layout = {
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: getComputedStyle(document.body).fontFamily, size: 12, color: colour("ink") },
    hoverlabel: { bgcolor: colour("paper"), bordercolor: colour("line"), font: { color: colour("ink") } },
    modebar: { bgcolor: "rgba(0,0,0,0)", color: colour("faint"), activecolor: colour("ink") },
    margin: { l: 52, r: 14, t: 26, b: 44 },
    hovermode: "closest",
    dragmode: false, // so that a finger scrolls the page; the buttons zoom
    showlegend: false,
    ...more,
  };
  Plotly.react(box, traces, layout, CONFIG);
  for (const drawing of box.querySelectorAll("svg.main-svg")) drawing.setAttribute("aria-hidden", "true"); // loose numbers: the box has a label
}

/** Shares in per cent; what is not known stays so. */
function inPercent(shares) {
  return shares.map((share) => (share === null ? null : 100 * share));
}

/** A line and the band of its interval. */
function withBand({ x, levels }, rates, style) {
  const band = {
    x: [...x, ...[...x].reverse()],
    y: inPercent([...rates.high, ...[...rates.low].reverse()]),
    fill: "toself",
    fillcolor: faded(style.colour, style.band ?? 0.18),
    line: { width: 0 },
    mode: "lines",
    hoverinfo: "skip",
  };
  const line = {
    x,
    y: inPercent(rates.value),
    customdata: x.map((_, at) => [...inPercent([rates.low[at], rates.high[at]]), levels[at]]),
    mode: "lines+markers",
    name: style.name,
    line: { color: style.colour, width: 1.6, dash: style.dash },
    marker: { symbol: style.symbol, size: 7 },
    hovertemplate:
      `${style.name}<br>%{customdata[2]}: %{y:.2f} %<br>95 % interval %{customdata[0]:.2f} to %{customdata[1]:.2f} %` +
      "<extra></extra>",
  };
  return [band, line];
}

/** Rows of words and what they mean, as a list of descriptions. */
function describe(list, facts) {
  const parts = facts.flatMap(([word, meaning]) => {
    const [term, text] = [document.createElement("dt"), document.createElement("dd")];
    [term.textContent, text.textContent] = [word, meaning];
    return [term, text];
  });
  list.replaceChildren(...parts);
}

/** A tile of a mosaic, enlarged without smoothing. */
function drawTile(canvas, mosaic, image, row, column, label) {
  const { width, height } = mosaic;
  [canvas.width, canvas.height] = [width, height];
  canvas.getContext("2d").drawImage(image, column * width, row * height, width, height, 0, 0, width, height);
  canvas.setAttribute("aria-label", label);
}

/**
 * Let a reader choose a dot of a chart: by pointing at it, tapping it, or with the arrow keys.
 * chosen: { order: the dots from left to right, now: the one that is chosen, show: what to do with a dot }
 */
function choosable(box, chosen) {
  const take = (event) => {
    const dot = event.points[0] && event.points[0].customdata;
    if (Number.isInteger(dot) && dot !== chosen.now) chosen.show(dot);
  };
  box.on("plotly_hover", take);
  box.on("plotly_click", take);
  box.addEventListener("keydown", (event) => {
    const steps = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
    const at = chosen.order.indexOf(chosen.now);
    const ends = { Home: 0, End: chosen.order.length - 1 };
    const next = event.key in ends ? ends[event.key] : at + (steps[event.key] ?? NaN);
    if (Number.isNaN(next)) return;
    event.preventDefault();
    if (next in chosen.order) chosen.show(chosen.order[next]);
  });
}

/** A ring around the chosen dot. */
function ring(x, y) {
  return {
    x: [x],
    y: [y],
    mode: "markers",
    hoverinfo: "skip",
    marker: { symbol: "circle-open", size: 18, color: colour("ink"), line: { width: 2 } },
  };
}

/** Accuracy and flip rate of all evaluations. */
function startRates(figure, data) {
  const key = role(figure, "key");
  const names = data.lines.map((line, number) => {
    const [entry, mark] = [document.createElement("span"), document.createElement("span")];
    mark.textContent = SHAPES[shapeOf(number)];
    entry.append(mark, ` ${line.name}`);
    key.append(entry);
    return mark;
  });
  return () => {
    for (const [name, title] of [["accuracy", "Accuracy"], ["flips", "Flip rate"]]) {
      const traces = data.lines.map((line, number) => {
        names[number].style.color = seriesColour(number);
        const style = {
          colour: seriesColour(number),
          symbol: SYMBOLS[shapeOf(number)],
          name: escaped(line.name),
          band: data.lines.length > 3 ? 0.1 : 0.18, // many bands lie over each other
        };
        return withBand(line, line[name], style);
      });
      const bands = traces.map(([band]) => band);
      plot(role(figure, name), [...bands, ...traces.map(([, line]) => line)], {
        title: { text: title, font: { size: 13 } },
        xaxis: levelAxis(data.axis),
        yaxis: axis("share of draws (%)"),
      });
    }
  };
}

/** How far the ends of the 95 % intervals are from the values, as bars of a chart; none where an end is not known. */
function bars(values, lows, highs) {
  const above = highs.map((end, at) => (end === null ? null : end - values[at]));
  const below = lows.map((end, at) => (end === null ? null : values[at] - end));
  return { type: "data", symmetric: false, array: above, arrayminus: below, color: colour("faint"), thickness: 1.2, width: 3 };
}

/** Ours minus the paper's of each class. */
function startDifferences(figure, data) {
  const box = role(figure, "differences");
  const places = data.classes.map((_, place) => place);
  box.style.height = `${90 + 19 * places.length}px`;
  return () => {
    const traces = ["recall", "precision"].map((measure, number) => ({
      x: data[measure].value,
      y: places,
      error_x: bars(data[measure].value, data[measure].low, data[measure].high),
      customdata: data.classes.map(escaped),
      mode: "markers",
      name: measure,
      marker: { color: seriesColour(number), symbol: number ? "diamond" : "circle", size: 8 },
      hovertemplate: `%{customdata}<br>${measure} %{x:+.2f} points<extra></extra>`,
    }));
    plot(box, traces, {
      showlegend: true,
      legend: { orientation: "h", x: 0, y: 1, yanchor: "bottom" },
      xaxis: axis("percentage points", { zeroline: true, zerolinecolor: colour("faint") }),
      yaxis: axis("", {
        tickvals: places,
        ticktext: data.short.map(escaped),
        range: [places.length - 0.4, -0.6],
        tickfont: { size: 11 },
      }),
    });
  };
}
