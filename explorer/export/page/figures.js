// Figures: numbers as they are written, never more certain than they are; the making of elements.

const UNKNOWN = "–";

function percent(share) {
  if (share === null || share === undefined) return UNKNOWN;
  if (share > 0 && share < 0.00005) return "<0.01%";
  if (share >= 0.99995 && share < 1) return ">99.99%";
  return (share * 100).toFixed(2) + "%";
}

const decimal = (value, unit = "") =>
  value === null || Number.isNaN(value)
    ? UNKNOWN
    : (Number.isFinite(value) ? value.toFixed(2) : value > 0 ? "∞" : "-∞").replace("-", "−") + unit;
const count = (value) => (value === null ? UNKNOWN : value.toLocaleString("en"));
const many = (value, one, more = one + "s") => `${count(value)} ${value === 1 ? one : more}`;
const surprisal = (prob) => (prob === null ? null : Math.max(0, -Math.log2(prob)));

// Text is only ever a text node: nothing of a model is read as markup.
function make(name, properties = {}, ...content) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key === "on") for (const [event, act] of Object.entries(value)) element.addEventListener(event, act);
    else if (key in element) element[key] = value;
    else if (value !== null && value !== false) element.setAttribute(key, value);
  }
  element.append(...content.filter((one) => one !== null));
  return element;
}

const $ = (id) => document.getElementById(id);
