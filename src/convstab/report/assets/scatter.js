"use strict";

/** Places and counts of the bins that are not empty, from their distances. */
function binsOf([distances, counts]) {
  let place = 0;
  return counts.map((count, at) => [(place += distances[at]), count]);
}

/** The range of the bins that any class uses along an axis. */
function rangeOf(data, axisName) {
  const bins = data.density.flatMap((outcomes) => outcomes.flatMap(binsOf)).map(([bin]) => bin);
  const { first, step } = data[axisName];
  const places = bins.map((bin) => (axisName === "psnr" ? Math.floor(bin / data.scores.bins) : bin % data.scores.bins));
  if (!places.length) return [first, first + step * data[axisName].bins];
  const low = places.reduce((a, b) => Math.min(a, b));
  const high = places.reduce((a, b) => Math.max(a, b));
  const room = 0.04 * (high + 1 - low) * step;
  return [first + low * step - room, first + (high + 1) * step + room];
}

const TINTS = [0, 0.3, 0.65, 1]; // of "misclassified" in the colour of a bin: none misclassified, up to 1/3, up to 2/3, more

/** Draws of a class in each bin that is not empty: { bin: [misclassified, correct] }. */
function drawsOf([misclassified, correct]) {
  const draws = new Map(binsOf(correct).map(([bin, count]) => [bin, [0, count]]));
  for (const [bin, count] of binsOf(misclassified)) draws.set(bin, [count, (draws.get(bin) ?? [0, 0])[1]]);
  return draws;
}

/** The bins of a class: the shade tells how many draws, on a logarithmic scale, the tint how many of them are misclassified. */
function densityTraces(data, outcomes) {
  const draws = drawsOf(outcomes);
  const most = [...draws.values()].reduce((greatest, [misclassified, correct]) => Math.max(greatest, misclassified + correct), 10);
  const { psnr, scores } = data;
  const grids = TINTS.map(() => Array.from({ length: scores.bins }, () => new Array(psnr.bins).fill(null)));
  for (const [bin, [misclassified, correct]] of draws) {
    const grid = grids[Math.ceil((3 * misclassified) / (misclassified + correct))];
    grid[bin % scores.bins][Math.floor(bin / scores.bins)] = Math.log10(misclassified + correct);
  }
  return TINTS.map((tint, place) => {
    const mixed = between(colour("correct"), colour("misclassified"), tint);
    return {
      type: "heatmap",
      z: grids[place],
      x0: psnr.first + psnr.step / 2,
      dx: psnr.step,
      y0: scores.first + scores.step / 2,
      dy: scores.step,
      zmin: 0,
      zmax: Math.log10(most),
      colorscale: [[0, faded(mixed, 0.25)], [1, faded(mixed, 0.9)]],
      showscale: false,
      hoverinfo: "skip",
    };
  });
}

/** The dots of a class under a level, 0: under all, from left to right. */
function dotsOf(data, label, level) {
  const { points } = data;
  const places = points.label.map((_, place) => place);
  const mine = places.filter((p) => points.label[p] === label && (level === 0 || points.level[p] === level));
  return mine.sort((a, b) => psnrOf(data, a) - psnrOf(data, b));
}

/** PSNR of a dot; a copy that is the same as the clean image is at the edge. */
function psnrOf(data, dot) {
  return data.points.psnr[dot] ?? data.psnr.first + data.psnr.step * (data.psnr.bins - 0.5);
}

function dotTrace(data, dots, correct, tint) {
  const mine = dots.filter((dot) => (data.points.predicted[dot] === data.points.label[dot]) === correct);
  const paper = colour("paper");
  return {
    x: mine.map((dot) => psnrOf(data, dot)),
    y: mine.map((dot) => data.points.score[dot]),
    customdata: mine,
    name: correct ? "correct" : "misclassified",
    mode: "markers",
    hovertemplate: `${correct ? "correct" : "misclassified"}, %{x:.1f} dB, score %{y:.3f}<extra></extra>`,
    marker: correct
      ? { symbol: "circle", size: 9, color: paper, line: { color: tint, width: 2 } }
      : { symbol: "x", size: 9, color: tint, line: { color: paper, width: 1 } },
  };
}

