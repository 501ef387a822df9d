"use strict";

const MEASURES = {
  l2: { title: "L2 norm of the noise (pixels in 0 to 1)", reversed: false },
  psnr: { title: "PSNR (dB); less noise to the left", reversed: true },
};

/** How many of the noises that were found are at most as strong as this one. */
function rankOf(values, value, reversed) {
  return values.filter((other) => (reversed ? other >= value : other <= value)).length;
}

/** The share of the images that withstand noise, as a staircase that begins with all of them. */
function staircase(data, measure, reversed) {
  const values = data[measure];
  const shares = values.map((_, place) => 1 - (place + 1) / data.attacked);
  const start = reversed ? values[0] + 2 : 0; // dB
  return {
    x: [start, ...values],
    y: inPercent([1, ...shares]),
    mode: "lines",
    line: { shape: "hv", color: colour("line-of"), width: 1.6 },
    hoverinfo: "skip",
  };
}

function attackFacts(data, dot) {
  const { points, classes } = data;
  return [
    ["L2 norm", `${points.l2[dot].toPrecision(3)} for pixels in 0 to 1`],
    ["PSNR", `${points.psnr[dot].toFixed(2)} dB`],
    ["Label", `${classes[points.label[dot]]}, clean score ${points.clean_score[dot].toFixed(3)}`],
    ["Predicted", `${classes[points.predicted[dot]]}, score ${points.score[dot].toFixed(3)}`],
    ["Image", points.which[dot]],
  ];
}

/** The least noise of each image of an attack, and the images of the chosen dot. */
function startAttack(figure, data) {
  const [box, measures] = [role(figure, "survival"), role(figure, "measure")];
  const image = new Image();
  const chosen = { order: [], now: 0, show };
  const share = (dot, measure) =>
    1 - rankOf(data[measure], data.points[measure][dot], MEASURES[measure].reversed) / data.attacked;

  function show(dot) {
    chosen.now = dot;
    const { points, classes } = data;
    const [label, predicted] = [classes[points.label[dot]], classes[points.predicted[dot]]];
    describe(role(figure, "facts"), attackFacts(data, dot));
    const tiles = {
      clean: [`clean: ${label}`, `clean image of the class ${label}`],
      noise: [`noise, times ${points.scale[dot]}; grey: no change`, "the least noise, scaled to be seen"],
      noisy: [`noisy: ${predicted}`, `noisy image that is taken for ${predicted}`],
    };
    Object.entries(tiles).forEach(([name, [below, label]], column) => {
      drawTile(role(figure, name), data.mosaic, image, dot, column, label);
      role(figure, `below-${name}`).textContent = below;
    });
    const measure = measures.value;
    const at = { x: [[points[measure][dot]]], y: [[100 * share(dot, measure)]] };
    if (box.data) Plotly.restyle(box, at, [box.data.length - 1]);
  }

  function draw() {
    const measure = measures.value;
    const { title, reversed } = MEASURES[measure];
    const values = data.points[measure];
    chosen.order = values.map((_, dot) => dot); // they come in the order of the norm
    const dots = {
      x: values,
      y: inPercent(chosen.order.map((dot) => share(dot, measure))),
      customdata: chosen.order,
      mode: "markers",
      marker: { size: 8, color: colour("paper"), line: { color: colour("line-of"), width: 2 } },
      hovertemplate: "%{x:.3~f}: %{y:.0f} % of the images withstand it<extra></extra>",
    };
    plot(box, [staircase(data, measure, reversed), dots, ring(values[chosen.now], dots.y[chosen.now])], {
      xaxis: axis(title, reversed ? { autorange: "reversed" } : { rangemode: "tozero" }),
      yaxis: axis("images that withstand it (%)", { range: [-4, 104] }),
    });
    show(chosen.now);
  }

  measures.addEventListener("change", draw);
  let listening = false;
  image.src = data.mosaic.uri;
  image.decode().then(() => show(chosen.now));
  return () => {
    draw();
    if (!listening) choosable(box, chosen);
    listening = true;
  };
}
