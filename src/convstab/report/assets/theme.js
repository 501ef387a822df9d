"use strict";

const root = document.documentElement;
const darkStyle = document.getElementById("dark"); // as its medium says, until the reader chooses
const prefersDark = matchMedia("(prefers-color-scheme: dark)");
const redraws = []; // what draws a chart again, in the colours of now

let chosen = null; // whether the reader chose to have it dark

function isDark() {
  return chosen ?? prefersDark.matches;
}

/** A colour of the style sheet as it is now. */
function colour(name) {
  return getComputedStyle(root).getPropertyValue(`--${name}`).trim();
}

/** The colour that lies between two, "#rrggbb", at a share of the way. */
function between(first, second, share) {
  const part = (hex, at) => parseInt(hex.slice(at, at + 2), 16);
  const mixed = [1, 3, 5].map((at) => Math.round(part(first, at) + share * (part(second, at) - part(first, at))));
  return `#${mixed.map((value) => value.toString(16).padStart(2, "0")).join("")}`;
}

/** A colour "#rrggbb" that lets something through. */
function faded(hex, alpha) {
  const [red, green, blue] = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
  return `rgba(${red},${green},${blue},${alpha})`;
}

function followTheme() {
  document.getElementById("theme").textContent = isDark() ? "Light mode" : "Dark mode";
  redraws.forEach((redraw) => redraw());
}

function startTheme() {
  const button = document.getElementById("theme");
  button.hidden = false;
  button.addEventListener("click", () => {
    chosen = !isDark();
    darkStyle.media = chosen ? "screen" : "not all";
    followTheme();
  });
  prefersDark.addEventListener("change", followTheme);
  followTheme();
}