/** The facts of a dot. */
function factsOf(data, dot) {
  const { points, classes, levels } = data;
  const correct = points.predicted[dot] === points.label[dot];
  const level = levels[points.level[dot] - 1];
  const same = points.psnr[dot] === null;
  return [
    ["Degradation", level.endsWith(")") ? level : `${level} ${data.unit}`], // where it has its unit already
    ["PSNR", same ? "infinite: the same as the clean image" : `${points.psnr[dot].toFixed(2)} dB`],
    ["Score", `${points.score[dot].toFixed(3)} for the ${data.score === "label" ? "label" : "predicted class"}`],
    ["Label", classes[points.label[dot]]],
    ["Predicted", `${classes[points.predicted[dot]]} (${correct ? "correct" : "misclassified"})`],
    ["Image", points.which[dot]],
  ];
}

/** The scatter of an evaluation, the recall of the chosen class, and the images of the chosen dot. */
function startScatter(figure, data) {
  const [classes, levels] = [role(figure, "class"), role(figure, "level")];
  const box = role(figure, "scatter");
  const panel = figure.querySelector(".panel");
  const ranges = { psnr: rangeOf(data, "psnr"), scores: rangeOf(data, "scores") };
  const image = new Image();
  const chosen = { order: [], now: null, show };

  function show(dot) {
    chosen.now = dot;
    const { points } = data;
    describe(role(figure, "facts"), factsOf(data, dot));
    const level = data.levels[points.level[dot] - 1];
    const tile = (name, column, label) => {
      const canvas = role(figure, name);
      drawTile(canvas, data.mosaic, image, points.image[dot], column, label);
      role(figure, `below-${name}`).textContent = name === "clean" ? "clean" : `degraded, ${level}`;
    };
    tile("clean", 0, `clean image of the class ${data.classes[points.label[dot]]}`);
    tile("degraded", points.level[dot], `the same under ${level}`);
    if (box.data) Plotly.restyle(box, { x: [[psnrOf(data, dot)]], y: [[points.score[dot]]] }, [box.data.length - 1]);
  }

  function drawScatter() {
    const [label, level] = [Number(classes.value), Number(levels.value)];
    chosen.order = dotsOf(data, label, level);
    if (!chosen.order.includes(chosen.now)) chosen.now = startingDot(data, chosen.order);
    const now = chosen.now;
    panel.hidden = now === null;
    const [correct, misclassified] = [colour("correct"), colour("misclassified")];
    const span = level ? data.spans[label][level - 1] : null;
    const traces = [
      ...densityTraces(data, data.density[label]),
      dotTrace(data, chosen.order, true, correct),
      dotTrace(data, chosen.order, false, misclassified),
      now === null ? ring(null, null) : ring(psnrOf(data, now), data.points.score[now]),
    ];
    const band = { type: "rect", yref: "paper", y0: 0, y1: 1, line: { width: 0 }, fillcolor: faded(colour("ink"), 0.1), layer: "below" };
    plot(box, traces, {
      xaxis: axis("PSNR (dB)", { range: ranges.psnr }),
      yaxis: axis(`score: probability of the ${data.score === "label" ? "label" : "predicted class"}`, { range: ranges.scores }),
      shapes: span ? [{ ...band, x0: span[0], x1: span[1] }] : [],
    });
    if (now !== null) show(now);
  }

  function drawRecall() {
    const [label, level] = [Number(classes.value), Number(levels.value)];
    const recall = data.recall[label];
    const style = { colour: colour("line-of"), symbol: "circle", name: escaped(data.classes[label]) };
    const mark = { type: "line", yref: "paper", y0: 0, y1: 1, line: { color: colour("ink"), width: 1, dash: "dot" } };
    plot(role(figure, "recall"), withBand(recall, recall, style), {
      title: { text: "Recall of the class", font: { size: 13 } },
      xaxis: levelAxis(data.axis),
      yaxis: axis("share of correct draws (%)"),
      shapes: level ? [{ ...mark, x0: data.x[level - 1], x1: data.x[level - 1] }] : [],
    });
  }

  function draw() {
    drawScatter();
    drawRecall();
  }

  classes.value = data.first;
  for (const choice of [classes, levels]) choice.addEventListener("change", draw);
  let listening = false;
  const whole = () => {
    draw();
    if (!listening) choosable(box, chosen);
    listening = true;
  };
  if (data.mosaic) {
    image.src = data.mosaic.uri;
    image.decode().then(() => chosen.now !== null && show(chosen.now));
  }
  return whole;
}

/** The dot that is shown first: the misclassified draw with the least noise, else the one with the most. */
function startingDot(data, dots) {
  const misclassified = dots.filter((dot) => data.points.predicted[dot] !== data.points.label[dot]);
  return misclassified.at(-1) ?? dots[0] ?? null;
}
