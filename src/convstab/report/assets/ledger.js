"use strict";

const LAWS = [
  { name: "boundary", title: "by the boundary that all draws tell", series: 0, dash: "solid" },
  { name: "attack", title: "by the least perturbation, if flat", series: 1, dash: "dash" },
];

/** The draws of an image that are misclassified under each level, with their intervals. */
function countedDraws(data, row) {
  const { flips, low, high } = data.shares;
  const [value, from, to] = [flips, low, high].map((shares) => inPercent(shares[row]));
  return {
    x: data.x,
    y: value,
    name: "counted",
    customdata: data.levels.map((level, at) => [level, from[at], to[at]]),
    mode: "markers",
    marker: { color: colour("ink"), size: 7 },
    error_y: bars(value, from, to),
    hovertemplate: "%{customdata[0]}: %{y:.2f} % (95 % %{customdata[1]:.2f} to %{customdata[2]:.2f})<extra></extra>",
  };
}

/** What the laws tell of an image, where they tell anything. */
function lawTraces(data, row) {
  const told = LAWS.filter(({ name }) => data.shares[name] && data.shares[name][row].some((share) => share !== null));
  return told.map(({ name, title, series, dash }) => ({
    x: data.x,
    y: inPercent(data.shares[name][row]),
    name: title,
    mode: "lines",
    line: { color: seriesColour(series), width: 1.6, dash },
    hoverinfo: "skip",
  }));
}

/** How far an image is from failing, a line for each way to tell. */
function distanceTrace(distances) {
  return {
    x: distances.map(([, value]) => value),
    y: distances.map((_, place) => place),
    error_x: {
      ...{ type: "data", symmetric: false, color: colour("faint"), thickness: 1.2, width: 4 },
      array: distances.map(([, , error]) => error),
      arrayminus: distances.map(([, value, error]) => Math.min(value, error)), // no distance is below 0
    },
    mode: "markers",
    marker: { color: distances.map((_, place) => seriesColour(place)), size: 11 },
    hovertemplate: "%{x:.3~f} grey levels<extra></extra>",
  };
}

/** Give the first cell of each row of a table a button that chooses its image. */
function chooseByRow(table, choose) {
  const rows = [...table.tBodies[0].rows];
  rows.forEach((row) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...row.cells[0].childNodes);
    row.cells[0].append(button);
    row.addEventListener("click", () => choose(Number(row.dataset.row)));
  });
  return (chosen) =>
    rows.forEach((row) => row.cells[0].firstChild.setAttribute("aria-pressed", Number(row.dataset.row) === chosen));
}

/** The flips, the distances and the pictures of the image that is chosen in the table below. */
function startLedger(figure, data) {
  const [curve, distances] = [role(figure, "curve"), role(figure, "distances")];
  const image = new Image();
  let now = 0;

  function showPictures() {
    const at = data.pictures[now];
    const tiles = { clean: "clean", noisy: "with the least perturbation" };
    Object.entries(tiles).forEach(([name, below], column) => {
      role(figure, name).parentElement.hidden = at === null;
      role(figure, `below-${name}`).textContent = below;
      if (at !== null) drawTile(role(figure, name), data.mosaic, image, at, column, `the image, ${below}`);
    });
  }

  function top() {
    return Math.min(100, Math.max(5, ...inPercent(data.shares.high[now]).map((end) => end ?? 0)));
  }

  function draw() {
    describe(role(figure, "facts"), data.facts[now]);
    plot(curve, [...lawTraces(data, now), countedDraws(data, now)], {
      title: { text: "Misclassified draws", font: { size: 13 } },
      showlegend: true,
      legend: { orientation: "h", x: 0, y: -0.2, yanchor: "top" },
      xaxis: levelAxis(data.axis),
      yaxis: axis("share of draws (%)", { range: [-0.04 * top(), 1.04 * top()] }),
    });
    const found = data.distances[now];
    distances.hidden = !found.length; // before it is drawn: a hidden box has no size
    if (found.length) plot(distances, [distanceTrace(found)], {
      title: { text: "Distance to failing", font: { size: 13 } },
      xaxis: axis("L2 norm in grey levels", { rangemode: "tozero" }),
      yaxis: axis("", { tickvals: found.map((_, place) => place), ticktext: found.map(([name]) => escaped(name)), range: [found.length - 0.4, -0.6] }),
    });
    mark(now);
    showPictures();
  }

  const mark = chooseByRow(document.getElementById(`${figure.id}-images`), (row) => {
    now = row;
    draw();
    figure.scrollIntoView({ block: "nearest" });
  });
  image.src = data.mosaic.uri;
  if (data.mosaic.uri) image.decode().then(showPictures);
  return draw;
}
